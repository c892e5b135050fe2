"""ONNX operators without private meaning, each with one reason of a closed list.

What is in neither `RULES` nor here is of an operator set that nobody has looked at.
"""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """(what is in the way, what to do instead)."""

    TEXT = ("it is about texts, files or records, and values are numbers", "encode them before the model")
    SHAPE = ("the shape of its result depends on values", "keep the shape, and weigh with a mask")
    SEQUENCE = ("it is about sequences or values that may be missing", "export the model with tensors alone")
    RANDOM = ("it draws random numbers", "export the model for inference")
    TRAINING = ("it is a step of training", "train with tacit.learn or a function of your own")
    FLOATING_POINT = ("it is about the bits of floating-point numbers", "use rounding and casts")
    RARE = ("there is no private form of it yet", "export the model with the operators of RULES")


def _named(names: str, reason: Reason, domain: str = "") -> dict[tuple[str, str], Reason]:
    return {(domain, name): reason for name in names.split()}


REFUSED: dict[tuple[str, str], Reason] = {
    **_named("ImageDecoder RegexFullMatch StringConcat StringNormalizer StringSplit", Reason.TEXT),
    **_named("CastMap DictVectorizer", Reason.TEXT, "ai.onnx.ml"),
    **_named("NonMaxSuppression Unique TfIdfVectorizer", Reason.SHAPE),
    **_named(
        """ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt SequenceConstruct
        SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence""",
        Reason.SEQUENCE,
    ),
    **_named(
        "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike", Reason.RANDOM
    ),
    **_named("Adagrad Adam Gradient Momentum", Reason.TRAINING, "ai.onnx.preview.training"),
    **_named("BitCast", Reason.FLOATING_POINT),
    **_named(
        """AffineGrid CausalConvWithState Col2Im DeformConv DynamicQuantizeLinear GridSample LinearAttention
        MaxRoiPool MaxUnpool MelWeightMatrix QLinearConv QLinearMatMul RoiAlign STFT SwiGLU TensorScatter""",
        Reason.RARE,
    ),
    **_named("FlexAttention", Reason.RARE, "ai.onnx.preview"),
}
"""By domain and name."""
