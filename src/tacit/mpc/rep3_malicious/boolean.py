"""ANDs, sums and signs of replicated bits whose products are claimed and verified later, three parties.

Source   [AFLNO16] eprint 2016/768, section 2.3 over Z_2; [ABY3] eprint 2018/403, section 5.3 (prefix adder);
         proofs: [BGIN19] eprint 2019/1390.
Setting  malicious with abort, one of three parties corrupted, once the claims are verified.
Differs  x_2 + x_0 is added first by party 2, which knows both and shares only the carries that it finds; its
         claim is that every carry is the majority of three bits. Only the sum with x_1 is computed jointly.
Cost     sign: 63 bits from party 2, then 187 bits per party, 8 rounds; a2b: 63 bits, then 385 bits per party.

Notation     here
  a, b       bits of x_2 (parties 1 and 2 know them) and of x_0 (parties 2 and 0)
  carry      c = c_two xor c_zero: parties 1 and 2 know `two`, parties 2 and 0 `zero`
  g, p       generate and propagate: carry out = g xor p & carry in
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.types import RING_BITS
from tacit.base.wire import Ring
from tacit.blocks.dzk.bbcgi19 import THREE_PARTY_MALICIOUS
from tacit.blocks.dzk.claims import Claims
from tacit.mpc.rep3.boolean import PREFIX_ANDS, PREFIX_LEVELS, Words, bit_rows
from tacit.mpc.rep3.share import Rep3Share, n_words, neighbours, pack, unpack, zero_sharing

DEALER = 2


@protocol(
    source="AFLNO16 §2.3",
    setting=THREE_PARTY_MALICIOUS,
    rounds=1,
    bits=lambda claims, x, y: 3 * 64 * x[0].size,
)
async def and_words(ctx: Ctx, claims: Claims, x: Words, y: Words) -> Words:
    """x & y for packed bits of equal shapes."""
    after, before = neighbours(ctx)
    (x_0, x_1), (y_0, y_1) = ([np.ascontiguousarray(w).reshape(-1) for w in words] for words in (x, y))
    a, b = zero_sharing(ctx, lambda coins: coins.ring(x_0.shape))
    own = (x_0 & (y_0 ^ y_1)) ^ (x_1 & y_0) ^ a ^ b
    received = (await ctx.exchange(before, after, Ring(own), shape=own.shape)).array
    gates = claims.bits
    gates.prove(ctx.path, (x_0, y_0), (y_1, x_1))
    gates.watch_after(ctx.path, (x_1, y_1), (x_1 & y_1) ^ b ^ received)
    gates.watch_before(ctx.path, (y_0, x_0), a)
    claims.words += 6 * x_0.size
    return own.reshape(x[0].shape), received.reshape(x[0].shape)


@protocol(
    source="AFLNO16 §2.3",
    setting=THREE_PARTY_MALICIOUS,
    rounds=1,
    bits=lambda claims, x, y: 3 * 64 * n_words(x.size),
)
async def and_(ctx: Ctx, claims: Claims, x: Rep3Share, y: Rep3Share) -> Rep3Share:
    """Element-wise AND of boolean shares of equal shapes."""
    packed = [(pack(share.first), pack(share.second)) for share in (x, y)]
    own, received = await and_words(ctx, claims, *packed)
    return Rep3Share(unpack(own, x.shape), unpack(received, x.shape), boolean=True)


# --- the sum of party 2's two addends -------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """A value of party 2 in two parts: `two` is known to parties 1 and 2, `zero` to parties 2 and 0."""

    two: np.ndarray | None
    zero: np.ndarray | None

    def row(self, index: int | slice) -> Parts:
        return Parts(*(None if part is None else part[index] for part in (self.two, self.zero)))


def parts_of(ctx: Ctx, x: Rep3Share) -> Parts:
    """x_2 and x_0 as far as I know them, flat."""
    first, second = x.flat()
    return (Parts(None, first), Parts(second, None), Parts(first, second))[ctx.me]


def open_part(ctx: Ctx, x: Rep3Share) -> np.ndarray | None:
    """x_1, flat; None at party 2."""
    first, second = x.flat()
    return (second, first, None)[ctx.me]


@protocol(
    source="ABY3 §5.3; BGIN19 §4",
    setting=THREE_PARTY_MALICIOUS,
    rounds=1,
    bits=lambda claims, x, low, high: 64 * (high - low + (low > 0)) * n_words(_size(x)),
)
async def carries(ctx: Ctx, claims: Claims, x: Parts, low: int, high: int) -> Parts:
    """Carries of x_2 + x_0 into the bits low .. high (64: out of the sum), planes [high - low + 1, words].

    Every carry after the first is claimed to be the majority of the one before and the bits a, b of its
    position. The first is zero if low = 0; else it is a bit that nobody checks.
    """
    words, fixed = n_words(_size(x)), int(low == 0)
    shape, nothing = (high - low + 1 - fixed, words), np.zeros((fixed, words), np.uint64)
    two: np.ndarray | None = None
    zero: np.ndarray | None = None
    if ctx.me == DEALER:
        assert x.two is not None and x.zero is not None
        zero = ctx.common(0).ring(shape)
        two = _carry_planes(x.two, x.zero)[low + fixed : high + 1]
        two ^= zero
        await ctx.send(1, Ring(two))
    elif ctx.me == 1:
        two = (await ctx.recv(DEALER, Ring, shape=shape)).array
    else:
        zero = ctx.common(DEALER).ring(shape)
    if fixed:
        two, zero = (None if part is None else np.concatenate([nothing, part]) for part in (two, zero))
    carry = Parts(two, zero)
    bits = Parts(*(None if part is None else _planes(part)[low:high] for part in (x.two, x.zero)))
    _claim_majorities(ctx, claims, bits, carry)
    claims.words += 3 * shape[0] * words
    return carry


def _claim_majorities(ctx: Ctx, claims: Claims, bits: Parts, carry: Parts) -> None:
    """c' = ab xor ca xor cb = a (b xor c_zero) xor c_two b xor c_two a xor c_zero b = c'_two xor c'_zero.

    Party 2's claim: u = (a, c_two) is known to party 1, v = (b xor c_zero, b) to party 0.
    """
    u = v = rest = None
    if bits.two is not None and carry.two is not None:
        u = (bits.two.reshape(-1), carry.two[:-1].reshape(-1))
        rest = carry.two[:-1] & bits.two
        rest ^= carry.two[1:]
    if bits.zero is not None and carry.zero is not None:
        v = ((bits.zero ^ carry.zero[:-1]).reshape(-1), bits.zero.reshape(-1))
        rest = carry.zero[:-1] & bits.zero
        rest ^= carry.zero[1:]
    assert rest is not None
    if u is not None and v is not None:
        claims.bits.prove(ctx.path, u, v)
    elif u is not None:
        claims.bits.watch_after(ctx.path, u, rest.reshape(-1))
    elif v is not None:
        claims.bits.watch_before(ctx.path, v, rest.reshape(-1))


def _size(x: Parts) -> int:
    known = x.two if x.two is not None else x.zero
    assert known is not None
    return known.size


def _planes(x: np.ndarray) -> np.ndarray:
    return _kernel.bits_to_planes(np.ascontiguousarray(x), RING_BITS)


def _carry_planes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """uint64[65, words]: the carry into every bit of x + y, and out of it."""
    changed = x + y
    out = pack((changed < x).view(np.uint8))
    changed ^= x
    changed ^= y
    return np.concatenate([_planes(changed), out[None]])


# --- signs and bits of a shared value -------------------------------------------------------------------


@protocol(
    source="ABY3 §5.3",
    setting=THREE_PARTY_MALICIOUS,
    rounds=8,
    bits=lambda claims, x: 64 * (RING_BITS - 1 + 3 * (3 * (RING_BITS - 1) - 2)) * n_words(x.size),
)
async def msb(ctx: Ctx, claims: Claims, x: Rep3Share) -> Rep3Share:
    """The sign bit: the top bits xor the carry out of the 63 lower ones."""
    s, c = await _summands(ctx, claims, x)
    top = s[0][-1] ^ c[0][-1], s[1][-1] ^ c[1][-1]
    lower = [(w[0][:-1], w[1][:-1]) for w in (s, c)]
    g = await and_words(ctx, claims, *lower)
    p = (lower[0][0] ^ lower[1][0], lower[0][1] ^ lower[1][1])
    while len(g[0]) > 1:
        g, p = await _joined(ctx, claims, g, p)
    sign = [unpack(top[j] ^ g[j][0], x.shape) for j in (0, 1)]
    return Rep3Share(sign[0], sign[1], boolean=True)


async def _joined(ctx: Ctx, claims: Claims, g: Words, p: Words) -> tuple[Words, Words]:
    """(g, p) of neighbouring intervals together; an odd one out stays."""
    half = len(g[0]) // 2
    low, high, rest = slice(0, 2 * half, 2), slice(1, 2 * half, 2), slice(2 * half, None)
    left = [np.concatenate([p[j][high], p[j][high]]) for j in (0, 1)]
    right = [np.concatenate([g[j][low], p[j][low]]) for j in (0, 1)]
    z = await and_words(ctx, claims, (left[0], left[1]), (right[0], right[1]))
    new_g = [np.concatenate([g[j][high] ^ z[j][:half], g[j][rest]]) for j in (0, 1)]
    new_p = [np.concatenate([z[j][half:], p[j][rest]]) for j in (0, 1)]
    return (new_g[0], new_g[1]), (new_p[0], new_p[1])


@protocol(
    source="ABY3 §5.3",
    setting=THREE_PARTY_MALICIOUS,
    rounds=8,
    bits=lambda claims, x: 64 * (RING_BITS - 1 + 3 * (RING_BITS + PREFIX_ANDS)) * n_words(x.size),
)
async def a2b(ctx: Ctx, claims: Claims, x: Rep3Share) -> Rep3Share:
    """All 64 bits, shape [*shape, 64], lowest first: bit i = s_i xor c_i xor carry into i."""
    s, c = await _summands(ctx, claims, x)
    words = await and_words(ctx, claims, s, c)
    g = (words[0].copy(), words[1].copy())
    p = (s[0] ^ c[0], s[1] ^ c[1])
    sums = (p[0].copy(), p[1].copy())
    for high, low, wide in PREFIX_LEVELS:
        rows, below = high[wide], low[wide]
        z = await and_words(
            ctx,
            claims,
            (np.concatenate([p[0][high], p[0][rows]]), np.concatenate([p[1][high], p[1][rows]])),
            (np.concatenate([g[0][low], p[0][below]]), np.concatenate([g[1][low], p[1][below]])),
        )
        for j in (0, 1):
            g[j][high] ^= z[j][: len(high)]
            p[j][rows] = z[j][len(high) :]
    shape = (*x.shape, RING_BITS)
    first, second = (bit_rows(sums[j], g[j], x.size).reshape(shape) for j in (0, 1))
    return Rep3Share(first, second, boolean=True)


async def _summands(ctx: Ctx, claims: Claims, x: Rep3Share) -> tuple[Words, Words]:
    """Replicated bits of s = x_2 + x_0 and of x_1, planes [64, words]."""
    parts, x_1 = parts_of(ctx, x), open_part(ctx, x)
    carry = await carries(ctx, claims, parts, 0, RING_BITS - 1)
    two, zero = (
        None if part is None or c is None else _planes(part) ^ c
        for part, c in ((parts.two, carry.two), (parts.zero, carry.zero))
    )
    none = np.zeros((RING_BITS, n_words(x.size)), np.uint64)
    known = none if x_1 is None else _planes(x_1)
    if ctx.me == DEALER:
        assert two is not None and zero is not None
        return (two, zero), (none, none)
    if ctx.me == 1:
        assert two is not None
        return (none, two), (known, none)
    assert zero is not None
    return (zero, none), (none, known)
