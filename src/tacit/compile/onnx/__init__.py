"""Trained models as private inference: ONNX files, node by node, on the array functions.

    model = tacit.onnx.load("model.onnx")                 # a path, bytes or a ModelProto
    scores = tacit.secure(model)(x)                       # the model is public, x is private

    bare, weights = model.split()                         # the model is private, too
    held = [parties["bank"].private(value) for value in weights.values()]
    scores = tacit.secure(bare)(x, *held)

What scikit-learn models become (ai.onnx.ml: linear models, trees, support vectors, scalers), and networks.
Numbers are fixed point whatever the file calls them; places and shapes are public. `RULES` lists the
operators. Needs the extra `onnx`.
"""

from tacit.compile.onnx import (
    arrays,
    attention,
    control,
    elementwise,
    labels,
    layers,
    linear,
    losses,
    patterns,
    quantised,
    recurrent,
    reduction,
    signals,
    trees,
)
from tacit.compile.onnx.evaluate import RULES
from tacit.compile.onnx.model import Model, load
from tacit.compile.onnx.refused import REFUSED

__all__ = [
    "REFUSED", "RULES", "Model", "arrays", "attention", "control", "elementwise", "labels", "layers",
    "linear", "load", "losses", "patterns", "quantised", "recurrent", "reduction", "signals", "trees",
]  # fmt: skip
