# %% [markdown] lang="en" tags=["slide"]
# # A picture made of text
#
# Twelve numbers in a row are hard to take in; twelve bars are seen at once. A browser draws them for us: an SVG picture is a text
# that says which shapes stand where, and Python is good at writing text.

# %% [markdown] lang="de" tags=["slide"]
# # Ein Bild aus Text
#
# Zwölf Zahlen in einer Reihe überblickt niemand, zwölf Balken sieht man sofort. Zeichnen kann sie der Browser: Ein SVG-Bild ist ein
# Text, der sagt, welche Form wo steht, und Texte schreiben kann Python gut.

# %% tags=["keep"]
import csv

from IPython.display import SVG

with open("data/rainfall.csv", newline="") as file:
    rain = [int(row["mm"]) for row in csv.DictReader(file)]

# %% [markdown] lang="en" tags=["slide"]
# ## One bar for each month
#
# In an SVG, `y` counts from the top. A bar that is to stand on the ground must therefore begin at *ground minus height*.

# %% [markdown] lang="de" tags=["slide"]
# ## Ein Balken für jeden Monat
#
# Im SVG zählt `y` von oben. Ein Balken, der auf dem Boden stehen soll, beginnt deshalb bei *Boden minus Höhe*.

# %%
GROUND = 210


def bar(month, value):
    middle, height = 40 * month - 20, 2 * value
    return f'''
      <rect x="{middle - 14}" y="{GROUND - height}" rx="3"
            width="28" height="{height}" fill="#3d85c6"/>
      <text x="{middle}" y="{GROUND + 16}" font-size="12"
            text-anchor="middle" fill="#767676">{month}</text>'''


# %% tags=["subslide"]
def chart(values, more=""):
    bars = [bar(month, value) for month, value in enumerate(values, 1)]
    return SVG(f'''
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 232"
           width="480" role="img" font-family="sans-serif">
        <title>Rain in twelve months, in mm: {values}</title>
        {"".join(bars)}{more}
      </svg>''')


# %%
chart(rain)

# %% [markdown] lang="en" tags=["notes"]
# Let them guess the shape before the cell runs: which season is the wettest? Then point at the `title` in the picture: it is what a
# screen reader reads out.

# %% [markdown] lang="de" tags=["notes"]
# Vor dem Ausführen die Form raten lassen: Welche Jahreszeit ist die nasseste? Dann auf `title` im Bild hinweisen: Das liest ein
# Screenreader vor.

# %% [markdown] lang="en" tags=["slide"]
# ## Your turn: a line for the mean
#
# Draw a line across the picture at the height of an average month. Everything that stands above it was a wet one.

# %% [markdown] lang="de" tags=["slide"]
# ## Jetzt du: eine Linie für den Mittelwert
#
# Ziehe eine Linie durch das Bild, so hoch wie ein durchschnittlicher Monat. Was darüber hinausragt, war ein nasser Monat.

# %% tags=["start"]
line = ""
chart(rain, line)

# %% tags=["alt"]
level = GROUND - 2 * sum(rain) / len(rain)
line = f'<path d="M0 {level} H480" stroke="#c0561f" stroke-dasharray="6 4"/>'
chart(rain, line)
