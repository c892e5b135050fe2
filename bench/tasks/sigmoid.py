"""Element-wise 1 / (1 + exp(-x)) of a shared array of reals."""

from bench.operation import ElementwiseTask


class Sigmoid(ElementwiseTask):
    name = operator = "sigmoid"
    summary = "sigmoids of --n values"
    n_operands = 1
    limit = 16.0


TASK = Sigmoid()
