"""The protocols that `python -m bench psi` offers, each with its inputs, its run and its check."""
