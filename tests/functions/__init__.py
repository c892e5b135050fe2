"""Every function that secrets can be given to, with its cost: see `test_functions`."""
