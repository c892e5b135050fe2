"""Element-wise e^x of a shared array of reals."""

from bench.operation import ElementwiseTask


class Exp(ElementwiseTask):
    name = operator = "exp"
    summary = "exponentials of --n values in [-16, 16]"
    n_operands = 1
    limit = 16.0


TASK = Exp()
