"""Oblivious transfer: base OTs, their extension, and correlations from extended OTs."""
