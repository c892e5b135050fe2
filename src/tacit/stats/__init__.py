"""Joint statistics as ordinary numeric functions."""
