"""Element-wise product of two shared arrays of reals, truncation included."""

from bench.operation import ElementwiseTask


class Mul(ElementwiseTask):
    name = operator = "mul"
    summary = "fixed-point products of --n pairs"
    n_operands = 2
    limit = 1000.0


TASK = Mul()
