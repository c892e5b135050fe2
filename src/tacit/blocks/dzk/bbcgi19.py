"""Verifying products among three parties: distributed zero knowledge by folding inner products.

Source   [BBCGI19] Boneh, Boyle, Corrigan-Gibbs, Gilboa, Ishai, CRYPTO 2019 (eprint 2019/188), sections 4, 5
         (fully linear proofs with logarithmic communication); three parties, rings: [BGIN19] Boyle, Gilboa,
         Ishai, Nof, CCS 2019 (eprint 2019/1390), sections 3 and 4; [BGIN20] eprint 2020/1451.
Setting  malicious with abort, one of three parties corrupted; interactive, no random oracle.
Differs  one verifier knows all factors u, the other one all factors v, so the sides are folded apart and only
         meet in one product at the end. The first step folds up to seven variables of plain values at once,
         at one point for all three provers: a factor that occurs in two of their claims is folded once.
Cost     logarithmically many rounds and elements, see `check_bits`. Per product about 17 plain products and
         a fold of each side; of products of shared values, of each addend. Per gate 17 weighted sums and a
         fortieth of a product of elements; for bits a fifth of that.
         Soundness error at most (2 + 2 * variables) / 2^48 over Z_2^64 (2^-41 for 2^30 products), over bits
         2^-57.

Notation     here
  p, A, B    the prover, its `prev` (knows u and e_A), its `next` (knows v and e_B)
  alpha, beta  weights of rows of 2^t gates and of their columns
  h          [3^t] values of the sum over rows of the product of both extended sides, additive between A and B
  u*, v*     a row of random elements, which masks what is opened at the end; w* is its product
  c          what the products of all rows should sum to, additive between A and B
  S_0, S_1   seeds of the weights and of the first point, common to the three proofs of a check: the sum of
             coins of every pair of parties. p lacks those of A and B

Steps      1 p commits to w*.  2 A and B, which by now hold all that is claimed, each tell p half of what it
           lacks of S_0.  3 p sends h, B tells p what it lacks of S_1; plain values are folded at this point.
           4 p sends h again, B answers with a point r, which A and B have in common, both sides are folded
           at r; again until one row is left.  5 p sends A the digest of all challenges that it was given; A
           sends its own to B and opens its side; B compares, and checks the product.  6 everybody tells the
           others that all is well.
Why        p learns a challenge only when B has the message before it. Coins of A and B alone make S_0 and S_1
           uniform, whatever p's coins are; and p, which tells A and B parts of them too, must tell the truth,
           or their digests differ. Points are coins of A and B: B does not choose them, and if it tells p
           others, A sees it in p's digest and opens nothing. r and 1 - r are units, so u* masks all that is
           opened. What B receives from p is masked by coins of p and A. That the proofs have challenges in
           common changes none of this: only one prover deviates, and the masks of each are its own.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace

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
    Folded,
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
    for other in others:  # Step 6
        await ctx.send(other, octets(ACCEPTED))
    for other in others:
        if await _receive_bytes(ctx, other, len(ACCEPTED)) != ACCEPTED:
            raise CheatDetected("CHEAT-0001", f"party {other} does not say that it accepts", path=ctx.path)


def check_bits(name: str, gates: Gates[Values], matrices: Gates[Matrix]) -> int:
    """Bits that all parties send in `check`: for each prover w*, seeds, h, digests, what A opens."""
    extension, total = EXTENSIONS[name], 0
    for shape in prover_shapes(extension, gates, matrices):
        messages = shape.messages
        elements = 1 + sum(3**t for t in messages) + 2 + len(messages)
        total += 64 * elements * int(np.prod(extension.tail, dtype=np.int64))
        total += 8 * (SEED_BYTES * (3 + max(len(messages) - 2, 0)) + 2 * DIGEST_BYTES)
    return total


def check_rounds(name: str, gates: Gates[Values], matrices: Gates[Matrix]) -> int:
    return 2 + 2 * max(
        2, *(len(shape.messages) for shape in prover_shapes(EXTENSIONS[name], gates, matrices))
    )


def prover_shapes(extension: Extension, gates: Gates[Values], matrices: Gates[Matrix]) -> list[Shape]:
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
    shape, u, v = proved_sides(gates, matrices)
    after = watched_side(gates.after, matrices.after)
    before = watched_side(gates.before, matrices.before)
    scopes = [ctx.sub(f"prover{(me + i) % 3}") for i in range(3)]
    mine = _Prover(scopes[0], extension, shape, (u, v))
    prev = _Prev(scopes[1], extension, *after)
    next_ = _Next(scopes[2], extension, *before)
    coins = [ctx.common((me + 1) % 3), ctx.common((me + 2) % 3)]

    await mine.commit()
    parts = [pair.bytes(2 * SEED_BYTES) for pair in coins]  # Step 2
    await prev.tell(parts[1][:SEED_BYTES])
    await next_.take_commitment()
    await next_.tell(parts[0][SEED_BYTES:])
    seed = _sum([*parts, np.concatenate([await mine.told(by) for by in (mine.prev, mine.next_)])])
    roles: tuple[_Role, ...] = (mine, prev, next_)
    for role in roles:
        role.weigh(seed)

    await mine.send_first()  # Step 3
    await next_.take_first()
    parts = [pair.bytes(SEED_BYTES) for pair in coins]
    await next_.tell(parts[0])
    seed = _sum([*parts, await mine.told(mine.next_)])
    for role in roles:
        role.move_to_first_point(seed)
    rows = iter(first_rows(extension, [side for role in roles for side in role.waiting()]))
    for role in roles:
        role.start(rows)
    await gather(*(role.finish() for role in roles))


def _sum(parts: list[np.ndarray]) -> bytes:
    summed: bytes = np.bitwise_xor.reduce(parts).tobytes()
    return summed


EXTENSIONS: dict[str, Extension] = {extension.name: extension for extension in (GALOIS, BINARY)}


Masked = tuple[Side, bool, Elements]
"""A side, whether it is that of the factors u, and its mask."""


def with_lanes(shape: Shape, extension: Extension) -> Shape:
    return replace(shape, lanes=extension.lanes)


def _points(extension: Extension, seed: bytes, n: int) -> np.ndarray:
    return extension.points(Prg(derive(Secret(seed), "dzk point")), n)


def _digest(seeds: list[bytes]) -> bytes:
    return hashlib.blake2b(b"".join(seeds), digest_size=DIGEST_BYTES, person=b"tacit-dzk").digest()


async def _receive_bytes(ctx: Ctx, frm: int, n_bytes: int) -> bytes:
    received: bytes = (await ctx.recv(frm, Octets, shape=(n_bytes,))).array.tobytes()
    return received


# --- the parts that a party plays ------------------------------------------------------------------------


class _Role(ABC):
    """What all three have: the public shape, the challenges so far, sides that are folded."""

    def __init__(
        self, ctx: Ctx, extension: Extension, shape: Shape, prover: int, sides: list[Masked]
    ) -> None:
        self.ctx, self.extension, self.shape = ctx, extension, with_lanes(shape, extension)
        self.prover, self.prev, self.next_ = prover, (prover + 2) % 3, (prover + 1) % 3
        self.seeds: list[bytes] = []
        self.rows: list[Elements] = []
        self._sides = sides

    def weigh(self, seed: bytes) -> None:
        self.seeds.append(seed)
        self.weights = draw_weights(self.extension, self.shape, seed)
        if not self.shape.records:
            self.rows = first_rows(self.extension, self._folded(None))

    def move_to_first_point(self, seed: bytes) -> None:
        self.points = self.answer(seed, sum(self.shape.messages[:1]))

    def answer(self, seed: bytes, t: int) -> np.ndarray:
        """The point of a message."""
        self.seeds.append(seed)
        return _points(self.extension, seed, t)

    def waiting(self) -> list[Folded]:
        """Sides of plain values that are folded at the first point."""
        return self._folded(self.extension.corners(self.points)) if self.shape.records else []

    def start(self, folded: Iterator[Elements]) -> None:
        """With what my `waiting` sides have been folded to."""
        if self.shape.records:
            self.rows = [next(folded) for _ in self._sides]
        elif self.shape.messages:
            self.fold(self.points)

    def fold(self, points: np.ndarray) -> None:
        self.rows = [self.extension.fold_wide(rows, points) for rows in self.rows]

    @abstractmethod
    async def finish(self) -> None:
        """All that comes after the first point."""

    def _folded(self, corners: Elements | None) -> list[Folded]:
        return [
            Folded(self.shape, side, self.weights, corners, left, mask) for side, left, mask in self._sides
        ]


class _Prover(_Role):
    def __init__(self, ctx: Ctx, extension: Extension, shape: Shape, sides: tuple[Side, Side]) -> None:
        me, self._u, self._v = ctx.me, *sides
        self._coins = ctx.common((me + 2) % 3)
        u_mask, self._w_share = extension.random(self._coins, 1), extension.random(self._coins, 1)
        v_mask = extension.random(ctx.common((me + 1) % 3), 1)
        self._product = extension.mul(u_mask, v_mask)
        super().__init__(ctx, extension, shape, me, [(sides[0], True, u_mask), (sides[1], False, v_mask)])

    async def commit(self) -> None:  # Step 1
        await self.ctx.send(self.next_, Ring(self.extension.subtract(self._product, self._w_share)))

    async def told(self, by: int) -> np.ndarray:
        """What I lack of a seed, or half of it."""
        return (await self.ctx.recv(by, Octets, shape=(SEED_BYTES,))).array

    async def send_first(self) -> None:
        for t in self.shape.messages[:1]:
            if self.shape.records:
                u, v = self._u.records, self._v.records
                await self._send(self.extension.tensor(u, v, self.weights.alpha, t))
            else:
                await self._send(self.extension.tensor_wide(self.rows[0], self.rows[1], t))

    async def finish(self) -> None:
        messages = self.shape.messages
        for index, t in enumerate(messages[1:], 2):  # Step 4
            await self._send(self.extension.tensor_wide(self.rows[0], self.rows[1], t))
            if index < len(messages):
                self.fold(self.answer((await self.told(self.next_)).tobytes(), t))
        await self.ctx.send(self.prev, octets(_digest(self.seeds)))  # Step 5

    async def _send(self, h: Elements) -> None:
        masked = self.extension.subtract(h, self.extension.random(self._coins, len(h)))
        await self.ctx.send(self.next_, Ring(masked))


class _Verifier(_Role):
    """One side and its share of the claim, folded along with the prover."""

    claim: Elements

    def __init__(self, ctx: Ctx, extension: Extension, shape: Shape, prover: int, side: Masked) -> None:
        self._other = 3 - ctx.me - prover
        self._shared = ctx.common(self._other)
        self._side = side[0]
        self._zeros: list[Elements] = []
        self._first: Elements | None = None
        super().__init__(ctx, extension, shape, prover, [side])

    async def tell(self, part: np.ndarray) -> None:
        """The prover, what it lacks of a seed."""
        await self.ctx.send(self.prover, Octets(part))

    def weigh(self, seed: bytes) -> None:
        super().weigh(seed)
        self._rest, matrix_rest = weighted_rest(self.extension, self._side, self.shape, self.weights)
        self.claim = self.extension.subtract(self.claim, matrix_rest)

    def start(self, folded: Iterator[Elements]) -> None:
        super().start(folded)
        if self._first is not None:
            self._check(self._first, self.points, plain=bool(self.shape.records))

    def absorb(self, h: Elements, t: int) -> None:
        """My share of h. The claim is now its value at a point."""
        points = self.answer(self._shared.bytes(SEED_BYTES).tobytes(), t)
        self._check(h, points, plain=False)
        self.fold(points)

    def _check(self, h: Elements, points: np.ndarray, *, plain: bool) -> None:
        """h must agree with the claim so far."""
        extension = self.extension
        at_corners = _corner_values(h, len(points))
        value = extension.evaluate(h, points)
        if plain:
            columns = extension.weigh(at_corners, extension.widen(self.weights.beta))
            self._zeros.append(extension.add(columns, self._rest))
            self.claim = extension.add(self.claim, value)
        else:
            self._zeros.append(extension.subtract(extension.total(at_corners), self.claim))
            self.claim = value

    def _cheat(self, what: str) -> CheatDetected:
        return CheatDetected("CHEAT-0001", f"party {self.prover} {what} {self._other}", path=self.ctx.path)


class _Prev(_Verifier):
    """A, of the prover after me."""

    def __init__(self, ctx: Ctx, extension: Extension, shape: Shape, side: Side) -> None:
        prover = (ctx.me + 1) % 3
        self._coins = ctx.common(prover)
        u_mask, self.claim = extension.random(self._coins, 1), extension.random(self._coins, 1)
        super().__init__(ctx, extension, shape, prover, (side, True, u_mask))

    def weigh(self, seed: bytes) -> None:
        super().weigh(seed)
        for t in self.shape.messages[:1]:
            self._first = self.extension.random(self._coins, 3**t)

    async def finish(self) -> None:
        for t in self.shape.messages[1:]:  # Step 4
            self.absorb(self.extension.random(self._coins, 3**t), t)
        told = await _receive_bytes(self.ctx, self.prover, DIGEST_BYTES)  # Step 5
        known = 2 + max(len(self.shape.messages) - 2, 0)
        if told != _digest(self.seeds[:known]):
            raise self._cheat("was given other challenges than mine by party")
        await self.ctx.send(self._other, octets(_digest(self.seeds)))
        await self.ctx.send(self._other, Ring(np.concatenate([*self.rows, self.claim, *self._zeros])))


class _Next(_Verifier):
    """B, of the prover before me."""

    def __init__(self, ctx: Ctx, extension: Extension, shape: Shape, side: Side) -> None:
        prover = (ctx.me + 2) % 3
        v_mask = extension.random(ctx.common(prover), 1)
        super().__init__(ctx, extension, shape, prover, (side, False, v_mask))

    async def take_commitment(self) -> None:
        self.claim = (await self.ctx.recv(self.prover, Ring, shape=(1, *self.extension.tail))).array

    async def take_first(self) -> None:
        for t in self.shape.messages[:1]:
            self._first = await self._receive(t)

    async def finish(self) -> None:
        """Raises CheatDetected."""
        messages = self.shape.messages
        for index, t in enumerate(messages[1:], 2):  # Step 4
            h = await self._receive(t)
            self.absorb(h, t)
            if index < len(messages):
                await self.tell(np.frombuffer(self.seeds[-1], np.uint8))
        digest = await _receive_bytes(self.ctx, self._other, DIGEST_BYTES)  # Step 5
        shape = (2 + len(self._zeros), *self.extension.tail)
        opened = (await self.ctx.recv(self._other, Ring, shape=shape)).array
        if digest != _digest(self.seeds):
            raise self._cheat("told other challenges than mine to party")
        product = self.extension.mul(opened[:1], self.rows[0])
        wrong = self.extension.subtract(product, self.extension.add(opened[1:2], self.claim))
        zeros = self.extension.add(opened[2:], np.concatenate([*self._zeros])) if self._zeros else wrong
        if wrong.any() or zeros.any():
            raise self._cheat("sent a wrong product, or was accused of one by party")

    async def _receive(self, t: int) -> Elements:
        return (await self.ctx.recv(self.prover, Ring, shape=(3**t, *self.extension.tail))).array


def _corner_values(h: Elements, t: int) -> Elements:
    """The values at {0,1}^t among those at {0,1,inf}^t."""
    digits = np.arange(1 << t)[:, None] >> np.arange(t) & 1
    corners: Elements = h[digits @ 3 ** np.arange(t)]
    return corners
