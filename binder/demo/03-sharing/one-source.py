# %% [markdown] lang="en" tags=["slide"]
# # One notebook, many readers
#
# Whoever teaches needs the same lesson several times: with gaps to fill in, with solutions, with notes for the front of the room. This
# course is written once. What you are reading now is one of its versions.

# %% [markdown] lang="de" tags=["slide"]
# # Ein Notebook, viele Leser
#
# Wer unterrichtet, braucht dieselbe Lektion mehrmals: mit Lücken zum Ausfüllen, mit Lösungen, mit Notizen für vorne am Pult. Dieser
# Kurs ist einmal geschrieben. Was du gerade liest, ist eine seiner Fassungen.

# %% [markdown] lang="en" tags=["slide"]
# ## From source to page
#
# ![Diagram: a source is run once; from it come the code-along, the solution and the speaker version](img/versions.svg)
#
# The code runs once, whatever is made of it. Tags on the cells say who gets what.

# %% [markdown] lang="de" tags=["slide"]
# ## Von der Quelle zur Seite
#
# ![Diagramm: Eine Quelle läuft einmal; daraus entstehen die Fassung zum Mitschreiben, die Lösung und die für Vortragende](img/versions-de.svg)
#
# Der Code läuft nur einmal, was auch immer daraus entsteht. Marken an den Zellen sagen, wer was bekommt.

# %% [markdown] lang="en" tags=["slide"]
# ## Who sees what
#
# | the cell is | code-along | solution | speaker |
# |---|:---:|:---:|:---:|
# | code | empty | yes | yes |
# | code tagged `keep` | yes | yes | yes |
# | tagged `start` | yes | no | no |
# | tagged `alt` | no | yes | yes |
# | tagged `notes` | no | no | yes |

# %% [markdown] lang="de" tags=["slide"]
# ## Wer was sieht
#
# | die Zelle ist | zum Mitschreiben | Lösung | für Vortragende |
# |---|:---:|:---:|:---:|
# | Code | leer | ja | ja |
# | Code mit `keep` | ja | ja | ja |
# | markiert mit `start` | ja | nein | nein |
# | markiert mit `alt` | nein | ja | ja |
# | markiert mit `notes` | nein | nein | ja |

# %% [markdown] lang="en" tags=["notes"]
# You see this box because you are reading the speaker version. No file for students holds a word of it.

# %% [markdown] lang="de" tags=["notes"]
# Diesen Kasten sieht nur, wer die Fassung für Vortragende liest. In keiner Datei für Lernende steht ein Wort davon.

# %% [markdown] lang="en" tags=["slide"]
# ## Try it
#
# How many files come from one lesson? Count with Python: two languages, three versions, three formats.

# %% [markdown] lang="de" tags=["slide"]
# ## Probiere es aus
#
# Wie viele Dateien entstehen aus einer Lektion? Zähle mit Python: zwei Sprachen, drei Fassungen, drei Formate.

# %%
from itertools import product

languages = ["en", "de"]
versions = ["code-along", "completed", "speaker"]
formats = ["html", "slides", "notebook"]
files = list(product(languages, versions, formats))
len(files)

# %%
files[:3]

# %% [markdown] lang="en"
# Now open the source of this page, change a sentence, and build the course again. Only what shows the sentence is made anew.

# %% [markdown] lang="de"
# Öffne nun die Quelle dieser Seite, ändere einen Satz und baue den Kurs noch einmal. Neu gemacht wird nur, worin der Satz steht.
