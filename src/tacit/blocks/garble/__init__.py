"""Garbled circuits: a public boolean circuit on private bits of two parties, in a constant number of
rounds."""
