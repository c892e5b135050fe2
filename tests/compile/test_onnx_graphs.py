"""Graphs built by hand: networks, encoders, control flow, hostile and broken files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tacit
from tacit.base.errors import UsageError
from tests.compile.test_onnx import close, limit_of, on_shares, private

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

# --- networks -------------------------------------------------------------------------------------------


def network(width: int = 12) -> Any:
    """A convolution, a normalisation, a pool and a long dense layer, as exporters write them."""
    random = np.random.default_rng(3)
    tensors = {
        "kernel": random.normal(0, 0.4, (4, 1, 3, 3)),
        "scale": random.uniform(0.5, 1.5, 4),
        "bias": random.normal(0, 0.2, 4),
        "mean": random.normal(0, 0.2, 4),
        "variance": random.uniform(0.5, 1.5, 4),
        "dense": random.normal(0, 0.1, (width * width, 4 * 36)),
        "last": random.normal(0, 0.2, (width * width, 3)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "scale", "bias", "mean", "variance"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "dense"], ["d"], transB=1),
        helper.make_node("Gelu", ["d"], ["g"]),
        helper.make_node("MatMul", ["g", "last"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 12, 12])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_a_convolutional_network_runs_among_three_parties() -> None:
    """The dense layer is longer than one constant may be."""
    proto, x = network(), np.random.default_rng(4).uniform(-1, 1, (3, 1, 12, 12))
    session = onnx.reference.ReferenceEvaluator(proto)
    (expected,) = session.run(None, {"x": x.astype(np.float32)})
    model = tacit.onnx.load(proto)
    assert model.weights["dense"].size > 4096
    close(private(model, (x,), "rep3")[0], expected)
    close(model(x), expected, 1e-4)


def test_weights_of_a_network_can_be_private() -> None:
    proto, x = network(), np.random.default_rng(4).uniform(-1, 1, (1, 1, 12, 12))
    model = tacit.onnx.load(proto)
    bare, weights = model.split()
    with tacit.sim(["hospital", "maker", "judge"]) as parties:
        held = [parties["maker"].private(value, limit=limit_of(value)) for value in weights.values()]
        got = tacit.secure(bare)(parties["hospital"].private(x, limit=1.0), *held)
    close(got, model(x), 2.0**-9)


def node(op: str, ins: str, out: str, **attributes: Any) -> Any:
    return helper.make_node(op, ins.split(), out.split(), **attributes)


def encoder() -> Any:
    """Embedding, attention, normalisation and gelu in the small steps in which exporters write them."""
    random = np.random.default_rng(6)
    tensors = {
        "table": random.normal(0, 1, (7, 8)), "wq": random.normal(0, 0.4, (8, 8)),
        "wk": random.normal(0, 0.4, (8, 8)), "wv": random.normal(0, 0.4, (8, 8)),
        "w1": random.normal(0, 0.4, (8, 16)), "w2": random.normal(0, 0.4, (16, 8)),
        "gain": random.uniform(0.5, 1.5, 8), "shift": random.normal(0, 0.1, 8), "root": np.array(2.0),
        "two": np.array(2.0), "eps": np.array(1e-5), "half": np.array(0.5), "one": np.array(1.0),
        "sqrt2": np.array(np.sqrt(2.0)), "heads": np.array([2, 4]), "first": np.array([0, 1]),
    }  # fmt: skip
    nodes = [
        node("Gather", "table ids", "e"),
        node("Shape", "e", "shape"),
        node("Gather", "shape first", "batch"),
        node("Concat", "batch heads", "split", axis=0),
    ]
    for name, perm in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        nodes += [
            node("MatMul", f"e w{name}", f"{name}0"),
            node("Reshape", f"{name}0 split", f"{name}1"),
            node("Transpose", f"{name}1", name, perm=perm),
        ]
    nodes += [
        node("MatMul", "q k", "s0"),
        node("Div", "s0 root", "s1"),
        node("Softmax", "s1", "s2", axis=-1),
        node("MatMul", "s2 v", "a0"),
        node("Transpose", "a0", "a1", perm=[0, 2, 1, 3]),
        node("Reshape", "a1 shape", "a2"),
        node("Add", "a2 e", "r"),
        node("ReduceMean", "r", "m", axes=[-1]),
        node("Sub", "r m", "d"),
        node("Pow", "d two", "d2"),
        node("ReduceMean", "d2", "var", axes=[-1]),
        node("Add", "var eps", "var2"),
        node("Sqrt", "var2", "std"),
        node("Div", "d std", "n0"),
        node("Mul", "n0 gain", "n1"),
        node("Add", "n1 shift", "n"),
        node("MatMul", "n w1", "h"),
        node("Div", "h sqrt2", "h0"),
        node("Erf", "h0", "h1"),
        node("Add", "h1 one", "h2"),
        node("Mul", "h h2", "h3"),
        node("Mul", "h3 half", "h4"),
        node("MatMul", "h4 w2", "f"),
        node("Add", "f n", "y"),
    ]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "steps"])],
        [helper.make_empty_tensor_value_info("y")],
        [
            numpy_helper.from_array(value.astype(np.float32) if value.dtype == float else value, name)
            for name, value in tensors.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("hidden_model", [False, True])
def test_an_encoder_runs_on_private_words(hidden_model: bool) -> None:
    proto, ids = encoder(), np.array([[1, 5, 0], [6, 6, 2]])
    (expected,) = onnx.reference.ReferenceEvaluator(proto).run(None, {"ids": ids})
    model = tacit.onnx.load(proto)
    bare, weights = model.split() if hidden_model else (model, {})
    with tacit.sim(["writer", "maker", "judge"]) as parties:
        held = [parties["maker"].private(value, limit=limit_of(value)) for value in weights.values()]
        words = parties["writer"].private(ids, limit=(0, 6))
        got = tacit.secure(bare if hidden_model else on_shares(model))(words, *held)
    close(got, expected, 2.0**-8)


def test_chains_that_are_one_function_are_one_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small steps of an encoder need more than twice the comparisons."""

    def comparisons() -> int:
        with tacit.sim(["a", "b", "c"]) as parties:
            model = on_shares(tacit.onnx.load(encoder()))
            program = tacit.secure(model).program(parties["a"].private(np.array([[1, 5, 0]]), limit=(0, 6)))
        return [eqn.op for eqn in program.eqns].count("less")

    few = comparisons()
    monkeypatch.setattr("tacit.compile.onnx.model.simplified", lambda graph: graph)
    assert 0 < 2 * few < comparisons()


