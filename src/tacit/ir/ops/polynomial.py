"""Polynomials of a secret in [-1, 1], on integers with 20 and 40 fraction bits.

v has 20 fraction bits, coefficients too. With s = v^2 a polynomial of degree 2 k is evaluated in k products,
one of them a square: ((c_4 + c_5 v + c_6 s) s + c_2 + c_3 v) s + c_0 + c_1 v. What multiplies s has 40
fraction bits and stays below 2 in magnitude, so products stay below 2^61.

Error. s is off by 1.5 units of 2^-20 at most, its factor by no more than 2 of 2^-40 beside that; below 2^-19
for the polynomials here, plus one unit of the result. Measured in tests/ir/test_tables.py.
"""

from __future__ import annotations

from tacit.base.types import INT
from tacit.ir.program import Builder, Var

V_BITS = 20
Coefficients = tuple[int, ...]


def polynomial(b: Builder, v: Var, coefficients: Coefficients, bits: int) -> Var:
    """sum_k coefficients[k] 2^-20 v^k in units of 2^-bits, for int v in units of 2^-20; degree 4, 6 …"""
    square = b.emit("mul_shift", v, v, bits=V_BITS)
    top = len(coefficients) - 3

    def pair(k: int) -> Var:
        scaled = b.emit("mul", v, b.const(coefficients[k + 1], INT))
        return b.emit("add", scaled, b.const(coefficients[k] << V_BITS, INT))

    highest = b.emit("mul", square, b.const(coefficients[-1], INT))
    value = b.emit("add", pair(top), highest)
    for k in range(top - 2, 0, -2):
        value = b.emit("add", b.emit("mul_shift", square, value, bits=V_BITS), pair(k))
    whole = b.emit("mul", pair(0), b.const(1 << V_BITS, INT))
    whole = b.emit("add", whole, b.emit("mul", square, value))
    return b.emit("shift_right", whole, bits=3 * V_BITS - bits)
