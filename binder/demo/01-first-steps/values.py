# %% [markdown] tags=["slide"]
# # Values and names
#
# Python remembers a value under a name. We will use names for everything that follows.

# %% tags=["keep"]
price = 12.5
guests = 4

# %% [markdown] tags=["notes"]
# Ask first: what happens to `total` when `guests` changes later? Most people guess wrong.

# %% [markdown]
# How much does dinner cost for all of us?

# %%
total = price * guests
total

# %% [markdown]
# ## Your turn
#
# Write a function that adds a tip in percent.

# %% tags=["start"]
def with_tip(amount, percent):
    ...


# %% tags=["alt"]
def with_tip(amount, percent):
    return amount + amount * percent / 100


# %% [markdown] tags=["answer"]
# A tip of 10 percent makes it 55.

# %%
with_tip(total, 10)
