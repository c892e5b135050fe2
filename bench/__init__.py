"""Benches (DESIGN §7): parties are real processes over mutual TLS; accuracy is checked in the same run."""
