"""Distributed zero knowledge: one party proves to two others that products which it sent are right."""
