"""NumPy's functions on secrets."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.functions.case import (
    ABOVE,
    ARRAYS,
    ELEMENTS,
    FLAT,
    MATRICES,
    REAL,
    SOLIDS,
    TRUTH,
    UNIT,
    WHOLE,
    Domain,
    called,
    plain,
    table,
)

ENDS = [-3.0, -1.0, 0.0, 2.0, 3.0]
SMALL = Domain(0.0, 3.0, "i")


def rows(function: Any) -> Any:
    """`function` of the flattened array."""
    return lambda x: function(np.ravel(x))


ELEMENTWISE = (
    plain(
        np,
        """abs cbrt ceil cos cosh deg2rad exp exp2 expm1 fabs floor i0 negative positive rad2deg rint sign
        signbit sin sinc sinh square tanh trunc arctan arcsinh""",
        ELEMENTS,
    ),
    plain(np, "isinf isnan isneginf isposinf isreal iscomplex real imag conj", ELEMENTS),
    plain(np, "log log2 log10 log1p sqrt reciprocal", ELEMENTS, ABOVE),
    plain(np, "arccos arcsin arctanh", ELEMENTS, UNIT),
    plain(np, "arccosh", ELEMENTS, Domain(1.0, 9.0)),
    plain(np, "tan", ELEMENTS, Domain(-1.2, 1.2)),
    plain(
        np,
        """add subtract multiply maximum minimum fmax fmin copysign hypot arctan2 logaddexp logaddexp2 less
        less_equal greater greater_equal equal not_equal heaviside isclose""",
        ELEMENTS,
        REAL,
        REAL,
    ),
    plain(np, "divide floor_divide remainder fmod divmod", ELEMENTS, REAL, ABOVE),
    plain(np, "power float_power", ELEMENTS, ABOVE, Domain(-1.5, 1.5)),
    plain(np, "bitwise_and bitwise_or bitwise_xor", ELEMENTS, WHOLE, WHOLE),
    plain(np, "invert bitwise_count", ELEMENTS, WHOLE),
    plain(np, "logical_and logical_or logical_xor", ELEMENTS, TRUTH, TRUTH),
    plain(np, "logical_not", ELEMENTS, TRUTH),
    called(
        {
            "ldexp": lambda x: np.ldexp(x, 3),
            "modf": np.modf,
            "round": lambda x: np.round(x, 1),
            "clip": lambda x: np.clip(x, -1.0, 2.0),
            "angle": np.angle,
            "nan_to_num": np.nan_to_num,
            "where": lambda x: np.where(x > 0.0, x, 2.0 * x),
            "astype": lambda x: np.astype(np.floor(x), np.int64),
            "select": lambda x: np.select([x > 1.0, x > 0.0], [x, -x], 0.5),
            "choose": lambda x: np.choose((x > 0.0) + 0, [x, -x]),
            "piecewise": lambda x: np.piecewise(x, [x < 0.0, x >= 0.0], [lambda t: -t, lambda t: 2.0 * t]),
            "interp": lambda x: np.interp(x, [-2.0, 0.0, 1.0], [1.0, 2.0, 0.0], left=5.0),
            "polyval": lambda x: np.polyval([0.5, -1.0, 2.0], x),
            "searchsorted": lambda x: np.searchsorted([-1.0, 0.0, 1.0], x),
            "digitize": lambda x: np.digitize(x, [1.0, 0.0, -1.0]),
            "isin": lambda x: np.isin(x, [1.0, 0.5], invert=True),
            "linspace": lambda x: np.linspace(x, x + 1.0, 4, axis=-1),
        },
        ELEMENTS,
    ),
    called(
        {"left_shift": lambda x: np.left_shift(x, 3), "right_shift": lambda x: np.right_shift(x, 3)},
        ELEMENTS,
        WHOLE,
    ),
    called(
        {
            "unravel_index": lambda x: np.unravel_index(x, (2, 3)),
            "ravel_multi_index": lambda x: np.ravel_multi_index((x, x), (3, 4)),
        },
        ELEMENTS,
        SMALL,
    ),
    called(
        {
            "logspace": lambda x: np.logspace(x, x + 0.5, 4, axis=-1),
            "geomspace": lambda x: np.geomspace(np.abs(x) + 1.0, np.abs(x) + 2.0, 4, axis=-1),
        },
        ELEMENTS,
        Domain(-1.0, 1.0),
        error=2.0**-11,
    ),
)  # fmt: skip
REDUCED = (
    plain(np, "sum mean prod max min ptp median argmax argmin count_nonzero var std", ARRAYS),
    plain(np, "sort sort_complex argsort diff ediff1d cumsum cumprod trapezoid unwrap", ARRAYS),
    called(
        {
            "all": lambda x: np.all(x > -2.5),
            "any": lambda x: np.any(x > 2.5, axis=-1),
            "average": lambda x: np.average(x, weights=np.abs(x) + 1.0),
            "quantile": lambda x: np.quantile(x, [0.1, 0.5], axis=-1),
            "percentile": lambda x: np.percentile(x, 30.0, method="higher"),
            "cumulative_sum": lambda x: np.cumulative_sum(x, axis=-1, include_initial=True),
            "cumulative_prod": lambda x: np.cumulative_prod(x, axis=0),
            "gradient": lambda x: np.gradient(x, 0.5, axis=-1),
            "partition": lambda x: np.partition(x, 1)[..., 1],
            "argpartition": lambda x: np.argpartition(x, 1)[..., 1],
            "lexsort": lambda x: np.lexsort((x, np.floor(x))),
            "allclose": lambda x: np.allclose(x, x + 1e-3, atol=0.1),
            "array_equal": lambda x: np.array_equal(x, x),
            "array_equiv": lambda x: np.array_equiv(x, x[..., :1]),
            "histogram": lambda x: np.histogram(x, ENDS),
            "apply_along_axis": lambda x: np.apply_along_axis(lambda row: row[0] * row[1], -1, x),
            "apply_over_axes": lambda x: np.apply_over_axes(np.sum, x, [0]),
            "histogram-density": lambda x: np.histogram(x, 4, (-3.0, 3.0), density=True)[0],
        },
        ARRAYS,
    ),
    plain(
        np,
        """nansum nanmean nanprod nanmax nanmin nanargmax nanargmin nancumsum nancumprod nanvar nanstd
        nanmedian""",
        ARRAYS,
    ),
    called(
        {
            "nanquantile": lambda x: np.nanquantile(x, 0.3, axis=-1),
            "nanpercentile": lambda x: np.nanpercentile(x, 60.0),
        },
        ARRAYS,
    ),
    plain(np, "cov", ARRAYS[:2] + ((3, 4),)),
    plain(np, "corrcoef", ((6,), (2, 5), (3, 6)), error=2.0**-11),
    called(
        {
            "histogram2d": lambda x: np.histogram2d(x, x[::-1], [ENDS, ENDS]),
            "polyfit": lambda x: np.polyfit(np.arange(x.size), x, 1),
            "polyadd": lambda x: np.polyadd(x, x[:2]),
            "polysub": lambda x: np.polysub(x, x[:2]),
            "polymul": lambda x: np.polymul(x, x[:2]),
            "polyder": np.polyder,
            "polyint": np.polyint,
            "poly": lambda x: np.poly([x[0], x[1], x[2]]),
            "convolve": lambda x: np.convolve(x, x[:3], "same"),
            "correlate": lambda x: np.correlate(x, x[:3], "full"),
            "vander": lambda x: np.vander(x, 3),
            "diagflat": np.diagflat,
            "ix_": lambda x: np.ix_(x, x[:2]),
        },
        FLAT,
    ),
    called({"histogramdd": lambda x: np.histogramdd(x, [ENDS] * x.shape[1])}, MATRICES),
)
MOVED = (
    plain(np, "ravel transpose atleast_1d atleast_2d atleast_3d copy flip squeeze", ARRAYS),
    plain(np, "fliplr flipud tril triu diag trace rot90 diagonal matrix_transpose unstack", MATRICES),
    called(
        {
            "reshape": lambda x: np.reshape(x, (-1, 1)),
            "expand_dims": lambda x: np.expand_dims(x, (0, 2)),
            "broadcast_to": lambda x: np.broadcast_to(x, (2, *x.shape)),
            "broadcast_arrays": lambda x: np.broadcast_arrays(x, x[..., :1]),
            "concatenate": lambda x: np.concatenate([x, x], axis=-1),
            "stack": lambda x: np.stack([x, 2.0 * x], axis=-1),
            "hstack": lambda x: np.hstack([x, x]),
            "vstack": lambda x: np.vstack([x, x]),
            "dstack": lambda x: np.dstack([x, x]),
            "column_stack": lambda x: np.column_stack([x, x]),
            "append": lambda x: np.append(x, [1.0]),
            "block": lambda x: np.block([[x, x]]),
            "meshgrid": lambda x: np.meshgrid(x, x),
            "split": lambda x: np.split(x, 1),
            "array_split": lambda x: np.array_split(x, 2),
            "tile": lambda x: np.tile(x, 2),
            "repeat": lambda x: np.repeat(x, 2, axis=-1),
            "roll": lambda x: np.roll(x, 1),
            "resize": lambda x: np.resize(x, (3, 3)),
            "take": lambda x: np.take(x, [1, 0], axis=-1),
            "take_along_axis": lambda x: np.take_along_axis(x, np.zeros(x.shape, int), axis=-1),
            "delete": lambda x: np.delete(x, 1, axis=-1),
            "insert": lambda x: np.insert(x, 1, 0.5, axis=-1),
            "compress": lambda x: np.compress([True, False], x, axis=-1),
            "extract": lambda x: np.extract(np.arange(x.size) % 2 == 0, x),
            "pad": lambda x: np.pad(x, 1, mode="reflect"),
            "moveaxis": lambda x: np.moveaxis(x, 0, -1),
            "rollaxis": lambda x: np.rollaxis(x, x.ndim - 1),
            "swapaxes": lambda x: np.swapaxes(x, 0, -1),
        },
        ARRAYS,
    ),
    called({"hsplit": lambda x: np.hsplit(x, [1]), "vsplit": lambda x: np.vsplit(x, [1])}, MATRICES),
    called({"dsplit": lambda x: np.dsplit(x, [1])}, SOLIDS),
)
MULTIPLIED = (
    called(
        {
            "outer": lambda x: np.outer(x, x),
            "kron": lambda x: np.kron(x, x[..., :1]),
            "dot": lambda x: np.dot(x, x.T),
            "inner": lambda x: np.inner(x, x),
            "vdot": lambda x: np.vdot(x, x),
            "vecdot": lambda x: np.vecdot(x, x),
            "tensordot": lambda x: np.tensordot(x, x, ((-1,), (-1,))),
            "matmul": lambda x: np.matmul(x, x.T),
            "matvec": lambda x: np.matvec(x, x[0]),
            "vecmat": lambda x: np.vecmat(x[:, 0], x),
            "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
        },
        MATRICES,
    ),
    called({"cross": lambda x: np.cross(x, x[..., ::-1] + 1.0)}, ((3,), (2, 3), (2, 1, 3))),
)
CASES = table(*ELEMENTWISE, *REDUCED, *MOVED, *MULTIPLIED)
