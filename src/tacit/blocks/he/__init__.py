"""Homomorphic encryption: products of private matrices."""
