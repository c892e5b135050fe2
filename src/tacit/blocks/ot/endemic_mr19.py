"""Base OTs: 128 random OTs in each direction, in one round.

Source   [MR19] Masny, Rindal: "Endemic Oblivious Transfer", CCS 2019 (eprint 2019/706), Figure 8,
         instantiated with Diffie-Hellman over ristretto255.
Setting  malicious, in the random-oracle model.
Differs  the sender's message does not depend on the receiver's, so both directions take one round; the
         sender draws a fresh exponent for every OT.
Cost     per OT and direction: 64 bytes from the receiver, 32 from the sender; 1 fixed-base and 2
         variable-base multiplications for the sender, 2 and 1 for the receiver; floor about 0.1 ms.

Notation      paper               here
  (r_0, r_1)  receiver's points   `points`
  M_B         sender's message    `exponentials`
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.prg import SEED_BYTES, label16
from tacit.base.protocol import protocol
from tacit.base.wire import octets, peer_bytes
from tacit.blocks.settings import TWO_PARTY_OT_MALICIOUS

_SENDER_BYTES = 32
_RECEIVER_BYTES = 64


@protocol(
    source="MR19 Figure 8",
    setting=TWO_PARTY_OT_MALICIOUS,
    rounds=1,
    bits=lambda choices: 2 * 8 * (_SENDER_BYTES + _RECEIVER_BYTES) * len(choices),
)
async def base_ots(ctx: Ctx, choices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """n random OTs in each direction; `choices` uint8[n] of 0 and 1 are mine as the receiver.

    Returns (pairs uint8[n, 2, 16] that I send, chosen uint8[n, 16] that I receive).
    """
    n = len(choices)
    coins = ctx.private()
    sender, exponentials = _kernel.EndemicSender.start(
        coins.bytes(SEED_BYTES).tobytes(), _sid(ctx.me, ctx), n
    )
    receiver, points = _kernel.EndemicReceiver.start(
        coins.bytes(SEED_BYTES).tobytes(), _sid(ctx.peer, ctx), choices
    )
    message = octets(exponentials + points)
    answer = await ctx.exchange(ctx.peer, ctx.peer, message, shape=((_SENDER_BYTES + _RECEIVER_BYTES) * n,))
    raw = answer.array.tobytes()
    with peer_bytes():
        pairs = sender.finish(raw[_SENDER_BYTES * n :])
        chosen = receiver.finish(raw[: _SENDER_BYTES * n])
    return pairs, chosen


def _sid(sender: int, ctx: Ctx) -> bytes:
    return label16("endemic", ctx.path, str(sender))
