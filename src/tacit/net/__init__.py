"""Implementations of `base.transport`: in memory, over mutual TLS, recorded, faulty."""
