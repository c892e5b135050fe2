"""Algorithms as ordinary numeric functions: they do not know whether their inputs are secret."""
