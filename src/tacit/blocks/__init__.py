"""Building blocks: oblivious transfer and what is made of it."""
