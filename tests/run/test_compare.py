"""One call runs a program on every backend and reports the differences against bounds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

import tacit
from tacit.compile import array as xp
from tacit.compile.trace import trace
from tacit.run.compare import Difference, bounds, differences
from tacit.run.secure import Input, Secure


@tacit.secure
def model(x: Any, y: Any) -> dict[str, Any]:
    def step(w: Any, _: Any) -> tuple[Any, None]:
        return w - 0.05 * (x.T @ (xp.sigmoid(x @ w) - y)) / 40, None

    w = xp.scan(step, xp.to_secret(xp.zeros((3,))), None, length=3)[0]
    return {"weights": w, "products": x[:, 0] * y, "ratio": xp.sum(y) / 40}


def inputs(names: list[str]) -> list[Input]:
    parties = tacit.sim(names)
    rng = np.random.default_rng(2)
    x = parties[names[0]].private(rng.normal(size=(40, 3)).clip(-4, 4), limit=4.0)
    return [x, parties[names[1]].private(rng.random(40), limit=1.0)]


def test_all_backends_agree_within_bounds_that_are_small() -> None:
    report = model.compare(*inputs(["bank", "partner"]))
    assert report.ok, str(report)
    assert {each.scheme for each in report.differences} == {"plain", "semi2k", "rep3"}
    assert len(report.differences) == 9
    assert all(0 < each.bound < 1e-3 for each in report.differences)
    assert json.loads(json.dumps(report.to_json()))["ok"]
    assert "weights on rep3: off by" in str(report)


def test_a_scheme_for_too_few_parties_is_named() -> None:
    parties = tacit.sim(["a", "b", "c"])
    owned = [parties[name].private(np.ones(3), limit=2.0) for name in ("a", "b", "c")]
    report = Secure(lambda x, y, z: x * y + z).compare(*owned)
    assert [each.scheme for each in report.differences if each.missing] == ["semi2k"]
    assert report.ok


def test_a_wrong_result_is_beyond_its_bound() -> None:
    call = inputs(["bank", "partner"])
    types = [("x", call[0].type), ("y", call[1].type)]
    program = trace(model.__wrapped__, types, "model")  # type: ignore[attr-defined]
    exact = bounds(program, {"x": call[0].array, "y": call[1].array})
    right = {name: value for name, (value, _) in exact.items()}
    assert all(each.within and each.error == 0 for each in differences(exact, "plain", right))
    wrong = {**right, "products": right["products"] + np.eye(1, 40, 7)[0] * 1e-3}
    (beyond,) = (each for each in differences(exact, "plain", wrong) if not each.within)
    assert isinstance(beyond, Difference)
    assert beyond.output == "products"
    assert abs(beyond.error - 1e-3) < 1e-12
