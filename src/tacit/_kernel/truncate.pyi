"""The local steps of truncation among three parties."""

from tacit._kernel import U8, U64, Bytes

def trunc_helper(
    bits: int,
    first: U64,
    second: U64 | None,
    keys: tuple[Bytes, Bytes],
    blocks: tuple[int, int],
    ring_bits: int = 64,
) -> tuple[U64, U64]:
    """The helper's local step of a truncation by `bits` (see `mpc/rep3/truncate.py`), n elements.

    `first`, `second`: the helper's addends, or its addend of a product and None. `keys`, `blocks`: where the
    coins common with parties 0 and 1 go on: those of a product's blinds, the masks, z_0 (with party 0).
    Returns (z_2 and the planes of D - d_0, `uint64[n + bits * ceil(n/64)]`; z_0 and, without a product, the
    planes of D - d_1).
    """

def trunc_evaluator(
    bits: int,
    own: U64,
    received: U64 | None,
    given: U64 | None,
    key: Bytes,
    block: int,
    ring_bits: int = 64,
) -> tuple[U64, U64]:
    """An evaluator's local step: (its part of the result `uint64[n]`, planes of V d + m to be sent).

    `own`: c; or, with `received`, the blinded addends of a product of which it is the sum, and `given` the
    planes of D - d_0 that party 1 has from the helper. `key`, `block`: where the masks begin.
    """

def trunc_finish(
    bits: int,
    part: U64,
    received: U64,
    c: U64 | None = None,
    given: U64 | None = None,
    ring_bits: int = 64,
) -> None:
    """Takes V D off `part`, in place: `received` are the other evaluator's planes; `given`, after a
    truncation without a product, the helper's planes, and `c` the evaluator's side of the sharing.
    """

def trunc_carried(
    bits: int, one: int, x: U64, product: U64, both: U64, k: U8, w: U8, t: U8
) -> tuple[U64, U64]:
    """One part of a truncation whose carries are shared (see `mpc/rep3_malicious/truncate.py`): those of
    q + k - N (w + t) and of N (t - 1), `uint64[n]`. `x`: the part's addend; `k, w, t`: parts of bits, bytes
    0 and 1; `product`, `both`: parts of what was dealt for k and w, and for t. `one`: 1 in the part that has
    the constant.
    """
