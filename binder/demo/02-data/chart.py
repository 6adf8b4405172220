# %% [markdown] lang="en" tags=["slide"]
# # A picture in twelve lines
#
# Twelve numbers in a row are hard to take in; twelve bars are seen at once. A browser draws them for us: an SVG picture is a text
# that says which shapes stand where, and Python is good at writing text.

# %% [markdown] lang="de" tags=["slide"]
# # Ein Bild aus zwölf Zeilen
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
def bar(place, value, ground=210):
    left = 40 * place
    return (
        f'<rect x="{left + 6}" y="{ground - 2 * value}" width="28" height="{2 * value}" rx="3" fill="#3d85c6"/>'
        f'<text x="{left + 20}" y="{ground + 16}" font-size="12" text-anchor="middle" fill="#767676">{place + 1}</text>'
    )


# %%
def chart(values, more=""):
    bars = "".join(bar(place, value) for place, value in enumerate(values))
    title = f"<title>Rain in twelve months, in millimetres: {', '.join(map(str, values))}</title>"
    return SVG(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 232" width="480" role="img">{title}{bars}{more}</svg>')


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
height = 210 - 2 * sum(rain) / len(rain)
line = f'<line x1="0" x2="480" y1="{height}" y2="{height}" stroke="#c0561f" stroke-width="2" stroke-dasharray="6 4"/>'
chart(rain, line)
