"""Vector oblivious linear evaluation over GF(2^128)."""
