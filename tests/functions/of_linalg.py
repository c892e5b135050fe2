"""numpy.linalg and numpy.fft on secrets."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.functions.case import ARRAYS, MATRICES, REAL, SQUARES, Case, called, plain, table

LINALG, FFT = "linalg.", "fft."


def regular(x: Any) -> Any:
    """A matrix with large elements on its diagonal."""
    return x + 4.0 * np.eye(x.shape[-1])


def definite(x: Any) -> Any:
    return np.matmul(x, x.T) * 0.25 + np.eye(x.shape[-1])


def of(function: Any, prepare: Any) -> Any:
    return lambda x: function(prepare(x))


def symmetric(x: Any) -> Any:
    return x + np.matrix_transpose(x)


def by_eigenvectors(x: Any) -> Any:
    """Eigenvalues, and the matrix again: vectors have no signs of their own."""
    values, vectors = np.linalg.eigh(symmetric(x))
    return values, np.matmul(vectors * values[..., None, :], np.matrix_transpose(vectors))


def by_singular_vectors(x: Any) -> Any:
    left, values, right = np.linalg.svd(x, full_matrices=False)
    return values, np.matmul(left * values[..., None, :], right)


CASES = table(
    called({"eigh": by_eigenvectors}, SQUARES, under=LINALG, error=2.0**-10),
    called(
        {
            "eigvalsh": of(np.linalg.eigvalsh, symmetric),
            "norm-nuclear": lambda x: np.linalg.matrix_norm(x, ord="nuc"),
        },
        ((1, 1), (2, 2), (2, 2, 2)),
        under=LINALG,
        error=2.0**-10,
    ),
    called(
        {"svd": by_singular_vectors, "matrix_rank": np.linalg.matrix_rank},
        ((2, 1), (2, 2), (3, 2)),
        under=LINALG,
        error=2.0**-10,
    ),
    called(
        {"svdvals": np.linalg.svdvals, "pinv": np.linalg.pinv},
        ((1, 2), (2, 2), (2, 1)),
        under=LINALG,
        error=2.0**-10,
    ),
    called(
        {
            "det": of(np.linalg.det, regular),
            "inv": of(np.linalg.inv, regular),
            "cond": lambda x: np.linalg.cond(regular(x), 1),
            "slogdet": of(np.linalg.slogdet, regular),
            "solve": lambda x: np.linalg.solve(regular(x), x[:, 0]),
            "matrix_power": lambda x: np.linalg.matrix_power(x, 3),
            "cholesky": of(np.linalg.cholesky, definite),
            "tensorinv": lambda x: np.linalg.tensorinv(regular(x), 1),
            "tensorsolve": lambda x: np.linalg.tensorsolve(regular(x), x[0]),
        },
        SQUARES,
        under=LINALG,
        error=2.0**-10,
    ),
    called({"qr": np.linalg.qr}, ((2, 2), (3, 2), (3, 3)), under=LINALG, error=2.0**-10),
    called(
        {
            "norm": lambda x: np.linalg.norm(x, np.inf),
            "vector_norm": lambda x: np.linalg.vector_norm(x, axis=-1, ord=1),
            "matrix_norm": lambda x: np.linalg.matrix_norm(x, keepdims=True),
            "multi_dot": lambda x: np.linalg.multi_dot([x, x.T, x]),
            "trace": lambda x: np.linalg.trace(x, offset=1),
            "diagonal": lambda x: np.linalg.diagonal(x, offset=1),
        },
        MATRICES,
        under=LINALG,
    ),
    plain(np.fft, "fft ifft rfft irfft hfft ihfft fftn ifftn rfftn fftshift ifftshift", ARRAYS, under=FFT),
    plain(np.fft, "irfftn fft2 ifft2 rfft2 irfft2", MATRICES, under=FFT),
    [
        Case(
            "fft.irfft-convolution",
            lambda x: np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(x[..., ::-1]), x.shape[-1]),
            lambda x: np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(x[..., ::-1]), x.shape[-1]),
            ARRAYS,
            (REAL,),
        )
    ],
)
