"""Range analysis: what every value of a program lies in, and what follows from that."""
