"""The two-sided view of a replicated value that truncation, comparison and conversions work on.

Source   [ABY3] Mohassel, Rindal, CCS 2018 (eprint 2018/403), section 5.4 (three-party OT: sender, receiver,
         helper); the product below is that OT for a multiplier instead of a choice bit.
Setting  semi-honest, three parties of which one may be corrupted.
Differs  the roles follow from who holds what: the evaluators 0 and 1 both know x_1, the helper 2 knows
         x_2 + x_0. So every value is already "opened under a mask that one party knows": x = c + s with
         c = x_1 and s = x_2 + x_0, and nothing has to be sent to get there.

Notation     here
  c, s       the evaluators' side `open_side`, the helper's side `helper_side`
  z_0, z_2   addends of a result that the helper holds together with evaluator 0, evaluator 1; z_1: they two
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.wire import Ring
from tacit.mpc.rep3.share import Rep3Share

HELPER = 2


def open_side(ctx: Ctx, x: Rep3Share) -> np.ndarray:
    """c, at an evaluator, flat."""
    return np.ascontiguousarray(x.second if ctx.me == 0 else x.first).reshape(-1)


def helper_side(x: Rep3Share) -> np.ndarray:
    """s, at the helper, flat."""
    both = x.first ^ x.second if x.boolean else x.first + x.second
    return np.ascontiguousarray(both).reshape(-1)


async def swap(ctx: Ctx, words: np.ndarray) -> np.ndarray:
    """What the other evaluator sends in the same step."""
    other = 1 - ctx.me
    return (await ctx.exchange(other, other, Ring(words), shape=words.shape)).array
