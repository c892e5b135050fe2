"""The array-API functions that learn, stats and users write.

    from tacit.compile import array as xp

On data every function computes by `Op.ref`, so the plaintext run of the same source is the oracle. On traced
Arrays it writes the program down. Data that meet an Array become public constants (4096 elements at most,
unless all are equal): whole ones multiply without truncation, small ones keep their precision.
"""

import numpy as _np

from tacit.base.types import BOOL, FIXED, INT
from tacit.compile.control import reveal, scan, to_secret
from tacit.compile.elementwise import (
    abs,
    add,
    astype,
    ceil,
    clip,
    divide,
    equal,
    exp,
    floor,
    gelu,
    greater,
    greater_equal,
    isfinite,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    low_bit,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    positive,
    pow,
    reciprocal,
    round,
    rsqrt,
    scale_floor,
    sigmoid,
    sign,
    sqrt,
    square,
    subtract,
    tanh,
    where,
)  # fmt: skip
from tacit.compile.reduction import (
    all,
    any,
    argmax,
    argmin,
    cumulative_sum,
    histogram,
    lookup,
    matmul,
    max,
    mean,
    min,
    one_hot,
    shuffle,
    softmax,
    sort,
    std,
    sum,
    top_k,
    var,
)  # fmt: skip
from tacit.compile.shaping import (
    arange,
    asarray,
    broadcast_to,
    concat,
    expand_dims,
    eye,
    flip,
    full,
    full_like,
    matrix_transpose,
    moveaxis,
    ones,
    ones_like,
    permute_dims,
    reshape,
    squeeze,
    stack,
    take,
    zeros,
    zeros_like,
)  # fmt: skip
from tacit.compile.trace import Array, trace

float64, int64, bool = FIXED, INT, BOOL
pi, e, newaxis = _np.pi, _np.e, None

__all__ = [
    "Array", "abs", "add", "all", "any", "arange", "argmax", "argmin", "asarray", "astype", "bool",
    "broadcast_to", "ceil", "clip", "concat", "cumulative_sum", "divide", "e", "equal", "exp",
    "expand_dims", "eye", "flip", "float64", "floor", "full", "full_like", "gelu", "greater",
    "greater_equal", "histogram", "int64", "isfinite", "less", "less_equal", "log", "logical_and",
    "logical_not", "logical_or", "logical_xor", "lookup", "low_bit", "matmul", "matrix_transpose", "max",
    "maximum", "mean", "min", "minimum", "moveaxis", "multiply", "negative", "newaxis", "not_equal",
    "one_hot", "ones", "ones_like", "permute_dims", "pi", "positive", "pow", "reciprocal", "reshape",
    "reveal", "round", "rsqrt", "scale_floor", "scan", "shuffle", "sigmoid", "sign", "softmax", "sort",
    "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "take", "tanh", "to_secret", "top_k",
    "trace", "var", "where", "zeros", "zeros_like",
]  # fmt: skip
