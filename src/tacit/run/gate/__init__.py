"""Do the outputs of a program, with all that a project revealed before, determine what somebody protects?

`cells.py` says what every output is as a function of input cells, `span.py` what follows from rational linear
combinations, `tangent.py` what any combination leaves no freedom, `alike.py` what cannot be told apart;
`judge.py` gives the verdicts, `ledger.py` keeps what was revealed.
"""
