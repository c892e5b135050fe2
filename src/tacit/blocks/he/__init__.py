"""Homomorphic encryption: products of private matrices, and of numbers element by element."""
