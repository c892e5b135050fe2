"""From bits to ring elements, and products with what two of three parties know; one of them may deviate.

Source   [ABY3] eprint 2018/403, section 5.4.1 (who holds what of a bit); proofs: [BGIN19] eprint 2019/1390.
Setting  malicious with abort, one of three parties corrupted, once the claims are verified.
Differs  party 2 deals the product of the two parts that it alone knows together, and claims it; parties 0 and
         1 multiply by what they both know, each its part, and claim that.
Cost     deal: 8 bytes; evaluate: 8 bytes each way; b2a: 24 bytes for all, 2 rounds; mux: 48, 3 rounds.

Notation     here
  two, zero  parts of a value of party 2: known to parties 1 and 2, to parties 2 and 0 (`boolean.Parts`)
  V          a factor that parties 0 and 1 know
  nu         coins of party 2 with an evaluator: the addends y_0 and y_2 of a result
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.wire import Ring
from tacit.blocks.dzk.bbcgi19 import THREE_PARTY_MALICIOUS
from tacit.blocks.dzk.claims import Bits, Claims
from tacit.mpc.rep3.arith import blocks
from tacit.mpc.rep3.share import Rep3Share
from tacit.mpc.rep3_malicious.arith import mul
from tacit.mpc.rep3_malicious.boolean import DEALER, Parts, open_part, parts_of

ONE, TWO = np.uint64(1), np.uint64(2)


def _size(pairs: list[Parts]) -> int:
    known = pairs[0].two if pairs[0].two is not None else pairs[0].zero
    assert known is not None
    return known.size


def _bits(x: np.ndarray, scale: np.uint64) -> Bits:
    return Bits(np.ascontiguousarray(x), int(scale))


@protocol(
    source="BGIN19 §4",
    setting=THREE_PARTY_MALICIOUS,
    rounds=1,
    bits=lambda claims, pairs, factors: 64 * _size(pairs),
)
async def deal(ctx: Ctx, claims: Claims, pairs: list[Parts], factors: list[np.uint64]) -> Parts:
    """The sum of factor * two * zero over pairs of bits, uint8 and flat, in two parts of its own."""
    n = _size(pairs)
    scaled = zip(pairs, factors, strict=True)
    u = [_bits(pair.two, factor) for pair, factor in scaled if pair.two is not None]
    v = [_bits(pair.zero, ONE) for pair in pairs if pair.zero is not None]
    claims.words += (len(pairs) + 1) * n
    if ctx.me == 0:
        zero = ctx.common(DEALER).ring((n,))
        claims.ring.watch_before(ctx.path, v, -zero)
        return Parts(None, zero)
    if ctx.me == 1:
        two = (await ctx.recv(DEALER, Ring, shape=(n,))).array
        claims.ring.watch_after(ctx.path, u, -two)
        return Parts(two, None)
    zero = ctx.common(0).ring((n,))
    two = np.empty_like(zero)
    for block in blocks(n):
        np.negative(zero[block], out=two[block])
        for left, right, factor in zip(u, v, factors, strict=True):
            both = (left.array[block] & right.array[block]).astype(np.uint64)
            both *= factor
            two[block] += both
    await ctx.send(1, Ring(two))
    claims.ring.prove(ctx.path, u, v)
    return Parts(two, zero)


@protocol(
    source="ABY3 §5.4.1; BGIN19 §4",
    setting=THREE_PARTY_MALICIOUS,
    rounds=1,
    bits=lambda claims, base, v, linear, factor: 2 * 64 * _size([factor]),
)
async def evaluate(
    ctx: Ctx, claims: Claims, base: np.ndarray | None, v: np.ndarray | None, linear: Parts, factor: Parts
) -> Rep3Share:
    """base + linear + V * factor, flat; base and V are known to parties 0 and 1, None at party 2.

    V may be bits, as uint8. Each evaluator sends linear + V factor - nu of its part to the other one.
    """
    n = _size([factor])
    claims.words += 4 * n
    gates = claims.ring
    if ctx.me == DEALER:
        assert factor.two is not None and factor.zero is not None
        assert linear.two is not None and linear.zero is not None
        y_0, y_2 = ctx.common(0).ring((n,)), ctx.common(1).ring((n,))
        gates.watch_after(ctx.path, (factor.zero,), linear.zero - y_0)
        gates.watch_before(ctx.path, (factor.two,), linear.two - y_2)
        return Rep3Share(y_2, y_0)
    assert v is not None and base is not None
    part, rest = (factor.zero, linear.zero) if ctx.me == 0 else (factor.two, linear.two)
    assert part is not None and rest is not None
    nu = ctx.common(DEALER).ring((n,))
    mine, y_1 = np.empty(n, np.uint64), np.empty(n, np.uint64)
    for block in blocks(n):
        out = np.multiply(v[block].astype(np.uint64), part[block], out=mine[block])
        out += rest[block]
        out -= nu[block]
    other = 1 - ctx.me
    theirs = (await ctx.exchange(other, other, Ring(mine), shape=(n,))).array
    for block in blocks(n):
        out = np.add(base[block], mine[block], out=y_1[block])
        out += theirs[block]
    known = Bits(v) if v.dtype == np.uint8 else v
    if ctx.me == 0:
        gates.prove(ctx.path, (part,), (known,))
        gates.watch_after(ctx.path, (known,), -theirs)
        return Rep3Share(nu, y_1)
    gates.prove(ctx.path, (known,), (part,))
    gates.watch_before(ctx.path, (known,), -theirs)
    return Rep3Share(y_1, nu)


@protocol(
    source="ABY3 §5.4.1", setting=THREE_PARTY_MALICIOUS, rounds=2, bits=lambda claims, x: 3 * 64 * x.size
)
async def b2a(ctx: Ctx, claims: Claims, x: Rep3Share) -> Rep3Share:
    """x_1 + (1 - 2 x_1) (x_2 xor x_0), and x_2 xor x_0 = x_2 + x_0 - 2 x_2 x_0."""
    parts, base = parts_of(ctx, x), open_part(ctx, x)
    both = await deal(ctx, claims, [parts], [ONE])
    xored = exclusive(parts, both)
    v = None if base is None else ONE - TWO * base
    nothing = Parts(*(None if part is None else np.zeros_like(part) for part in (xored.two, xored.zero)))
    y = await evaluate(ctx, claims, base, v, nothing, xored)
    return y.map(lambda a: a.reshape(x.shape))


def exclusive(parts: Parts, product: Parts) -> Parts:
    """Parts of two xor zero in the ring, from bits and their dealt product."""
    pairs = ((parts.two, product.two), (parts.zero, product.zero))
    return Parts(*(None if bit is None or both is None else bit - TWO * both for bit, both in pairs))


@protocol(
    source="ABY3 §5.4.1", setting=THREE_PARTY_MALICIOUS, rounds=3, bits=lambda claims, c, x: 6 * 64 * x.size
)
async def mux(ctx: Ctx, claims: Claims, c: Rep3Share, x: Rep3Share) -> Rep3Share:
    """c x for bits c, equal shapes."""
    return await mul(ctx, claims, await b2a(ctx, claims, c), x)
