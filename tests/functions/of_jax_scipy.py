"""jax.scipy on secrets, against SciPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax.scipy.linalg as jl
import jax.scipy.signal as js
import jax.scipy.special as jsp
import jax.scipy.stats as jst
import numpy as np
import scipy.linalg
import scipy.signal
import scipy.special
import scipy.stats
from jax import numpy as jnp

from tacit.compile.jax import from_jax
from tests.functions.case import (
    ABOVE,
    ELEMENTS,
    FLAT,
    PART,
    REAL,
    SQUARES,
    UNIT,
    Case,
    Domain,
    Shapes,
    table,
)
from tests.functions.of_jax import pairs

SPECIAL: dict[str, tuple[Domain, ...]] = {
    **dict.fromkeys(["ndtr", "log_ndtr", "i0", "i0e", "i1", "i1e"], (REAL,)),
    **dict.fromkeys(["entr", "gammaln", "digamma", "gamma", "factorial"], (ABOVE,)),
    **dict.fromkeys(["logit", "ndtri"], (PART,)),
    **dict.fromkeys(["xlogy", "xlog1py", "rel_entr", "kl_div", "betaln", "beta"], (ABOVE, ABOVE)),
    **dict.fromkeys(["gammainc", "gammaincc"], (ABOVE, ABOVE)),
    "erfinv": (UNIT,),
    "boxcox": (ABOVE, Domain(0.5, 2.0)),
    "boxcox1p": (ABOVE, Domain(0.5, 2.0)),
    "betainc": (ABOVE, ABOVE, PART),
    "poch": (ABOVE, Domain(0.5, 2.0)),
    "comb": (Domain(6.0, 9.0), Domain(1.0, 4.0)),
}  # noqa: SIM905


def special() -> Iterator[Case]:
    for name, domains in SPECIAL.items():
        function, reference = getattr(jsp, name), getattr(scipy.special, name)
        yield Case(f"jax.scipy.special.{name}", from_jax(function), reference, ELEMENTS, domains, 2.0**-9)
    yield Case(
        "jax.scipy.special.multigammaln",
        from_jax(lambda x: jsp.multigammaln(x, 2)),
        lambda x: scipy.special.multigammaln(x, 2),
        ELEMENTS,
        (Domain(2.0, 6.0),),
        2.0**-9,
    )


# By distribution: the domain of values, the public parameters, and the functions there are.
CONTINUOUS = "pdf logpdf cdf logcdf sf logsf ppf isf"
ONE_SIDED = "pdf logpdf cdf logcdf sf logsf ppf"
DENSITY = "pdf logpdf"
TAILS = "pdf logpdf cdf logcdf sf logsf"
MASS = "pmf logpmf"
COUNT = Domain(0.0, 5.0, "i")
STATS: dict[str, tuple[Domain, tuple[float, ...], str]] = {
    "norm": (REAL, (), CONTINUOUS),
    "cauchy": (REAL, (), CONTINUOUS),
    "expon": (ABOVE, (), ONE_SIDED),
    "gumbel_l": (UNIT, (), ONE_SIDED),
    "gumbel_r": (UNIT, (), ONE_SIDED),
    "laplace": (REAL, (), "pdf logpdf cdf"),
    "logistic": (REAL, (), "pdf logpdf cdf sf ppf isf"),
    "pareto": (Domain(1.25, 5.0), (2.0,), ONE_SIDED),
    "truncnorm": (UNIT, (-2.0, 2.0), TAILS),
    "gennorm": (REAL, (1.5,), "pdf logpdf cdf"),
    "uniform": (PART, (), "pdf logpdf cdf ppf"),
    "t": (REAL, (3.0,), DENSITY),
    "chi2": (ABOVE, (3.0,), TAILS),
    "gamma": (ABOVE, (2.0,), TAILS),
    "beta": (PART, (2.0, 3.0), TAILS),
    "vonmises": (REAL, (2.0,), DENSITY),
    "wrapcauchy": (Domain(0.5, 3.0), (0.5,), DENSITY),
    "bernoulli": (Domain(0.0, 2.0, "i"), (0.3,), "pmf logpmf cdf ppf"),
    "geom": (Domain(1.0, 6.0, "i"), (0.3,), MASS),
    "binom": (COUNT, (6.0, 0.4), MASS),
    "nbinom": (COUNT, (3.0, 0.4), MASS),
    "poisson": (COUNT, (2.5,), "pmf logpmf cdf"),
    "betabinom": (COUNT, (6.0, 2.0, 3.0), MASS),
}


def stats() -> Iterator[Case]:
    for name, (domain, parameters, functions) in STATS.items():
        for which in functions.split():
            yield distribution(name, which, domain, parameters)


def distribution(name: str, which: str, domain: Domain, parameters: tuple[float, ...]) -> Case:
    ours, theirs = getattr(getattr(jst, name), which), getattr(getattr(scipy.stats, name), which)
    return Case(
        f"jax.scipy.stats.{name}.{which}",
        from_jax(lambda x: ours(x, *parameters)),
        lambda x: theirs(x, *parameters),
        ELEMENTS,
        (PART if which in ("ppf", "isf") else domain,),
        2.0**-8,
    )


def definite(x: Any) -> Any:
    return x @ x.T * 0.25 + np.eye(x.shape[-1])


WIDE: Shapes = ((3, 4), (2, 5), (4, 4))
LINALG = {
    "solve": (
        lambda x: jl.solve(definite(x), x[0], assume_a="pos"),
        lambda x: np.linalg.solve(definite(x), x[0]),
    ),
    "cholesky": (lambda x: jl.cholesky(definite(x), lower=True), lambda x: np.linalg.cholesky(definite(x))),
    "cho_factor": (lambda x: jl.cho_factor(definite(x))[0], lambda x: np.linalg.cholesky(definite(x)).T),
    "cho_solve": (
        lambda x: jl.cho_solve((jl.cholesky(definite(x), lower=True), True), x[0]),
        lambda x: np.linalg.solve(definite(x), x[0]),
    ),
    "solve_triangular": (
        lambda x: jl.solve_triangular(x + 4.0 * jnp.eye(x.shape[0]), x[0], lower=True),
        lambda x: np.linalg.solve(np.tril(x + 4.0 * np.eye(x.shape[0])), x[0]),
    ),
    "block_diag": (lambda x: jl.block_diag(x, x), lambda x: scipy.linalg.block_diag(x, x)),
}
ROWS = {
    "toeplitz": (jl.toeplitz, scipy.linalg.toeplitz),
    "circulant": (jl.circulant, scipy.linalg.circulant),
    "hankel": (jl.hankel, scipy.linalg.hankel),
    "fiedler_companion": (
        lambda x: jl.fiedler_companion(x * 0.125 + jnp.eye(x.shape[0])[0] * 2.0),
        lambda x: scipy.linalg.fiedler_companion(x * 0.125 + np.eye(x.shape[0])[0] * 2.0),
    ),
    "convolution_matrix": (
        lambda x: jl.convolution_matrix(x, 3),
        lambda x: scipy.linalg.convolution_matrix(x, 3),
    ),
    "fiedler": (jl.fiedler, scipy.linalg.fiedler),
    "leslie": (lambda x: jl.leslie(x, x[1:]), lambda x: scipy.linalg.leslie(x, x[1:])),
}
SIGNAL = {
    "convolve": (lambda x: js.convolve(x, x[:2]), lambda x: scipy.signal.convolve(x, x[:2])),
    "correlate": (lambda x: js.correlate(x, x[:2]), lambda x: scipy.signal.correlate(x, x[:2])),
    "convolve2d": (lambda x: js.convolve2d(x, x[:2, :2]), lambda x: scipy.signal.convolve2d(x, x[:2, :2])),
    "correlate2d": (lambda x: js.correlate2d(x, x[:2, :2]), lambda x: scipy.signal.correlate2d(x, x[:2, :2])),
}
MULTIVARIATE = {
    "multivariate_normal.logpdf": (
        lambda x: jst.multivariate_normal.logpdf(x[0], x[-1], definite(x)),
        lambda x: scipy.stats.multivariate_normal.logpdf(x[0], x[-1], definite(x)),
    ),
    "multivariate_normal.pdf": (
        lambda x: jst.multivariate_normal.pdf(x[0], x[-1], definite(x)),
        lambda x: scipy.stats.multivariate_normal.pdf(x[0], x[-1], definite(x)),
    ),
    "poisson.entropy": (
        lambda x: jst.poisson.entropy(jnp.abs(x) + 0.5),
        lambda x: scipy.stats.poisson.entropy(np.abs(x) + 0.5),
    ),
    "detrend-of-signal": (
        lambda x: js.detrend(x, type="constant"),
        lambda x: scipy.signal.detrend(x, type="constant"),
    ),
    "sem": (jst.sem, scipy.stats.sem),
}
DRAWN = ([np.array([2, 4])], [np.array([1, 2, 3])], [np.array([0, 3, 1, 2])])


def even(x: Any) -> Any:
    return np.full(x.shape, 1.0 / x.shape[0])


def multinomial() -> Iterator[Case]:
    for which in ("pmf", "logpmf"):
        ours, theirs = getattr(jst.multinomial, which), getattr(scipy.stats.multinomial, which)
        yield Case(
            f"jax.scipy.stats.multinomial.{which}",
            from_jax(lambda x, ours=ours: ours(x, 6, even(x))),
            lambda x, theirs=theirs: theirs(x, 6, even(x)),
            error=2.0**-8,
            arguments=DRAWN,
        )


TWO: Shapes = ((2, 2), (2, 2), (3, 3))
CASES = table(
    special(),
    stats(),
    multinomial(),
    pairs(LINALG, SQUARES, under="jax.scipy.linalg.", error=2.0**-9),
    pairs(
        {"qr": (lambda x: jl.qr(x, mode="economic"), np.linalg.qr)},
        ((2, 2), (3, 2), (3, 3)),
        under="jax.scipy.linalg.",
        error=2.0**-9,
    ),
    pairs(ROWS, FLAT, under="jax.scipy.linalg."),
    pairs(
        {"companion": (jl.companion, scipy.linalg.companion)},
        FLAT,
        ABOVE,
        under="jax.scipy.linalg.",
        error=2.0**-9,
    ),
    pairs(dict(list(SIGNAL.items())[:2]), FLAT, under="jax.scipy.signal."),
    pairs(dict(list(SIGNAL.items())[2:]), WIDE, under="jax.scipy.signal."),
    pairs(MULTIVARIATE, TWO, under="jax.scipy.stats.", error=2.0**-8),
)
