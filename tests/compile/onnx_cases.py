"""One node at a time: the operator, its private inputs, then constants, attributes, outputs, version."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

KINDS = {"f": TensorProto.DOUBLE, "i": TensorProto.INT64, "u": TensorProto.UINT8, "b": TensorProto.BOOL}
_RANDOM = np.random.default_rng(5)


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return _RANDOM.uniform(low, high, shape)


def whole(*values: Any) -> np.ndarray:
    return np.array(values, np.int64)


@dataclass(frozen=True)
class Case:
    """`private`: inputs; `public`: constants after them, None for one left out."""

    op: str
    private: tuple[np.ndarray, ...]
    public: tuple[Any, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    n_outs: int = 1
    opset: int = 21
    domain: str = ""
    first: tuple[Any, ...] = ()
    """Constants before the private inputs."""

    @property
    def id(self) -> str:
        return f"{self.op}-{self.opset}"


def model_of(case: Case) -> Any:
    """The model of one node."""
    names = [f"x{k}" for k in range(len(case.private))]
    before = [f"b{k}" for k in range(len(case.first))]
    after = ["" if value is None else f"c{k}" for k, value in enumerate(case.public)]
    outs = [f"y{k}" for k in range(case.n_outs)]
    node = helper.make_node(
        case.op, [*before, *names, *after], outs, name="one", domain=case.domain, **case.attributes
    )
    constants = [
        numpy_helper.from_array(value, name)
        for name, value in [*zip(before, case.first, strict=True), *zip(after, case.public, strict=True)]
        if name
    ]
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(name, KINDS[x.dtype.kind], x.shape)
            for name, x in zip(names, case.private, strict=True)
        ],
        [helper.make_empty_tensor_value_info(name) for name in outs],
        constants,
    )
    imports = [helper.make_opsetid("", case.opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


X, Y, P, N = real(3, 4), real(3, 4), real(3, 4, low=0.5, high=4.0), whole([3, -5, 7], [0, 12, -2])
B, C = X > 0, Y > 0.5
IMAGE, VOLUME = real(2, 4, 7, 6), real(1, 2, 9)


def _each(names: str, *private: np.ndarray, **attributes: Any) -> list[Case]:
    return [Case(name, private, attributes=attributes) for name in names.split()]


ELEMENTWISE = [
    *_each(
        "Neg Abs Sign Floor Ceil Round Identity Sin Cos Atan Sinh Cosh Asinh Erf Exp Tanh Sigmoid Relu", X
    ),
    *_each("LeakyRelu Elu Selu Celu Gelu HardSigmoid HardSwish Softplus Mish Softsign ThresholdedRelu", X),
    *_each("Sqrt Log Reciprocal Acosh", P + 0.5),
    *_each("Asin Acos Atanh Tan", X / 2.9),
    *_each("Add Sub Mul Less LessOrEqual Greater GreaterOrEqual Equal Min Max Sum Mean", X, Y),
    *_each("Add Sub Mul Div Mod Equal Less Min", N, np.abs(N) + 2),
    *_each("BitwiseAnd BitwiseOr BitwiseXor", np.abs(N), np.abs(N) + 3),
    *_each("BitwiseNot Neg Abs Sign", N),
    *_each("And Or Xor Equal", B, C),
    *_each("Not", B),
    *_each("Div", X, P),
    *_each("Div", X, -P),
    *_each("Pow", P, Y),
    Case("Mul", (X,), (Y[0],)),
    Case("Div", (X,), (P,)),
    Case("Div", (P,), first=(X,)),
    Case("Mod", (X,), (P,), {"fmod": 1}),
    Case("Pow", (X,), (np.array(3.0),)),
    Case("Pow", (P,), (np.array([0.5]),)),
    Case("Pow", (P,), (np.array(-2.0),)),
    Case("Pow", (P,), (np.array([0.3, 1.0, 2.0, -0.5]),)),
    Case("Gelu", (X,), attributes={"approximate": "tanh"}),
    Case("Swish", (X,), attributes={"alpha": 1.5}, opset=24),
    Case("Shrink", (X,), attributes={"bias": 0.25, "lambd": 0.5}),
    Case("PRelu", (X,), (np.array([0.1, 0.2, 0.3, 0.4]),)),
    Case("Clip", (X,), attributes={"min": -0.5, "max": 0.75}, opset=9),
    Case("Clip", (X,), (np.array(-0.5), None)),
    Case("Clip", (X,), (None, np.array(0.5))),
    Case("Clip", (X,), (np.array(-1.0), np.array(0.5))),
    Case("Where", (B, X, Y)),
    Case("Where", (X, Y), first=(C,)),
    Case("Where", (X,), (np.array(-np.inf),), first=(np.ones((3, 4), bool),)),
    Case("Cast", (3.0 * X,), attributes={"to": TensorProto.INT64}),
    Case("Cast", (B,), attributes={"to": TensorProto.FLOAT}),
    Case("Cast", (N,), attributes={"to": TensorProto.BOOL}),
    Case("CastLike", (N,), (np.array(1.0),)),
    Case("IsNaN", (X,)),
    Case("IsInf", (X,)),
    Case("Dropout", (X,), opset=10, attributes={"ratio": 0.5}),
    Case("Dropout", (X,), (np.array(0.5),), n_outs=2),
    Case("BitShift", (np.abs(N),), (whole(1),), {"direction": "RIGHT"}),
]
ARRAYS = [
    Case("Shape", (X,), attributes={"start": 1}),
    Case("Size", (X,)),
    Case("EyeLike", (X,), attributes={"k": 1}),
    Case("OneHot", (whole(0, 2, -1),), (np.array(4), np.array([0.0, 5.0]))),
    Case("OneHot", (whole([0], [2]),), (np.array(3), np.array([-1.0, 2.0])), {"axis": 0}),
    Case("Reshape", (X,), (whole(0, -1, 2),)),
    Case("Flatten", (IMAGE,), attributes={"axis": 2}),
    Case("Transpose", (IMAGE,), attributes={"perm": [0, 2, 3, 1]}),
    Case("Transpose", (X,)),
    Case("Squeeze", (X[None],), attributes={"axes": [0]}, opset=11),
    Case("Squeeze", (X[None],), (whole(0),)),
    Case("Squeeze", (X[None, :, None],)),
    Case("Unsqueeze", (X,), attributes={"axes": [0, 3]}, opset=11),
    Case("Unsqueeze", (X,), (whole(-1, 0),)),
    Case("Expand", (X,), (whole(2, 1, 4),)),
    Case("Tile", (X,), (whole(2, 3),)),
    Case("Concat", (X, Y), attributes={"axis": -1}),
    Case("Split", (X,), attributes={"axis": 1, "split": [1, 3]}, n_outs=2, opset=11),
    Case("Split", (X,), (whole(1, 2),), {"axis": 0}, n_outs=2, opset=13),
    Case("Split", (X,), attributes={"axis": 1, "num_outputs": 3}, n_outs=3, opset=18),
    Case("Slice", (X,), attributes={"starts": [1, 0], "ends": [3, -1], "axes": [0, 1]}, opset=9),
    Case("Slice", (X,), (whole(-1, 3), whole(-4, 0), whole(0, 1), whole(-1, -2))),
    Case("Slice", (X,), (whole(1), whole(1000))),
    Case("Pad", (X,), attributes={"pads": [0, 1, 2, 0], "value": 0.5}, opset=9),
    Case("Pad", (X,), (whole(1, 0, 0, 2), np.array(-1.5))),
    Case("Pad", (X,), (whole(1, 2), None, whole(1)), {"mode": "reflect"}),
    Case("Pad", (X,), (whole(1, 2, 0, 1),), {"mode": "edge"}),
    Case("Gather", (X,), (whole([2, 0], [-1, 1]),), {"axis": 1}),
    Case("Gather", (whole(2, 0),), attributes={"axis": 1}, first=(X,)),
    Case("Gather", (X, whole([2, 0], [1, 1]))),
    Case("GatherElements", (X,), (whole([2, 0], [-1, 1], [3, 3]),), {"axis": 1}),
    Case("GatherND", (IMAGE,), (whole([0, 2], [1, 3]),)),
    Case("GatherND", (IMAGE,), (whole([0, 2], [1, 3]),), {"batch_dims": 1}),
    Case("ScatterElements", (X,), (whole([2, 0], [1, 3]), real(2, 2)), {"axis": 1}),
    Case("ScatterElements", (X,), (whole([2, 2], [1, 3]), real(2, 2)), {"axis": 1, "reduction": "add"}),
    Case("ScatterND", (X,), (whole([0], [2]), real(2, 4))),
    Case("ReverseSequence", (X,), (whole(1, 3, 2, 3),)),
    Case("DepthToSpace", (IMAGE,), attributes={"blocksize": 2}),
    Case("DepthToSpace", (IMAGE,), attributes={"blocksize": 2, "mode": "CRD"}),
    Case("SpaceToDepth", (IMAGE[:, :, :6],), attributes={"blocksize": 2}),
    Case("Trilu", (X,), (np.array(1),), {"upper": 0}),
    Case("Compress", (X,), (np.array([True, False, True]),), {"axis": 0}),
    Case(
        "ConstantOfShape",
        (),
        (whole(2, 3),),
        {"value": helper.make_tensor("v", TensorProto.FLOAT, [1], [2.5])},
    ),
    Case("Range", (), (np.array(1), np.array(7), np.array(2))),
]
REDUCTION = [
    *_each("ReduceSum ReduceMean ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ReduceProd", X),
    *_each("ReduceLogSumExp", X),
    *_each("ReduceLogSum", P),
    *[
        Case(name, (P,), attributes={"axes": [1], "keepdims": 0}, opset=11)
        for name in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2", "ReduceLogSumExp", "ReduceProd")
    ],
    *[
        Case(name, (P,), (whole(0),), {"keepdims": 0})
        for name in ("ReduceSum", "ReduceMin", "ReduceLogSumExp")
    ],
    Case("ReduceSum", (X,), attributes={"noop_with_empty_axes": 1}),
    *_each("ArgMax ArgMin", X, axis=1),
    *_each("ArgMax ArgMin", X, axis=0, keepdims=0),
    Case("ArgMax", (np.round(X),), attributes={"axis": 1, "select_last_index": 1}),
    Case("CumSum", (X,), (np.array(1),)),
    Case("CumSum", (X,), (np.array(0),), {"exclusive": 1, "reverse": 1}),
    Case("TopK", (X,), (whole(2),), n_outs=2),
    Case("TopK", (np.round(X),), (whole(3),), {"largest": 0, "axis": 0}, n_outs=2),
    Case("TopK", (X,), (whole(2),), n_outs=1),
    *_each("Softmax LogSoftmax Hardmax", X),
    Case("Softmax", (X,), opset=11),
    Case("LogSoftmax", (X,), opset=11),
    Case("Softmax", (X,), attributes={"axis": 0}),
]
LAYERS = [
    Case("Gemm", (X, real(4, 2), real(2))),
    Case("Gemm", (X,), (real(4, 3), real(4)), {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}),
    Case("MatMul", (real(2, 3, 4), real(2, 4, 2))),
    Case("MatMul", (real(2, 3, 4),), (real(4, 5),)),
    Case("MatMul", (real(4),), (real(2, 4, 3),)),
    Case("Einsum", (real(2, 3, 4), real(2, 5, 4)), attributes={"equation": "bij,bkj->bik"}),
    Case("Einsum", (X,), attributes={"equation": "ij->j"}),
    Case("Einsum", (real(2, 3, 4), real(4, 2)), attributes={"equation": "...j,jk->...k"}),
    Case("Einsum", (real(3), real(4)), attributes={"equation": "i,j->ji"}),
    Case("Conv", (IMAGE, real(3, 4, 3, 2), real(3)), attributes={"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    Case("Conv", (IMAGE,), (real(6, 2, 3, 3),), {"group": 2, "dilations": [2, 1], "auto_pad": "SAME_UPPER"}),
    Case("Conv", (IMAGE,), (real(4, 1, 3, 3), real(4)), {"group": 4, "kernel_shape": [3, 3]}),
    Case("Conv", (VOLUME,), (real(3, 2, 4),), {"strides": [3]}),
    Case(
        "ConvTranspose",
        (IMAGE[:1, :, :3, :2],),
        (real(4, 2, 3, 3),),
        {"strides": [2, 2], "pads": [1, 1, 1, 1]},
    ),
    Case("ConvTranspose", (VOLUME,), (real(2, 2, 3), real(2)), {"strides": [2], "output_padding": [1]}),
    Case("MaxPool", (IMAGE,), attributes={"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 0]}),
    Case("MaxPool", (VOLUME,), attributes={"kernel_shape": [2], "strides": [2], "ceil_mode": 1}),
    Case("MaxPool", (VOLUME,), attributes={"kernel_shape": [3], "dilations": [2], "pads": [1, 1]}),
    Case("AveragePool", (IMAGE,), attributes={"kernel_shape": [3, 2], "pads": [1, 1, 1, 1]}),
    Case(
        "AveragePool",
        (IMAGE,),
        attributes={"kernel_shape": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    Case("AveragePool", (VOLUME,), attributes={"kernel_shape": [2], "strides": [2], "ceil_mode": 1}),
    Case("LpPool", (VOLUME,), attributes={"kernel_shape": [3]}),
    *_each("GlobalAveragePool GlobalMaxPool", IMAGE),
    Case("BatchNormalization", (IMAGE,), (real(4), real(4), real(4), real(4, low=0.2, high=2.0))),
    Case("LayerNormalization", (X,), (real(4), real(4))),
    Case("LayerNormalization", (IMAGE[0],), (real(7, 6),), {"axis": 1}),
    Case("RMSNormalization", (X,), (real(4),), opset=23),
    Case("InstanceNormalization", (IMAGE,), (real(4), real(4))),
    Case("GroupNormalization", (IMAGE,), (real(4), real(4)), {"num_groups": 2}),
    Case("LpNormalization", (X,), attributes={"p": 2}),
    Case("LpNormalization", (P,), attributes={"p": 1, "axis": 0}),
    Case("Resize", (IMAGE,), (None, np.array([1, 1, 2, 1.5], np.float32))),
    Case("Resize", (VOLUME,), (None, None, whole(1, 2, 13)), {"mode": "linear"}),
    Case(
        "Resize",
        (VOLUME,),
        (None, None, whole(1, 2, 5)),
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    ),
    Case("Upsample", (VOLUME,), (np.array([1, 1, 2], np.float32),), opset=9),
]
HEADS = real(1, 3, 4), real(1, 5, 4), real(1, 5, 4)
LAYERS += [
    Case("Attention", HEADS, attributes={"q_num_heads": 2, "kv_num_heads": 2}, opset=23),
    Case("Attention", HEADS, (real(3, 5),), {"q_num_heads": 2, "kv_num_heads": 2, "scale": 0.4}, opset=23),
    Case(
        "Attention",
        (real(1, 4, 3, 2), real(1, 2, 3, 2), real(1, 2, 3, 2)),
        attributes={"is_causal": 1},
        opset=23,
    ),
    Case("RotaryEmbedding", (real(1, 2, 3, 4),), (real(5, 2), real(5, 2), whole([0, 2, 4])), opset=23),
    Case(
        "RotaryEmbedding",
        (real(1, 3, 8),),
        (real(1, 3, 2), real(1, 3, 2)),
        {"num_heads": 2, "interleaved": 1},
        opset=23,
    ),
    Case("CumProd", (X,), (np.array(1),), {"exclusive": 1}, opset=26),
    Case(
        "DequantizeLinear",
        (np.array([[3, -25], [9, 0]]),),
        (np.array([0.5, 0.25]), np.array([12, 3])),
    ),
    Case("QuantizeLinear", (X,), (np.array(0.25), np.array(-3, np.int8))),
    Case("QuantizeLinear", (X,), (np.array(0.25), np.array(128, np.uint8))),
    Case(
        "MatMulInteger",
        (np.array([[3, 25], [9, 0]]).astype(np.uint8),),
        (np.array([[1, 7], [2, 5]], np.uint8), np.array(12, np.uint8)),
    ),
    Case(
        "ConvInteger",
        (np.arange(16).reshape(1, 1, 4, 4).astype(np.uint8),),
        (np.arange(4).reshape(1, 1, 2, 2).astype(np.uint8), np.array(1, np.uint8)),
    ),
]
SEQUENCE = real(4, 2, 3)
RECURRENT = [
    Case("RNN", (SEQUENCE,), (real(1, 2, 3), real(1, 2, 2), real(1, 4)), {"hidden_size": 2}, n_outs=2),
    Case("GRU", (SEQUENCE,), (real(1, 6, 3), real(1, 6, 2), real(1, 12)), {"hidden_size": 2}, n_outs=2),
    Case(
        "GRU",
        (SEQUENCE,),
        (real(1, 6, 3), real(1, 6, 2), real(1, 12)),
        {"hidden_size": 2, "linear_before_reset": 1},
        n_outs=2,
    ),
    Case("LSTM", (SEQUENCE,), (real(1, 8, 3), real(1, 8, 2), real(1, 16)), {"hidden_size": 2}, n_outs=3),
]
FEATURES = [
    Case("Binarizer", (X,), attributes={"threshold": 0.5}, domain="ai.onnx.ml"),
    Case(
        "Scaler",
        (X,),
        attributes={"offset": [0.5, 1.0, 0.0, 2.0], "scale": [1.0, 0.5, 2.0, 3.0]},
        domain="ai.onnx.ml",
    ),
    *[
        Case("Normalizer", (X,), attributes={"norm": norm}, domain="ai.onnx.ml")
        for norm in ("MAX", "L1", "L2")
    ],
    Case("ArrayFeatureExtractor", (X,), (whole(2, 0),), domain="ai.onnx.ml"),
    Case("OneHotEncoder", (whole(1, 5, 2),), attributes={"cats_int64s": [1, 2, 5]}, domain="ai.onnx.ml"),
    Case(
        "LabelEncoder",
        (N,),
        attributes={"keys_int64s": [3, 7], "values_floats": [0.5, 2.0]},
        domain="ai.onnx.ml",
    ),
]
CASES = [*ELEMENTWISE, *ARRAYS, *REDUCTION, *LAYERS, *RECURRENT, *FEATURES]
