"""Verifying products among three parties: distributed zero knowledge by folding inner products.

Source   [BBCGI19] Boneh, Boyle, Corrigan-Gibbs, Gilboa, Ishai, CRYPTO 2019 (eprint 2019/188), sections 4, 5
         (fully linear proofs with logarithmic communication); three parties, rings: [BGIN19] Boyle, Gilboa,
         Ishai, Nof, CCS 2019 (eprint 2019/1390), sections 3 and 4; [BGIN20] eprint 2020/1451.
Setting  malicious with abort, one of three parties corrupted; interactive, no random oracle.
Differs  one verifier knows all factors u, the other one all factors v, so the sides are folded apart and only
         meet in one product at the end. The first step folds up to seven variables of plain values at once.
Cost     logarithmically many rounds and elements, see `check_bits`. Per product about 17 plain products and
         a fold of each side, per gate 17 weighted sums and a fortieth of a product of elements; for bits a
         fifth of that.
         Soundness error at most (2 + 2 * variables) / 2^48 over Z_2^64 (2^-41 for 2^30 products), over bits
         2^-57.

Notation     here
  p, A, B    the prover, its `prev` (knows u and e_A), its `next` (knows v and e_B)
  alpha, beta  weights of rows of 2^t gates and of their columns
  h          [3^t] values of the sum over rows of the product of both extended sides, additive between A and B
  u*, v*     a row of random elements, which masks what is opened at the end; w* is its product
  c          what the products of all rows should sum to, additive between A and B

Steps      1 p commits to w*.  2 A and B, which by now hold all that is claimed, each send half of the seed of
           alpha and beta.  3 p sends h, B answers with a point r, both sides are folded at r; again until one
           row is left.  4 p sends A the digest of all challenges that it was given; A opens its side to B,
           which checks the product.  5 everybody tells the others that all is well.
Why        p learns a challenge only when B has the message before it. Points are coins of A and B: B does not
           choose them, and if it tells p others, A sees it in p's digest and opens nothing. r and 1 - r are
           units, so u* masks all that is opened. What B receives from p is masked by coins of p and A.
"""

from __future__ import annotations

import hashlib

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected
from tacit.base.prg import Prg, derive
from tacit.base.protocol import gather, protocol
from tacit.base.secret import Secret
from tacit.base.setting import Setting
from tacit.base.wire import Octets, Ring, octets
from tacit.blocks.dzk.claims import Claims, Gates, Matrix, Values
from tacit.blocks.dzk.rings import BINARY, GALOIS, Elements, Extension
from tacit.blocks.dzk.statement import (
    Shape,
    Side,
    draw_weights,
    first_rows,
    proved_sides,
    watched_side,
    weighted_rest,
)

THREE_PARTY_MALICIOUS = Setting(
    parties=3,
    corrupted=1,
    adversary="malicious",
    security="computational",
    assumes=("private channels", "AES-128 as a pseudorandom function", "BLAKE2b is collision-resistant"),
)
"""One of three parties may deviate at will: it can end a run, but not bend a result or learn more."""

SEED_BYTES = 16
DIGEST_BYTES = 32
ACCEPTED = b"\x01"


def verify_bits(claims: Claims) -> int:
    """Bits that all parties send in `verify`."""
    bits = 0
    if claims.ring or claims.matrices:
        bits += check_bits(GALOIS.name, claims.ring, claims.matrices)
    if claims.bits:
        bits += check_bits(BINARY.name, claims.bits, Gates())
    return bits + (6 * 8 if bits else 0)


def verify_rounds(claims: Claims) -> int:
    rounds = [0]
    if claims.ring or claims.matrices:
        rounds.append(check_rounds(GALOIS.name, claims.ring, claims.matrices) + 1)
    if claims.bits:
        rounds.append(check_rounds(BINARY.name, claims.bits, Gates()) + 1)
    return max(rounds)


@protocol(source="BBCGI19 §5", setting=THREE_PARTY_MALICIOUS, rounds=verify_rounds, bits=verify_bits)
async def verify(ctx: Ctx, claims: Claims) -> None:
    """Return if all claims hold at all parties. Raises CheatDetected CHEAT-0001."""
    checks = []
    if claims.ring or claims.matrices:
        checks.append(check(ctx, GALOIS.name, claims.ring, claims.matrices))
    if claims.bits:
        checks.append(check(ctx, BINARY.name, claims.bits, Gates()))
    if not checks:
        return
    await gather(*checks)
    others = ((ctx.me + 1) % 3, (ctx.me + 2) % 3)
    for other in others:  # Step 5
        await ctx.send(other, octets(ACCEPTED))
    for other in others:
        if await _receive_bytes(ctx, other, len(ACCEPTED)) != ACCEPTED:
            raise CheatDetected("CHEAT-0001", f"party {other} does not say that it accepts", path=ctx.path)


