"""Logistic regression on vertically split columns.

Source   as `linear`; the mean is the sigmoid, approximated on secret values with the error that
         `tacit.ir.ops.nonlinear` states (far below what moves an AUC).
Oracle   scikit-learn's LogisticRegression on the pooled columns (tests/oracle).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tacit.compile import array as xp
from tacit.learn.linear import Array, Descent, fit


def fit_logistic(
    blocks: Sequence[Array], label: Array, options: Descent, penalised: Sequence[np.ndarray]
) -> list[Array]:
    """Weights per block for a label of 0.0 and 1.0; arguments as `linear.fit`."""
    return fit(blocks, label, options, xp.sigmoid, penalised)
