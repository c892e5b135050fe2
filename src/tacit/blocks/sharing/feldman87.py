"""Sums by verifiable secret sharing: a wrong share is noticed, and enough right ones recover the sum.

Source   [Feldman87] "A practical scheme for non-interactive verifiable secret sharing", FOCS 1987;
         [Pedersen91] "Non-interactive and information-theoretic secure verifiable secret sharing",
         CRYPTO 1991, section 4.
Setting  malicious, n >= 3 parties, at most t < n/2 of them corrupted. A deviation in dealing ends the run
         before anything is revealed; one in revealing is named and does no harm.
Differs  the commitments are Pedersen's, a_k G + b_k H. Feldman's own, a_k G, give away what can be guessed:
         an account balance is found by trying all of them. There is no round of complaints: who is dealt a
         wrong share stops and names the dealer. All parties compare digests of the commitments, in place of a
         broadcast channel; a party sends its digests only when all its shares are right.
Cost     for N values, by each party: (n - 1) (32 N (t + 1) + 64 N) bytes to deal and 32 n (n - 1) of digests,
         64 N (n - 1) to reveal; 3 rounds. On one core 27 us a value and coefficient to deal, 8 to verify.

Notation     here
  f, g       polynomials of degree t of a value, f(0), and of its blinding
             party i of 0..n-1 holds f(i + 1), g(i + 1)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected, PeerError, TransportError, UsageError
from tacit.base.protocol import gather, protocol
from tacit.base.setting import Setting
from tacit.base.wire import Octets

MINORITY = Setting(
    parties=3,
    corrupted=1,
    adversary="malicious",
    security="computational",
    assumes=(
        "private channels",
        "discrete logarithms in ristretto255",
        "random oracle",
        "AES-128 as a pseudorandom function",
    ),
    among_more="fewer than half",
)
VALUE_BITS = 55
"""Values are below 2^55 in magnitude, so that the sum of up to 256 of them is a 64-bit integer."""

_POINT_BYTES = 32
_SHARE_BYTES = 64
_WEIGHT_BYTES = 16
_COIN_BYTES = 64


@dataclass(frozen=True, repr=False)
class VerifiableShare:
    """One party's share of N values and the commitments that all parties agree on.

    own: uint8[N, 64], f and g at this party. commitments: uint8[N * (t + 1), 32], by value.
    """

    threshold: int
    own: np.ndarray
    commitments: np.ndarray

    @property
    def n_values(self) -> int:
        return len(self.own)

    def __repr__(self) -> str:
        return f"VerifiableShare(n_values={self.n_values}, threshold={self.threshold}, ***)"


@dataclass(frozen=True)
class Opened:
    """int64[N], and the parties whose part in opening it was wrong or missing, with the error's code."""

    values: np.ndarray
    rejected: dict[int, str]


def most_corrupted(n_parties: int) -> int:
    """The largest threshold: how many corrupted parties can neither learn the values nor keep them back."""
    return (n_parties - 1) // 2


def _deal_bits(values: np.ndarray, threshold: int, n_parties: int) -> int:
    dealt = len(values) * (_POINT_BYTES * (threshold + 1) + _SHARE_BYTES)
    return 8 * n_parties * (n_parties - 1) * (dealt + 32 * n_parties)


@protocol(source="Feldman87; Pedersen91 §4", setting=MINORITY, rounds=2, bits=_deal_bits)
async def deal(ctx: Ctx, values: np.ndarray, threshold: int, n_parties: int) -> list[VerifiableShare]:
    """Every party shares its N integers, int64[N]; my verified shares of each party's, in party order.

    Raises: UsageError VSS-0005 for a bad threshold, VALUE-0001 for values of 2^55 or more; CheatDetected
    VSS-0001 naming a dealer whose share is wrong, VSS-0002 naming who tells different commitments.
    """
    values = _checked(values, threshold, n_parties)
    others = [i for i in range(n_parties) if i != ctx.me]
    # Step 1: commitments to all, to each its share.
    coins = ctx.private().bytes(len(values) * (2 * threshold + 1) * _COIN_BYTES)
    commitments, shares = _kernel.vss_deal(values, coins, threshold, n_parties)
    by_party = shares.reshape(n_parties, len(values), _SHARE_BYTES)
    for other in others:
        await ctx.send(other, Octets(np.concatenate([commitments.reshape(-1), by_party[other].reshape(-1)])))
    # Step 2: whatever comes is checked before it is used.
    dealt = [VerifiableShare(threshold, by_party[ctx.me], commitments) for _ in range(n_parties)]
    for other in others:
        dealt[other] = await _receive(ctx, other, len(values), threshold)
    # Step 3: all have been told the same.
    await _compare(ctx, dealt)
    return dealt


def _checked(values: np.ndarray, threshold: int, n_parties: int) -> np.ndarray:
    if not 1 <= threshold <= most_corrupted(n_parties) or n_parties > 256:
        raise UsageError(
            "VSS-0005",
            f"a threshold of {threshold} is not possible among {n_parties} parties",
            hint="from 1 to fewer than half of at most 256 parties",
        )
    whole = np.ascontiguousarray(values, dtype=np.int64)
    if whole.size and not -(1 << VALUE_BITS) < int(whole.min()) <= int(whole.max()) < 1 << VALUE_BITS:
        raise UsageError(
            "VALUE-0001", f"an integer is not below 2^{VALUE_BITS} in magnitude", hint="rescale the column"
        )
    return whole


