# %% [markdown] tags=["slide"]
# # A year of rain
#
# ![A drop of water](fig/drop.svg)
#
# A table of numbers says little until somebody asks it a question. Ours: which month is the wettest?

# %% tags=["keep"]
import csv

with open("data/rainfall.csv", newline="") as file:
    rain = {row["month"]: int(row["mm"]) for row in csv.DictReader(file)}
rain

# %%
max(rain, key=rain.get)

# %% [markdown]
# ## A picture of it
#
# A bar for each month, drawn by hand in twelve lines.

# %%
from IPython.display import SVG


def chart(numbers, width=30, scale=2):
    bars = "".join(
        f'<rect x="{place * width + 4}" y="{220 - value * scale}" width="{width - 8}" height="{value * scale}" fill="#4a90d9"/>'
        f'<text x="{place * width + width / 2}" y="236" font-size="11" text-anchor="middle">{name[:3]}</text>'
        for place, (name, value) in enumerate(numbers.items())
    )
    return SVG(f'<svg xmlns="http://www.w3.org/2000/svg" width="{len(numbers) * width}" height="240">{bars}</svg>')


chart(rain)

# %% [markdown] tags=["notes"]
# Let them guess the shape before you run the cell.