# --- hostile and broken files ---------------------------------------------------------------------------


def chain(
    *nodes: Any, ins: tuple[str, ...] = ("x",), outs: tuple[str, ...] = ("y",), tensors: Any = ()
) -> Any:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in ins],
        [helper.make_empty_tensor_value_info(name) for name in outs],
        list(tensors),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def elsewhere() -> Any:
    tensor = TensorProto(
        name="w", data_type=TensorProto.FLOAT, dims=[2, 3], data_location=TensorProto.EXTERNAL
    )
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return chain(helper.make_node("Add", ["x", "w"], ["y"]), tensors=[tensor])


def short() -> Any:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40], raw_data=b"1234")
    return chain(helper.make_node("Add", ["x", "w"], ["y"]), tensors=[tensor])


def empty_shape() -> Any:
    shape = numpy_helper.from_array(np.array([1 << 31, 1 << 31]), "s")
    return chain(helper.make_node("Expand", ["x", "s"], ["y"]), tensors=[shape])


BROKEN: dict[str, tuple[Any, str, str]] = {
    "bytes": (b"\x08\xff\xff\xff", "ONNX-0001", "no ONNX model"),
    "nothing": (b"", "ONNX-0001", "no graph"),
    "path": ("no/such/model.onnx", "ONNX-0001", "cannot be read"),
    "external": (elsewhere(), "ONNX-0001", "which is not opened"),
    "short-data": (short(), "ONNX-0001", "impossible shape"),
    "cycle": (
        chain(
            helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"]), outs=("b",)
        ),
        "ONNX-0001",
        "cycle",
    ),
    "undefined": (chain(helper.make_node("Add", ["x", "z"], ["y"])), "ONNX-0001", "'z', which nothing gives"),
    "twice": (
        chain(helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["x"], ["y"])),
        "ONNX-0001",
        "two things are called 'y'",
    ),
    "no-output": (chain(helper.make_node("Relu", ["x"], ["z"])), "ONNX-0001", "nothing gives the output"),
    "unknown": (
        chain(helper.make_node("AffineGrid", ["x"], ["y"], name="layer7")),
        "ONNX-0002",
        "node 'layer7' (AffineGrid)",
    ),
    "attribute": (chain(helper.make_node("Relu", ["x"], ["y"], slope=1.0)), "ONNX-0002", "slope"),
    "random": (chain(helper.make_node("RandomNormalLike", ["x"], ["y"])), "ONNX-0002", "RandomNormalLike"),
    "complex": (
        chain(
            helper.make_node("Add", ["x", "w"], ["y"]),
            tensors=[numpy_helper.from_array(np.ones(3, np.complex64), "w")],
        ),
        "ONNX-0003",
        "element type 14",
    ),
    "shapes": (
        chain(
            helper.make_node("MatMul", ["x", "w"], ["y"], name="dense"),
            tensors=[numpy_helper.from_array(np.ones((4, 2)), "w")],
        ),
        "IR-0003",
        "node 'dense' (MatMul)",
    ),
    "huge": (empty_shape(), "ONNX-0004", "is asked for"),
    "growing": (
        chain(
            *[node("Concat", f"w{k} w{k}", f"w{k + 1}", axis=0) for k in range(40)],
            node("ReduceSum", "w40", "y"),
            tensors=[numpy_helper.from_array(np.arange(1.0, 4097.0), "w0")],
        ),
        "ONNX-0004",
        "is asked for",
    ),
    "padding-mode": (chain(node("Pad", "x", "y", pads=[0, 0, 1, 1], mode="mirror")), "ONNX-0004", "Pad"),
    "many-parts": (chain(node("Split", "x", "y", num_outputs=1 << 40)), "ONNX-0004", "Split"),
    "wide-pool": (
        chain(node("MaxPool", "x", "y", kernel_shape=[2], pads=[1 << 40, 0])),
        "ONNX-0004",
        "MaxPool",
    ),
    "loop-in-a-tree": (
        chain(
            helper.make_node(
                "TreeEnsembleRegressor",
                ["x"],
                ["y"],
                domain="ai.onnx.ml",
                nodes_treeids=[0, 0, 0],
                nodes_nodeids=[0, 1, 2],
                nodes_featureids=[0, 0, 0],
                nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"],
                nodes_values=[0.5, 0.5, 0.0],
                nodes_truenodeids=[1, 0, 0],
                nodes_falsenodeids=[2, 2, 0],
                target_treeids=[0],
                target_nodeids=[2],
                target_ids=[0],
                target_weights=[1.0],
            )
        ),
        "ONNX-0004",
        "no root or more than one, or a loop",
    ),
    "secret-shape": (
        chain(helper.make_node("Cast", ["x"], ["i"], to=7), helper.make_node("Expand", ["x", "i"], ["y"])),
        "ONNX-0005",
        "depends on private data",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_run_is_refused_with_a_reason(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, code, words = BROKEN[name]
    monkeypatch.setattr("tacit.compile.onnx.evaluate.MOST_ELEMENTS", 1 << 16)
    with pytest.raises(UsageError) as refused, tacit.sim(["a", "b", "c"]) as parties:
        tacit.secure(tacit.onnx.load(source)).program(parties["a"].private(np.ones((2, 3)), limit=1.0))
    assert refused.value.code == code, refused.value
    assert words in str(refused.value) and refused.value.hint


def test_inputs_are_compared_with_what_the_model_declares() -> None:
    model = tacit.onnx.load(chain(helper.make_node("Relu", ["x"], ["y"])))
    for values in ((), (np.ones((2, 4)),), (np.ones(3),), (np.ones((2, 3), bool),)):
        with pytest.raises(UsageError) as refused:
            model(*values)
        assert refused.value.code == "ONNX-0004"


def test_every_cut_of_a_file_is_refused_or_read() -> None:
    whole = chain(helper.make_node("Relu", ["x"], ["y"])).SerializeToString()
    for size in range(len(whole)):
        try:
            tacit.onnx.load(whole[:size])
        except UsageError as error:
            assert error.code.startswith("ONNX-")


# --- control flow ---------------------------------------------------------------------------------------


def branch(op: str, name: str) -> Any:
    """An inner graph that reads x of the outer one."""
    return helper.make_graph(
        [helper.make_node(op, ["x"], [f"{name}_y"])],
        name,
        [],
        [helper.make_empty_tensor_value_info(f"{name}_y")],
    )


def test_branches_on_secrets_compute_both_sides() -> None:
    proto = chain(
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Greater", ["s", "zero"], ["c"]),
        helper.make_node(
            "If", ["c"], ["y"], then_branch=branch("Relu", "yes"), else_branch=branch("Neg", "no")
        ),
        tensors=[numpy_helper.from_array(np.array(0.0), "zero")],
    )
    model = tacit.onnx.load(proto)
    for x in (np.array([[1.0, -0.5, 2.0]] * 2), np.array([[1.0, -4.5, 2.0]] * 2)):
        close(private(model, (x,))[0], np.maximum(x, 0) if x.sum() > 0 else -x)


def test_loops_of_a_public_number_of_steps_run() -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Mul", ["now", "half"], ["next"]),
            helper.make_node("Add", ["now", "x"], ["row"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_empty_tensor_value_info("now"),
        ],
        [helper.make_empty_tensor_value_info(name) for name in ("go_on", "next", "row")],
    )
    proto = chain(
        helper.make_node("Loop", ["n", "", "x"], ["y", "rows"], body=body),
        outs=("y", "rows"),
        tensors=[numpy_helper.from_array(np.array(3), "n"), numpy_helper.from_array(np.array(0.5), "half")],
    )
    x = np.arange(6.0).reshape(2, 3) / 4
    last, rows = private(tacit.onnx.load(proto), (x,))
    close(last, x / 8)
    close(rows, np.stack([2 * x, 1.5 * x, 1.25 * x]))


def test_a_scan_stays_a_loop() -> None:
    body = helper.make_graph(
        [helper.make_node("Add", ["sum", "row"], ["more"]), helper.make_node("Identity", ["more"], ["out"])],
        "body",
        [helper.make_empty_tensor_value_info(name) for name in ("sum", "row")],
        [helper.make_empty_tensor_value_info(name) for name in ("more", "out")],
    )
    proto = chain(
        helper.make_node("Scan", ["zero", "x"], ["y", "rows"], body=body, num_scan_inputs=1),
        outs=("y", "rows"),
        tensors=[numpy_helper.from_array(np.zeros(3), "zero")],
    )
    model, x = tacit.onnx.load(proto), np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])
    last, rows = private(model, (x,))
    close(last, x.sum(0))
    close(rows, np.cumsum(x, axis=0))
    with tacit.sim(["a", "b", "c"]) as parties:
        program = tacit.secure(model).program(parties["a"].private(x, limit=4.0))
    assert [eqn.op for eqn in program.eqns].count("scan") == 1