def check_bits(name: str, gates: Gates[Values], matrices: Gates[Matrix]) -> int:
    """Bits that all parties send in `check`: for each prover w*, halves, h, points, digest, what A opens."""
    extension, total = EXTENSIONS[name], 0
    for shape in _shapes(extension, gates, matrices):
        messages = shape.messages
        elements = 1 + sum(3**t for t in messages) + 2 + len(messages)
        total += 64 * elements * int(np.prod(extension.tail, dtype=np.int64))
        total += 8 * (SEED_BYTES * (4 + max(len(messages) - 1, 0)) + DIGEST_BYTES)
    return total


def check_rounds(name: str, gates: Gates[Values], matrices: Gates[Matrix]) -> int:
    return 2 + 2 * max(len(shape.messages) for shape in _shapes(EXTENSIONS[name], gates, matrices))


def _shapes(extension: Extension, gates: Gates[Values], matrices: Gates[Matrix]) -> list[Shape]:
    """Of my claims, of the next party's, of the previous one's."""
    shapes = (
        proved_sides(gates, matrices)[0],
        watched_side(gates.after, matrices.after)[0],
        watched_side(gates.before, matrices.before)[0],
    )
    return [with_lanes(shape, extension) for shape in shapes]


@protocol(source="BBCGI19 §5; BGIN19 §4", setting=THREE_PARTY_MALICIOUS, rounds=check_rounds, bits=check_bits)
async def check(ctx: Ctx, name: str, gates: Gates[Values], matrices: Gates[Matrix]) -> None:
    """All claims of one extension ring, of all three provers at once."""
    extension, me = EXTENSIONS[name], ctx.me
    after, before = (me + 1) % 3, (me + 2) % 3
    scopes = [ctx.sub(f"prover{p}") for p in range(3)]
    shape, u, v = proved_sides(gates, matrices)
    shape_after, side_after = watched_side(gates.after, matrices.after)
    shape_before, side_before = watched_side(gates.before, matrices.before)
    await gather(
        _prove(scopes[me], extension, with_lanes(shape, extension), u, v),
        _watch_as_prev(scopes[after], extension, with_lanes(shape_after, extension), side_after),
        _watch_as_next(scopes[before], extension, with_lanes(shape_before, extension), side_before),
    )


EXTENSIONS: dict[str, Extension] = {extension.name: extension for extension in (GALOIS, BINARY)}


def with_lanes(shape: Shape, extension: Extension) -> Shape:
    return Shape(shape.records, shape.matrices, extension.lanes)


def _points(extension: Extension, seed: bytes, n: int) -> np.ndarray:
    return extension.points(Prg(derive(Secret(seed), "dzk point")), n)


def _digest(seeds: list[bytes]) -> bytes:
    return hashlib.blake2b(b"".join(seeds), digest_size=DIGEST_BYTES, person=b"tacit-dzk").digest()


async def _receive_bytes(ctx: Ctx, frm: int, n_bytes: int) -> bytes:
    received: bytes = (await ctx.recv(frm, Octets, shape=(n_bytes,))).array.tobytes()
    return received


# --- the prover -----------------------------------------------------------------------------------------


async def _prove(ctx: Ctx, extension: Extension, shape: Shape, u: Side, v: Side) -> None:
    next_, prev = (ctx.me + 1) % 3, (ctx.me + 2) % 3
    coins = ctx.common(prev)
    u_mask, w_share = extension.random(coins, 1), extension.random(coins, 1)
    v_mask = extension.random(ctx.common(next_), 1)
    await ctx.send(next_, Ring(extension.subtract(extension.mul(u_mask, v_mask), w_share)))  # Step 1
    halves = [await _receive_bytes(ctx, verifier, SEED_BYTES) for verifier in (prev, next_)]  # Step 2
    seeds = [b"".join(halves)]
    weights = draw_weights(extension, shape, seeds[0])

    def start(corners: Elements | None) -> tuple[Elements, Elements]:
        return (
            first_rows(extension, shape, u, weights, corners, weighted=True, last=u_mask),
            first_rows(extension, shape, v, weights, corners, weighted=False, last=v_mask),
        )

    sides = None if shape.records else start(None)
    for index, t in enumerate(shape.messages):  # Step 3
        if sides is None:
            h = extension.tensor(u.records, v.records, weights.alpha, t)
        else:
            h = extension.tensor_wide(*sides, t)
        await ctx.send(next_, Ring(extension.subtract(h, extension.random(coins, len(h)))))
        if index + 1 == len(shape.messages):
            break
        seeds.append(await _receive_bytes(ctx, next_, SEED_BYTES))
        points = _points(extension, seeds[-1], t)
        if sides is None:
            sides = start(extension.corners(points))
        else:
            sides = extension.fold_wide(sides[0], points), extension.fold_wide(sides[1], points)
    await ctx.send(prev, octets(_digest(seeds)))  # Step 4


# --- the verifiers --------------------------------------------------------------------------------------


