# %% [markdown] lang="en" tags=["slide"]
# # A year of rain
#
# ![A blue drop of water](fig/drop.svg)
#
# In a garden stands a rain gauge. Once a month somebody writes down how many millimetres fell; the file `data/rainfall.csv` holds
# one year. A table says little until somebody asks it a question.

# %% [markdown] lang="de" tags=["slide"]
# # Ein Jahr voll Regen
#
# ![Ein blauer Wassertropfen](fig/drop.svg)
#
# In einem Garten steht ein Regenmesser. Einmal im Monat schreibt jemand auf, wie viele Millimeter gefallen sind; in der Datei
# `data/rainfall.csv` steht ein ganzes Jahr. Eine Tabelle sagt wenig, bis jemand ihr eine Frage stellt.

# %% tags=["keep", "subslide"]
import csv

with open("data/rainfall.csv", newline="") as file:
    rain = {row["month"]: int(row["mm"]) for row in csv.DictReader(file)}
rain

# %% [markdown] lang="en" tags=["slide"]
# ## The wettest month
#
# `max` compares the months. Left to itself it would take the last one in the alphabet; with `key` we tell it what counts.

# %% [markdown] lang="de" tags=["slide"]
# ## Der nasseste Monat
#
# `max` vergleicht die Monate. Von sich aus nähme es den letzten im Alphabet; mit `key` sagen wir ihm, worauf es ankommt.

# %%
max(rain, key=rain.get)

# %% [markdown] lang="en" tags=["notes"]
# Show `max(rain)` first. It gives September, and everybody wants to know why.

# %% [markdown] lang="de" tags=["notes"]
# Zuerst `max(rain)` zeigen. Heraus kommt September, und alle wollen wissen, warum.

# %% [markdown] lang="en"
# And how much fell in the whole year?

# %% [markdown] lang="de"
# Und wie viel ist im ganzen Jahr gefallen?

# %%
sum(rain.values())

# %% [markdown] lang="en" tags=["slide"]
# ## Your turn: the dry months
#
# Make a list of all months with less than 50 mm, the driest first.

# %% [markdown] lang="de" tags=["slide"]
# ## Jetzt du: die trockenen Monate
#
# Stelle eine Liste aller Monate mit weniger als 50 mm zusammen, den trockensten zuerst.

# %% tags=["start"]
dry = [month for month in rain]
dry

# %% tags=["alt"]
dry = [month for month in sorted(rain, key=rain.get) if rain[month] < 50]
dry
