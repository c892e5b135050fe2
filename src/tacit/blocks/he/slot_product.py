"""Element-wise products of private numbers by RLWE with packed slots.

Source   [BFV] eprint 2012/144, without products of ciphertexts; slots: [SV11] Smart, Vercauteren, "Fully
         homomorphic SIMD operations" (eprint 2011/133), over three primes.
Setting  semi-honest. RLWE of degree 8192, ternary secrets, modulus of 180 bits.
Differs  both crossed terms of x y go in one exchange. Each party has a key; its public key is an encryption
         of zero with which the other one re-randomises its answers; they are flooded, then rounded. The
         product T of the primes is 1 modulo 2^64: shares modulo T, taken modulo 2^64, add up to z + w with w
         in {0, 1}, and w is the OR of one bit ("top") of each party. The kernel's module `rlwe::slots` has
         the proofs.
Cost     for every 8192 sums begun: 553 KB per term from the key owner, 344 KB back, 16 bytes a message. 177
         bytes per sum of two products, 109 per product; by OTs 1 100 and 550.

Notation     here
  x_k, y_k   `factors` of the key owner and of the other party
  z          sum of products x_k y_k, k < terms <= 2
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import LimitError
from tacit.base.prg import SEED_BYTES
from tacit.base.protocol import protocol
from tacit.base.wire import Octets, octets, peer_bytes
from tacit.blocks.he.functionality import TWO_PARTY_RLWE, SlotLink

MODULUS_BITS = 180
SLOTS = 8192
JOB_OUTPUTS = 1 << 33
"""Masked coefficients that one session may send, three per product: flooding is sized for them."""
_MULTIPLY_SEED_BYTES = 16


class RlweSlotLink(SlotLink):
    """My key, the peer's public key, and how many outputs this session may still mask."""

    slots = SLOTS

    def __init__(self, key: _kernel.RlweKey, theirs: _kernel.RlwePublicKey) -> None:
        self.key = key
        self.theirs = theirs
        self._outputs_left = JOB_OUTPUTS

    def spend(self, outputs: int) -> None:
        """Count outputs against the session's flooding. Raises LimitError RLWE-0001."""
        if outputs > self._outputs_left:
            raise LimitError(
                "RLWE-0001",
                f"more than {JOB_OUTPUTS} outputs of private products in one session",
                hint="split the job, or use another source of products",
            )
        self._outputs_left -= outputs

    def product_bits(self, products: int, terms: int) -> int:
        return sum(message_bits(products, terms))

    async def product(self, ctx: Ctx, owner: int, factors: np.ndarray, *, tops: bool) -> np.ndarray:
        return await product(ctx, self, owner, factors, tops)


def message_bits(products: int, terms: int) -> tuple[int, int]:
    """Bits that the key owner sends for sums of `terms` products, and bits that the other party answers."""
    fresh, answer, _ = _kernel.rlwe_slots_size(products, terms)
    return 8 * fresh, 8 * answer


@protocol(
    source="BFV §4, keys",
    setting=TWO_PARTY_RLWE,
    rounds=1,
    bits=lambda: 2 * 8 * _kernel.rlwe_public_key_size(MODULUS_BITS),
)
async def open_link(ctx: Ctx) -> RlweSlotLink:
    """Keys in both directions; once per session."""
    require_two(ctx)
    seed = ctx.private().bytes(SEED_BYTES).tobytes()
    key, public = _kernel.RlweKey.generate(seed, MODULUS_BITS)
    message = octets(public)
    answer = await ctx.exchange(ctx.peer, ctx.peer, message, shape=message.array.shape)
    with peer_bytes():
        theirs = _kernel.RlwePublicKey.decode(answer.array, MODULUS_BITS)
    return RlweSlotLink(key, theirs)


@protocol(
    source="SV11 §3; BFV §4",
    setting=TWO_PARTY_RLWE,
    rounds=2,
    bits=lambda link, owner, factors, tops: link.product_bits(factors.shape[1], factors.shape[0]),
)
async def product(ctx: Ctx, link: RlweSlotLink, owner: int, factors: np.ndarray, tops: bool) -> np.ndarray:
    """Shares uint64[1 or 2, n] of sums of products; see `SlotLink.product`. Raises LimitError RLWE-0001."""
    terms, n = factors.shape
    fresh, answer, outputs = _kernel.rlwe_slots_size(n, terms)
    link.spend(outputs)
    coins = ctx.private()
    if ctx.me == owner:
        # Step 1: encrypt x.
        await ctx.send(ctx.peer, Octets(link.key.encrypt_slots(coins.bytes(SEED_BYTES), factors)))
        message = (await ctx.recv(ctx.peer, Octets, shape=(answer,))).array
        with peer_bytes():
            return link.key.decrypt_slots(message, n, tops)  # Steps 3 and 4
    message = (await ctx.recv(ctx.peer, Octets, shape=(fresh,))).array
    with peer_bytes():
        # Step 2: multiply, re-randomise, mask, flood, round.
        seed = coins.bytes(_MULTIPLY_SEED_BYTES)
        back, share = link.theirs.multiply_slots(message, seed, factors, tops)
    await ctx.send(ctx.peer, Octets(back))
    return share