class _Verifier:
    """One side and its share of the claim, folded along with the prover."""

    def __init__(self, extension: Extension, shape: Shape, side: Side, seed: bytes, mask: Elements) -> None:
        self._extension, self._shape, self._side, self._mask = extension, shape, side, mask
        self._weights = draw_weights(extension, shape, seed)
        self._rest, matrix_rest = weighted_rest(extension, side, shape, self._weights)
        self.claim = extension.subtract(extension.zeros(1), matrix_rest)
        self.zeros: list[Elements] = []
        self.rows: Elements | None = None

    def start(self, corners: Elements | None, weighted: bool) -> None:
        self.rows = first_rows(
            self._extension,
            self._shape,
            self._side,
            self._weights,
            corners,
            weighted=weighted,
            last=self._mask,
        )

    def absorb(self, h: Elements, seed: bytes, t: int, weighted: bool) -> None:
        """My share of h: it must agree with the claim so far; the claim is now its value at the point."""
        extension = self._extension
        points = _points(extension, seed, t)
        at_corners = _corner_values(h, t)
        value = extension.evaluate(h, points)
        if self.rows is None:
            columns = extension.weigh(at_corners, extension.widen(self._weights.beta))
            self.zeros.append(extension.add(columns, self._rest))
            self.claim = extension.add(self.claim, value)
            self.start(extension.corners(points), weighted)
        else:
            self.zeros.append(extension.subtract(extension.total(at_corners), self.claim))
            self.claim = value
            self.rows = extension.fold_wide(self.rows, points)


def _corner_values(h: Elements, t: int) -> Elements:
    """The values at {0,1}^t among those at {0,1,inf}^t."""
    digits = np.arange(1 << t)[:, None] >> np.arange(t) & 1
    corners: Elements = h[digits @ 3 ** np.arange(t)]
    return corners


async def _announce_half(ctx: Ctx, prover: int, other: int) -> bytes:
    """My half of this proof's first seed. Only now, that I hold all that the prover has claimed."""
    half: bytes = ctx.private().bytes(SEED_BYTES).tobytes()
    for to in (prover, other):
        await ctx.send(to, octets(half))
    return half


async def _watch_as_prev(ctx: Ctx, extension: Extension, shape: Shape, side: Side) -> None:
    """A, of the prover after me."""
    prover, other = (ctx.me + 1) % 3, (ctx.me + 2) % 3
    coins, shared = ctx.common(prover), ctx.common(other)
    u_mask, w_share = extension.random(coins, 1), extension.random(coins, 1)
    half = await _announce_half(ctx, prover, other)  # Step 2
    seeds = [half + await _receive_bytes(ctx, other, SEED_BYTES)]
    mine = _Verifier(extension, shape, side, seeds[0], u_mask)
    mine.claim = extension.add(mine.claim, w_share)
    if not shape.records:
        mine.start(None, weighted=True)
    for t in shape.messages:  # Step 3
        h = extension.random(coins, 3**t)
        seeds.append(shared.bytes(SEED_BYTES).tobytes())
        mine.absorb(h, seeds[-1], t, weighted=True)
    told = await _receive_bytes(ctx, prover, DIGEST_BYTES)  # Step 4
    if told != _digest(seeds[: max(len(shape.messages), 1)]):
        raise _cheat(ctx, "was given other challenges than mine by party", other)
    assert mine.rows is not None
    await ctx.send(other, Ring(np.concatenate([mine.rows, mine.claim, *mine.zeros])))


async def _watch_as_next(ctx: Ctx, extension: Extension, shape: Shape, side: Side) -> None:
    """B, of the prover before me. Raises CheatDetected."""
    prover, other = (ctx.me + 2) % 3, (ctx.me + 1) % 3
    shared = ctx.common(other)
    v_mask = extension.random(ctx.common(prover), 1)
    w_share = (await ctx.recv(prover, Ring, shape=v_mask.shape)).array  # Step 1
    half = await _announce_half(ctx, prover, other)  # Step 2
    seed = await _receive_bytes(ctx, other, SEED_BYTES) + half
    mine = _Verifier(extension, shape, side, seed, v_mask)
    mine.claim = extension.add(mine.claim, w_share)
    if not shape.records:
        mine.start(None, weighted=False)
    for index, t in enumerate(shape.messages):  # Step 3
        h = (await ctx.recv(prover, Ring, shape=(3**t, *extension.tail))).array
        seed = shared.bytes(SEED_BYTES).tobytes()
        if index + 1 < len(shape.messages):
            await ctx.send(prover, octets(seed))
        mine.absorb(h, seed, t, weighted=False)
    assert mine.rows is not None
    opened = (await ctx.recv(other, Ring, shape=(2 + len(mine.zeros), *extension.tail))).array  # Step 4
    product = extension.mul(opened[:1], mine.rows)
    wrong = extension.subtract(product, extension.add(opened[1:2], mine.claim))
    zeros = extension.add(opened[2:], np.concatenate(mine.zeros)) if mine.zeros else wrong
    if wrong.any() or zeros.any():
        raise _cheat(ctx, "sent a wrong product, or was accused of one by party", other)


def _cheat(ctx: Ctx, what: str, other: int) -> CheatDetected:
    prover = ctx.path.split("prover")[1].split(".")[0]
    return CheatDetected(
        "CHEAT-0001",
        f"party {prover} {what} {other}",
        path=ctx.path,
        hint="nothing was opened; settle with both operators which side deviates before running again",
    )
