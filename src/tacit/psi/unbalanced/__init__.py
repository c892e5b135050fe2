"""Unbalanced intersection: a server with a large set, clients that ask for few ids, often.

Offline, the server evaluates a pseudorandom function on its set once per version and publishes a signed table
of the outputs (`table.py`). Online, a client has its ids evaluated obliviously (`voprf_jkk14.py`) and looks
them up in the table that it holds; the server counts what each client asked (`budget.py`).
"""