def test_trees_of_version_five_are_trees() -> None:
    """Two trees: x0 <= 0.5 ? 1 : (x2 > -0.25 ? 2 : 3), and a leaf of 10 by x1 < 0."""
    node = helper.make_node(
        "TreeEnsemble",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        nodes_featureids=[0, 2, 1],
        nodes_splits=numpy_helper.from_array(np.array([0.5, -0.25, 0.0])),
        nodes_modes=numpy_helper.from_array(np.array([0, 3, 1], np.uint8)),
        nodes_truenodeids=[0, 1, 3],
        nodes_falsenodeids=[1, 2, 4],
        nodes_trueleafs=[1, 1, 1],
        nodes_falseleafs=[0, 1, 1],
        tree_roots=[0, 2],
        leaf_targetids=[0, 0, 0, 0, 0],
        leaf_weights=numpy_helper.from_array(np.array([1.0, 2.0, 3.0, 10.0, 0.0])),
    )
    proto = chain(node)
    proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 5))
    model, x = tacit.onnx.load(proto), np.array([[0.25, -1.0, 0.0], [0.75, 1.0, -0.5]])
    close(private(model, (x,))[0], [[11.0], [3.0]])
    bare, weights = model.split()
    assert [len(value) for value in weights.values()] == [3, 5]
    close(bare(x, *weights.values()), [[11.0], [3.0]])


def test_functions_of_a_model_are_put_in_their_places() -> None:
    inner = helper.make_function(
        "own",
        "twice",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 21)],
    )
    proto = chain(helper.make_node("twice", ["x"], ["y"], domain="own"))
    proto.functions.append(inner)
    proto.opset_import.append(helper.make_opsetid("own", 1))
    x = np.ones((2, 3))
    close(tacit.onnx.load(proto)(x), 2 * x)