async def _receive(ctx: Ctx, dealer: int, n_values: int, threshold: int) -> VerifiableShare:
    n_commitments = n_values * (threshold + 1)
    size = n_commitments * _POINT_BYTES + n_values * _SHARE_BYTES
    raw = (await ctx.recv(dealer, Octets, shape=(size,))).array
    cut = n_commitments * _POINT_BYTES
    share = VerifiableShare(
        threshold, raw[cut:].reshape(n_values, _SHARE_BYTES), raw[:cut].reshape(n_commitments, _POINT_BYTES)
    )
    if not _which_are_right(ctx, [ctx.me], [share.own], share)[0]:
        raise CheatDetected(
            "VSS-0001",
            f"party {dealer} dealt a share that does not fit its commitments",
            hint="the run ended before anything was revealed; do not run it again with this party",
        )
    return share


def _which_are_right(
    ctx: Ctx, parties: Sequence[int], shares: Sequence[np.ndarray], agreed: VerifiableShare
) -> list[bool]:
    """Which of these are the parties' shares; under commitments that are no points, none."""
    weights = ctx.private().bytes(agreed.n_values * _WEIGHT_BYTES)
    indices, stacked = [party + 1 for party in parties], np.concatenate(shares)
    try:
        return _kernel.vss_verify(indices, stacked, agreed.commitments, agreed.threshold, weights)
    except _kernel.KernelError as error:
        if error.kind == "malformed":
            return [False] * len(indices)
        raise


async def _compare(ctx: Ctx, dealt: Sequence[VerifiableShare]) -> None:
    mine = np.stack([_digest(share.commitments) for share in dealt])
    others = [i for i in range(len(dealt)) if i != ctx.me]
    for other in others:
        await ctx.send(other, Octets(mine))
    for other in others:
        theirs = (await ctx.recv(other, Octets, shape=mine.shape)).array
        for dealer in np.flatnonzero((mine != theirs).any(axis=1)):
            who = f"party {other}" if dealer in (other, ctx.me) else f"party {dealer} or party {other}"
            raise CheatDetected(
                "VSS-0002",
                f"{who} does not tell everybody the same commitments",
                hint="the run ended before anything was revealed; compare the parties' logs",
            )


def _digest(commitments: np.ndarray) -> np.ndarray:
    state = hashlib.blake2b(commitments.tobytes(), digest_size=32, person=b"tacit-vss-v1")
    return np.frombuffer(state.digest(), np.uint8)


def add(shares: Sequence[VerifiableShare]) -> VerifiableShare:
    """The share of the sums, with commitments to them; local."""
    own = _kernel.vss_add_shares(np.concatenate([share.own for share in shares]), len(shares))
    stacked = np.concatenate([share.commitments for share in shares])
    return VerifiableShare(shares[0].threshold, own, _kernel.vss_add_commitments(stacked, len(shares)))


@protocol(
    source="Pedersen91 §4",
    setting=MINORITY,
    rounds=1,
    bits=lambda x, n_parties: 8 * n_parties * (n_parties - 1) * x.n_values * _SHARE_BYTES,
    leaks=("the revealed values",),
)
async def reveal(ctx: Ctx, x: VerifiableShare, n_parties: int) -> Opened:
    """The values, to all, from any t + 1 right shares; who sends a wrong one or none is left out and named.

    Raises: CheatDetected VSS-0003 if fewer are right, VSS-0004 if a value is no 64-bit integer.
    """
    others = [i for i in range(n_parties) if i != ctx.me]

    async def swap(other: int) -> np.ndarray | str:
        try:
            await ctx.send(other, Octets(x.own))
            theirs = (await ctx.recv(other, Octets, shape=x.own.shape)).array
        except (PeerError, TransportError) as error:
            return error.code
        return theirs

    answers = dict(zip(others, await gather(*map(swap, others)), strict=True))
    came = {other: answer for other, answer in answers.items() if not isinstance(answer, str)}
    verdicts = _which_are_right(ctx, list(came), list(came.values()), x) if came else []
    right = {ctx.me: x.own} | {i: came[i] for i, fine in zip(came, verdicts, strict=True) if fine}
    rejected = {i: a if isinstance(a, str) else "VSS-0001" for i, a in answers.items() if i not in right}
    if len(right) <= x.threshold:
        named = ", ".join(f"party {party} ({code})" for party, code in rejected.items())
        raise CheatDetected(
            "VSS-0003",
            f"only {len(right)} right shares where {x.threshold + 1} are needed: {named}",
            hint="more parties deviate or are missing than the threshold allows",
        )
    enough = sorted(right)[: x.threshold + 1]
    stacked = np.concatenate([right[party] for party in enough])
    try:
        values = _kernel.vss_recover([party + 1 for party in enough], stacked)
    except _kernel.KernelError:
        raise CheatDetected(
            "VSS-0004",
            "a revealed value is no 64-bit integer: some party shared a number out of range",
            hint="which one cannot be told without opening its input; ask all of them",
        ) from None
    return Opened(values, rejected)


@protocol(
    source="Feldman87; Pedersen91 §4",
    setting=MINORITY,
    rounds=3,
    bits=lambda values, threshold, n_parties: (
        _deal_bits(values, threshold, n_parties)
        + 8 * n_parties * (n_parties - 1) * len(values) * _SHARE_BYTES
    ),
    leaks=("the sums",),
)
async def total(ctx: Ctx, values: np.ndarray, threshold: int, n_parties: int) -> Opened:
    """The sums of all parties' int64[N], to all. Raises what `deal` and `reveal` raise."""
    return await reveal(ctx, add(await deal(ctx, values, threshold, n_parties)), n_parties)
