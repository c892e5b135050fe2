"""Fixed point, secrets, errors, log fields, settings: the small parts that everything rests on."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base import errors, fixed
from tacit.base.errors import InternalError, PeerError, TacitError, UsageError
from tacit.base.log import check_fields
from tacit.base.secret import Secret
from tacit.base.setting import Setting
from tacit.base.types import BOOL, FIXED, INT, PUBLIC, SECRET, Private, Type, join

LIMIT = 2.0 ** (fixed.LIMIT_BITS - 18)


@given(st.floats(-LIMIT, LIMIT, exclude_min=True, exclude_max=True))
def test_fixed_point_is_right_to_half_a_unit(x: float) -> None:
    got = float(fixed.decode(fixed.encode(np.array(x))))
    assert abs(got - x) <= 2.0**-19 + abs(x) * 2.0**-52


@given(st.integers(-(2**43), 2**43), st.integers(0, 30))
def test_what_fits_comes_back_exactly(whole: int, bits: int) -> None:
    if abs(whole) < 1 << (62 - bits):
        assert float(fixed.decode(fixed.encode(np.array(float(whole)), bits), bits)) == whole


@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, LIMIT, -LIMIT, 1e300])
def test_what_does_not_fit_is_refused_without_its_value(x: float) -> None:
    with pytest.raises(UsageError) as refused:
        fixed.encode(np.array([0.0, x]))
    assert refused.value.code == "VALUE-0001"
    assert str(x) not in str(refused.value)


def test_largest_values_encode() -> None:
    x = np.array([np.nextafter(LIMIT, 0), -np.nextafter(LIMIT, 0), 0.0, -0.0])
    assert np.array_equal(fixed.decode(fixed.encode(x)), x)
    assert fixed.encode(np.zeros((0, 3))).shape == (0, 3)


def test_secrets_do_not_show() -> None:
    secret = Secret(b"hunter2")
    assert "hunter2" not in f"{secret} {secret!r}"
    for action in (lambda: secret == secret, lambda: pickle.dumps(secret), lambda: hash(secret)):
        with pytest.raises(TypeError):
            action()
    assert secret.expose() == b"hunter2"


@pytest.mark.parametrize("value", [Secret(1), np.zeros(2), [1], {"a": 1}, b"x", np.float64(1).reshape(1)])
def test_only_small_plain_values_are_logged(value: object) -> None:
    with pytest.raises(InternalError) as refused:
        check_fields("event", {"x": value})  # type: ignore[dict-item]
    assert refused.value.code == "LOG-0001"


def test_plain_fields_are_logged() -> None:
    check_fields("event", {"a": 1, "b": 2.0, "c": "x", "d": None, "e": True})


def test_every_error_says_who_must_act() -> None:
    kinds = [
        k
        for k in vars(errors).values()
        if isinstance(k, type) and issubclass(k, TacitError) and k is not TacitError
    ]
    assert len(kinds) >= 9
    assert all(k.who != "somebody" and k.exit_code not in (0, 1) for k in kinds)
    error = PeerError("PEER-0001", "what", hint="do this", path="run.0/mul.0")
    assert error.wire_code == "abort PEER-0001"
    for part in ("[PEER-0001]", "what", "do this", "run.0/mul.0"):
        assert part in str(error)


def test_visibility_of_a_result() -> None:
    assert join(PUBLIC, PUBLIC) == PUBLIC
    assert join(PUBLIC, Private(1)) == Private(1)
    assert join(Private(0), Private(1)) == SECRET
    assert join(Private(0), SECRET) == SECRET
    assert str(Type(Private(1), FIXED, (2, 3))) == "private(1) fixed64.18[2,3]"
    assert (str(INT), str(BOOL)) == ("int64", "bool")


BASE = Setting(2, 1, "covert", "statistical", 128, 40, ("a",))


@pytest.mark.parametrize(
    ("weaker", "covers"),
    [
        (BASE, True),
        (replace(BASE, adversary="malicious"), True),
        (replace(BASE, adversary="semi-honest"), False),
        (replace(BASE, corrupted=2), True),
        (replace(BASE, corrupted=0), False),
        (replace(BASE, kappa=80), False),
        (replace(BASE, sigma=30), False),
        (replace(BASE, security="computational"), False),
        (replace(BASE, security="perfect"), True),
        (replace(BASE, assumes=()), True),
        (replace(BASE, assumes=("a", "b")), False),
    ],
)
def test_a_setting_covers_a_claim_or_not(weaker: Setting, covers: bool) -> None:
    assert weaker.covers(BASE) is covers
