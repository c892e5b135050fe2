"""Functions of `tacit.xp` that NumPy has not, and NumPy's polynomials in other bases."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import polynomial as po

from tacit import xp
from tests.functions.case import ARRAYS, ELEMENTS, FLAT, REAL, UNIT, WHOLE, Case, Domain, called, table

SERIES = [0.5, -1.0, 0.25, 0.125]
PLACES = Domain(0.0, 4.0, "i")
TABLE = np.array([3.0, -1.5, 0.25, 7.0])


def sums(codes: Any, values: Any) -> Any:
    return np.array([np.sum(values[codes == code]) for code in range(4)])


CASES = table(
    called(
        {
            "polynomial.chebyshev.chebval": lambda x: po.chebyshev.chebval(x, SERIES),
            "polynomial.legendre.legval": lambda x: po.legendre.legval(x, SERIES),
            "polynomial.hermite.hermval": lambda x: po.hermite.hermval(x, SERIES),
            "polynomial.hermite_e.hermeval": lambda x: po.hermite_e.hermeval(x, SERIES),
            "polynomial.hermite.hermweight": po.hermite.hermweight,
            "polynomial.hermite_e.hermeweight": po.hermite_e.hermeweight,
            "polynomial.laguerre.lagweight": po.laguerre.lagweight,
            "polynomial.laguerre.lagval": lambda x: po.laguerre.lagval(x, SERIES),
        },
        ELEMENTS,
        error=2.0**-11,
    ),
    called({"polynomial.chebyshev.chebweight": po.chebyshev.chebweight}, ELEMENTS, UNIT, error=2.0**-10),
    called(
        {
            "lib.stride_tricks.sliding_window_view": lambda x: np.lib.stride_tricks.sliding_window_view(
                x, 2, -1
            )
        },
        ARRAYS,
    ),
    [
        Case("xp.lookup", lambda x: xp.lookup(TABLE, x), lambda x: TABLE[x], ELEMENTS, (PLACES,)),
        Case("xp.histogram", lambda c, v: xp.histogram(c, v, 4), sums, FLAT, (PLACES, REAL)),
        Case("xp.low_bit", xp.low_bit, lambda x: x % 2 == 1, ELEMENTS, (WHOLE,)),
        Case(
            "xp.scale_floor",
            lambda x: xp.scale_floor(x, 10),
            lambda x: np.floor(x * 1024.0),
            ELEMENTS,
            (REAL,),
            2.0,
        ),
        Case("xp.shuffle", lambda x: xp.sort(xp.shuffle(x)), np.sort, FLAT, (REAL,)),
    ],
)
