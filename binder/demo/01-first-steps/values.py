# %% [markdown] lang="en" tags=["slide"]
# # Values and names
#
# Four friends have been out for dinner, and one of them has a laptop with her. The bill becomes our first program.

# %% [markdown] lang="de" tags=["slide"]
# # Werte und Namen
#
# Vier Freunde waren zusammen essen, und eine von ihnen hat ihren Laptop dabei. Die Rechnung wird unser erstes Programm.

# %% tags=["keep"]
price = 12.50
guests = 4

# %% [markdown] lang="en"
# Python now remembers two values, each under a name. What does dinner cost for all of them?

# %% [markdown] lang="de"
# Python merkt sich nun zwei Werte, jeden unter einem Namen. Was kostet das Essen für alle zusammen?

# %%
total = price * guests
total

# %% [markdown] lang="en" tags=["notes"]
# Ask before you run the next slide: what happens to `total` when a fifth friend arrives? Most people expect it to follow, as in a
# spreadsheet. Let them bet.

# %% [markdown] lang="de" tags=["notes"]
# Vor der nächsten Folie fragen: Was geschieht mit `total`, wenn eine fünfte Person dazukommt? Die meisten erwarten, dass der Wert
# mitwächst wie in einer Tabellenkalkulation. Wetten lassen!

# %% [markdown] lang="en" tags=["slide"]
# ## A name is not a formula
#
# A fifth friend arrives.

# %% [markdown] lang="de" tags=["slide"]
# ## Ein Name ist keine Formel
#
# Eine fünfte Person kommt dazu.

# %% tags=["keep"]
guests = 5
total

# %% [markdown] lang="en" tags=["fragment"]
# `total` still holds what was worked out for four. Python calculates when a line runs, and not again.

# %% [markdown] lang="de" tags=["fragment"]
# In `total` steht noch immer, was für vier ausgerechnet wurde. Python rechnet, wenn eine Zeile läuft, und danach nicht noch einmal.

# %%
total = price * guests
total

# %% [markdown] lang="en" tags=["slide"]
# ## Your turn: the tip
#
# Write a function that adds a tip, given in percent. With 10 percent, dinner should cost 68.75.

# %% [markdown] lang="de" tags=["slide"]
# ## Jetzt du: das Trinkgeld
#
# Schreibe eine Funktion, die ein Trinkgeld in Prozent dazurechnet. Mit 10 Prozent soll das Essen 68,75 kosten.

# %% tags=["start"]
def with_tip(amount, percent):
    ...


# %% tags=["alt"]
def with_tip(amount, percent):
    return amount + amount * percent / 100


# %%
with_tip(total, 10)

# %% [markdown] lang="en"
# Why is it better to write a function than to add 6.25 by hand?

# %% [markdown] lang="de"
# Warum ist eine Funktion besser, als einfach 6,25 dazuzuzählen?

# %% [markdown] lang="en" tags=["answer"]
# It works for the next dinner too, and its name says what is meant.

# %% [markdown] lang="de" tags=["answer"]
# Sie passt auch zum nächsten Essen, und ihr Name sagt, was gemeint ist.
