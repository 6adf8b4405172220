# %% [markdown] lang="en" tags=["slide"]
# # Mistakes are messages
#
# Nobody writes ten lines without a mistake. What makes a programmer is reading what Python says about it. The next cell fails on
# purpose: it is tagged `raises-exception`, and so the course is built all the same.

# %% [markdown] lang="de" tags=["slide"]
# # Fehler sind Nachrichten
#
# Niemand schreibt zehn Zeilen ohne Fehler. Programmieren kann, wer liest, was Python dazu sagt. Die nächste Zelle scheitert mit
# Absicht: Sie trägt die Marke `raises-exception`, und deshalb wird der Kurs trotzdem gebaut.

# %% [markdown] lang="fr" tags=["slide"]
# # Les erreurs sont des messages
#
# Personne n’écrit dix lignes sans se tromper. Savoir programmer, c’est lire ce que Python en dit. La cellule suivante échoue exprès :
# elle porte l’étiquette `raises-exception`, et le cours est donc construit quand même.

# %% tags=["keep", "raises-exception"]
"2" + 3

# %% [markdown] lang="en" tags=["notes"]
# Let somebody read the whole message aloud, from the last line up. Then ask which of the two values is the unexpected one.

# %% [markdown] lang="de" tags=["notes"]
# Jemanden die ganze Meldung laut vorlesen lassen, von der letzten Zeile nach oben. Dann fragen, welcher der beiden Werte überrascht.

# %% [markdown] lang="fr" tags=["notes"]
# Faire lire le message en entier à voix haute, de la dernière ligne vers le haut. Demander ensuite laquelle des deux valeurs surprend.

# %% [markdown] lang="en" tags=["subslide"]
# ## Read it from the end
#
# 1. The **last line** names the kind of mistake, and what Python did not know how to do.
# 2. The **arrow** points at the line where it happened.
#
# Here `"2"` is text, because it stands in quotes. Text and a number cannot be added, until we say which of the two we mean.

# %% [markdown] lang="de" tags=["subslide"]
# ## Von hinten lesen
#
# 1. Die **letzte Zeile** nennt die Art des Fehlers und das, was Python nicht konnte.
# 2. Der **Pfeil** zeigt auf die Zeile, in der es geschah.
#
# Hier ist `"2"` ein Text, denn es steht in Anführungszeichen. Text und Zahl lassen sich nicht addieren, solange wir nicht sagen, was
# wir meinen.

# %% [markdown] lang="fr" tags=["subslide"]
# ## À lire en partant de la fin
#
# 1. La **dernière ligne** nomme le type d’erreur et ce que Python n’a pas su faire.
# 2. La **flèche** montre la ligne où c’est arrivé.
#
# Ici, `"2"` est un texte, puisqu’il est entre guillemets. On ne peut pas additionner un texte et un nombre tant qu’on n’a pas dit ce
# que l’on veut.

# %%
int("2") + 3

# %%
"2" + str(3)

# %% [markdown] lang="en" tags=["slide"]
# ## Your turn
#
# This line is meant to greet Ada. Which mistake does Python report, and how do you mend it?

# %% [markdown] lang="de" tags=["slide"]
# ## Jetzt du
#
# Diese Zeile soll Ada grüßen. Welchen Fehler meldet Python, und wie behebst du ihn?

# %% [markdown] lang="fr" tags=["slide"]
# ## À vous
#
# Cette ligne devrait saluer Ada. Quelle erreur Python signale-t-il, et comment la corriger ?

# %% tags=["keep", "raises-exception"]
"Hello, " + Ada

# %% [markdown] lang="en" tags=["answer"]
# A `NameError`: without quotes, Python looks for a value called `Ada`, and there is none.

# %% [markdown] lang="de" tags=["answer"]
# Ein `NameError`: Ohne Anführungszeichen sucht Python nach einem Wert namens `Ada`, und den gibt es nicht.

# %% [markdown] lang="fr" tags=["answer"]
# Une `NameError` : sans guillemets, Python cherche une valeur nommée `Ada`, et il n’y en a pas.

# %%
"Hello, " + "Ada"
