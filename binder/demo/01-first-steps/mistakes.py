# %% [markdown] tags=["slide"]
# # Mistakes are messages
#
# Python says what went wrong, and where. The next cell fails on purpose: it is tagged `raises-exception`.

# %% tags=["keep", "raises-exception"]
"2" + 3

# %% [markdown]
# Read the last line first: it names the kind of mistake. Then mend it.

# %%
int("2") + 3
