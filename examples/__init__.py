"""Worked examples: NumPy functions on data of several parties. `python -m examples.kmeans` runs one."""
