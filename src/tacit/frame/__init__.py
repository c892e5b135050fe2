"""Tables of one party: files, ids, columns as numbers, the split, and what coefficients may tell."""
