"""Element-wise comparison of two shared arrays of reals (64-bit ring elements)."""

from bench.operation import ElementwiseTask


class Less(ElementwiseTask):
    name = operator = "less"
    summary = "comparisons of --n pairs"
    n_operands = 2
    limit = 1000.0


TASK = Less()
