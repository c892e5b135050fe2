"""The pure kernels, in Rust: bytes and arrays in, bytes and arrays out.

Arrays are C-contiguous. `Bytes` is anything with a buffer of bytes; `bytes` and `ndarray[uint8]` are not
copied. The GIL is released around every call but a short `prg_fill`. Nothing here reads a clock, the system
or a source of randomness: seeds are arguments, secret, and used once. Every error of the kernel is a
`KernelError`; an argument of the wrong type, dtype, dimension or memory layout is a `TypeError` (a
negative or too large int an `OverflowError`).

One module at run time; the files beside this one only divide its description.
"""

from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from tacit._kernel.curves import *  # noqa: F403
from tacit._kernel.garble import *  # noqa: F403
from tacit._kernel.oprf import *  # noqa: F403
from tacit._kernel.products import *  # noqa: F403
from tacit._kernel.psi import *  # noqa: F403
from tacit._kernel.truncate import *  # noqa: F403

Bytes: TypeAlias = bytes | bytearray | memoryview | NDArray[np.uint8]
U8: TypeAlias = NDArray[np.uint8]
U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]

class KernelError(Exception):
    """An error of the kernel; the message names arguments and shapes, never values.

    `kind`: "malformed" (bytes of the peer), "mismatch" (arguments that do not fit each other), "abort" (a
    step run twice), "range" (an argument out of its range), "cheat" (a failed check).
    """

    kind: Literal["malformed", "mismatch", "abort", "range", "cheat"]
    message: str
    def __init__(self, kind: str, message: str) -> None: ...

def prg_fill(key: Bytes, start_block: int, n_bytes: int) -> U8:
    """AES-128-CTR key stream of a 16-byte key from 16-byte block `start_block` (below 2^128) on."""

def prg_add(key: Bytes, start_block: int, x: U64) -> None:
    """Adds the words (little-endian) of that stream to `x: uint64[n]`, in place."""

def prg_subtract(key: Bytes, start_block: int, x: U64) -> None:
    """Subtracts them, in place."""

def ring_matmul(a: U64, b: U64) -> U64:
    """`a @ b` modulo 2^64: `a: uint64[m, k]`, `b: uint64[k, n]`, result `uint64[m, n]`."""

def wide_elementwise(operation: str, a: U64, b: U64) -> U64:
    """`a` and `b` modulo 2^128 element by element, all `uint64[n, 2]` with the low limb first.

    `operation`: "add", "subtract" or "multiply".
    """

def wide_matmul(a: U64, b: U64) -> U64:
    """`a @ b` modulo 2^128: `a: uint64[m, k, 2]`, `b: uint64[k, n, 2]`, result `uint64[m, n, 2]`."""

def bits_to_planes(x: U64, width: int) -> U64:
    """Bit planes of `x: uint64[n]`: `uint64[width, ceil(n/64)]`, width 1..64.

    Bit i of word w of plane j is bit j of `x[64w + i]`; unused tail bits are zero, bits of `x` from
    `width` on are dropped.
    """

def planes_to_bits(planes: U64, n: int) -> U64:
    """Inverse of `bits_to_planes`: `uint64[n]` from `uint64[width, ceil(n/64)]`; tail bits are ignored."""

def gr_mul(x: U64, y: U64) -> U64:
    """Products `uint64[n, 48]` of elements of GR(2^64, 48) = Z_2^64[X]/(X^48 + X^5 + X^3 + X^2 + 1).

    An element is `uint64[48]`, the constant first. A challenge is a word whose bit i < 48 is coefficient i.
    """

def gr_combine(x: list[U64], columns: int, alpha: list[U64]) -> U64:
    """`sum_l alpha[l] · x[l, k]`, `uint64[columns, 48]`, for plain values in rows of `columns`.

    Every segment `x[i]: uint64[n]` is filled up with zeros to whole rows; `alpha[i]` has a challenge for
    each of them. "range" for a challenge above 48 bits.
    """

def gr_fold(x: U64 | tuple[U8, int], weights: U64, alpha: U64 | None, out: U64) -> None:
    """`out[l] = alpha[l] · sum_j weights[j] · x[l·J + j]`, `uint64[L, 48]`, for plain values in rows of J.

    `weights: uint64[J, 48]`; x is flat, the last row filled up with zeros, or (bits, scale): bytes 0 and 1, a
    1 stands for `scale`. Without `alpha` nothing is scaled. "range" for other bytes.
    """

def gr_evaluate(values: U64, r: U64) -> U64:
    """The value `uint64[1, 48]` at the point of the t challenges `r` of a function quadratic in each
    variable, from its values `uint64[3^t, 48]` at {0,1,inf}^t."""

def gr_fold_wide(x: U64, r: U64) -> U64:
    """Rows of 2^t elements of `x: uint64[n, 48]` at the point of the t challenges `r`, as functions linear in
    each variable: `uint64[ceil(n / 2^t), 48]`, the last row filled up with zeros."""

def gr_tensor(
    u: list[list[U64 | tuple[U8, int]]], v: list[list[U64 | tuple[U8, int]]], alpha: list[U64], t: int
) -> U64:
    """`sum_l alpha[l] · û[l, c] · v̂[l, c]`, `uint64[3^t, 48]`: plain `u, v` in rows of 2^t (bit i of the
    index is variable i), each a function on {0,1}^t, extended to {0,1,∞}^t (∞: the value at 1 less that at
    0); digit i of c in base 3 is variable i, 2 is ∞. Segments as in `gr_fold`; those of one record,
    `u[i]`, `v[i]`, have the challenges `alpha[i]`. t in 0..7.
    """

def gr_tensor_wide(x: U64, y: U64, t: int) -> U64:
    """As `gr_tensor` for elements `x, y: uint64[n, 48]`, with weights 1."""

def gf_mul(x: U64, y: U64) -> U64:
    """Products `uint64[n]` in GF(2)[X]/(X^64 + X^4 + X^3 + X + 1), bit i the coefficient of X^i."""

def gf_combine(x: list[U64], columns: int, alpha: list[U64]) -> U64:
    """`sum_l alpha[l] · x[l, k]`, `uint64[columns]`, words as elements; segments as in `gr_combine`."""

def gf_fold(x: U64, weights: U64, alpha: U64 | None, out: U64) -> None:
    """`out[64l + b] = alpha[l] · X^b · sum_j weights[j] · (bit b of x[l·J + j])`, as `gr_fold`; without
    `alpha`, no weights `alpha[l] · X^b`. `out: uint64[64·L]`."""

def gf_evaluate(values: U64, r: U64) -> U64:
    """As `gr_evaluate` for elements `values: uint64[3^t]`: `uint64[1]`."""

def gf_fold_wide(x: U64, r: U64) -> U64:
    """As `gr_fold_wide` for elements `x: uint64[n]`."""

def gf_tensor(u: list[U64], v: list[U64], alpha: list[U64], t: int) -> U64:
    """As `gr_tensor` for words of bits, with AND for the product, xor for the difference: `uint64[3^t]`.
    Every segment has challenges of its own."""

def gf_tensor_wide(x: U64, y: U64, t: int) -> U64:
    """As `gf_tensor` for elements, with their product and weights 1."""

def fss_key_size(kind: Literal["dpf", "dcf"], n: int, bits: Literal[1, 64]) -> int:
    """Bytes of a key to a function on n bits (1..64) with outputs in Z_2 or Z_2^64.

    "dpf": beta at x = alpha and 0 elsewhere (BGI16); "dcf": beta at x < alpha (Boyle et al. 2021).
    """

def fss_generate(
    kind: Literal["dpf", "dcf"],
    n: int,
    bits: Literal[1, 64],
    label: Bytes,
    seed: Bytes,
    alphas: U64,
    betas: U64,
) -> tuple[U8, U8]:
    """Keys of party 0 and of party 1, `uint8[N, key_size]`, for `betas[i]` and `alphas[i]`, `uint64[N]` each.

    `seed`: 16 bytes, fresh and secret; `label`: 16 bytes, public, new for every call, same at evaluation.
    """

def fss_evaluate(
    kind: Literal["dpf", "dcf"],
    n: int,
    bits: Literal[1, 64],
    party: int,
    label: Bytes,
    keys: Bytes,
    points: U64,
) -> U64:
    """Shares of values, `uint64[N·m]`: m points for each of the N keys, key by key.

    The parties' shares add up modulo 2^bits. "malformed" unless every key is canonical.
    """

def fss_evaluate_all(
    kind: Literal["dpf", "dcf"], n: int, bits: Literal[1, 64], party: int, label: Bytes, key: Bytes
) -> U64:
    """Shares of all values of one key, n ≤ 30: `uint64[2^n]`.

    Those of a "dpf" with bits = 1 are packed, bit i of word w for the point 64w + i.
    """

@final
class EndemicSender:
    """Base OT (Masny–Rindal 2019) over ristretto255, party that gets both keys; one simultaneous round."""

    @staticmethod
    def start(seed: Bytes, sid: Bytes, n: int) -> tuple[EndemicSender, bytes]:
        """State and message of 32·n bytes. `seed`: 32 bytes; `sid`: same on both sides; n ≤ 2^20."""

    def finish(self, msg: Bytes) -> U8:
        """Both keys, `uint8[n, 2, 16]`, from the receiver's 64·n bytes. A second call is an "abort"."""

@final
class EndemicReceiver:
    """Base OT (Masny–Rindal 2019) over ristretto255, party that gets the key of its choice."""

    @staticmethod
    def start(seed: Bytes, sid: Bytes, choices: U8) -> tuple[EndemicReceiver, bytes]:
        """State and message of 64·n bytes. `seed`: 32 bytes; `choices: uint8[n]`, each 0 or 1; n ≤ 2^20."""

    def finish(self, msg: Bytes) -> U8:
        """The chosen keys, `uint8[n, 16]`, from the sender's 32·n bytes. A second call is an "abort"."""

def softspoken_message_size(k: int, n: int) -> int:
    """Bytes of the message `U` for n OTs: `(128/k)·ceil(n/8)`; k in 1, 2, 4, 8; n ≤ 2^40."""

def softspoken_checked_sizes(k: int, n: int) -> tuple[int, int]:
    """(OTs of the extension under a checked call of n, bytes of a tree check)."""

@final
class SoftSpokenPending:
    """A checked call between its message and its answer."""

    def answer(self, seed: Bytes) -> bytes:
        """48 bytes for the sender's challenge of 16. A second call is an "abort"."""

@final
class SoftSpokenReceiver:
    """OT extension (Roy 2022), holder of the choice bits; was the *sender* of the base OTs."""

    @staticmethod
    def start(k: int, base: U8, seed: Bytes) -> tuple[SoftSpokenReceiver, bytes]:
        """State and tree corrections (4096 bytes). `base: uint8[128, 2, 16]`; `seed`: 16 bytes."""

    def extend(self, label: Bytes, choices: Bytes, n: int) -> tuple[bytes, U8]:
        """n OTs: message `U` of `softspoken_message_size(k, n)` bytes and rows `t: uint8[n, 16]`.

        `label`: 16 bytes, same on both sides, once per state ("range" on reuse; labels with the same first 94
        bits are the same); calls need no common order.
        `choices`: ceil(n/8) bytes, bit i in bit i % 8 of byte i // 8; bits beyond n are ignored.
        U is, for each of the 128/k trees, ceil(n/8) bytes with a zero tail.
        """

    def prove_trees(self) -> bytes:
        """The tree check, to be sent after the corrections; needed against deviating receivers."""

    def extend_checked(
        self, label: Bytes, choices: Bytes, n: int, mask: Bytes
    ) -> tuple[bytes, U8, SoftSpokenPending]:
        """As `extend`, with `U` for more OTs (`softspoken_checked_sizes`). `mask`: 16 bytes, fresh."""

@final
class SoftSpokenSender:
    """OT extension (Roy 2022), holder of delta; was the *receiver* of the base OTs."""

    @staticmethod
    def start(k: int, delta_choices: U8, base: U8, msg: Bytes) -> SoftSpokenSender:
        """From the base OT choices `delta_choices: uint8[128]`, `base: uint8[128, 16]`, the corrections."""

    @property
    def delta(self) -> bytes:
        """16 bytes; bit i (bit i % 8 of byte i // 8) is `delta_choices[i]`."""

    def extend(self, label: Bytes, n: int, msg: Bytes) -> U8:
        """Rows `q: uint8[n, 16]` from the message `U`: `q[i] = t[i] xor choice[i]·delta`.

        "malformed" for a wrong size or a dirty tail (the label is then still free); "range" on reuse.
        """

    def verify_trees(self, msg: Bytes) -> None:
        """Checks the receiver's trees: "malformed" for a wrong size, "cheat" if they are inconsistent."""

    def extend_checked(self, label: Bytes, n: int, msg: Bytes, seed: Bytes, answer: Bytes) -> U8:
        """As `extend`, with the answer to `seed`, drawn after `msg` had come; "cheat" if it is wrong."""

def silent_cot_base_ots(n: int) -> int:
    """Base OTs for n ≤ 2^17 silent OTs: 128·log2(N/64) for the power of two N ≥ max(n, 2^12)."""

def silent_cot_send(
    label: Bytes, delta: Bytes, seed: Bytes, base: U8, n: int, flips: Bytes | None
) -> tuple[bytes, U8]:
    """Silent OT (Boyle et al. 2019 over ExConv7x24), holder of delta: message (16 bytes a base OT), rows `q`.

    `base: uint8[base_ots, 16]` are the rows of the base OTs, made with the same delta. `flips`: ceil(n/8)
    bytes, the wanted choice bits xor the receiver's `choices`, None to leave those; "malformed" for another
    size or a dirty tail.
    """

@final
class SilentCotReceiver:
    """Silent OT, holder of the choice bits."""

    @staticmethod
    def start(n: int, label: Bytes, seed: Bytes) -> tuple[SilentCotReceiver, bytes]:
        """State and packed choices of its base OTs. `label`, `seed`: 16 bytes; the seed fresh and secret."""

    @property
    def choices(self) -> bytes:
        """Pseudorandom choice bits, ceil(n/8) bytes with a zero tail."""

    def finish(self, base: U8, msg: Bytes) -> U8:
        """Rows `t: uint8[n, 16]` from rows of the base OTs and the sender's message. Twice is an "abort"."""

def silent_vole_base_ots(n: int, bits: int = 128) -> int:
    """Base OTs for n ≤ 2^17 silent VOLEs with multipliers of 64 or 128 bits: 128·(log2(N/64) + bits)."""

def silent_vole_message_size(n: int) -> int:
    """Bytes of the VOLE sender's message."""

def silent_vole_send(
    label: Bytes, delta: Bytes, seed: Bytes, base: U8, n: int, bits: int = 128
) -> tuple[bytes, U8]:
    """Silent VOLE over GF(2^128), or of 64 bits over pairs of GF(2^64), holder of delta: message and
    `q: uint8[n, 16]`."""

@final
class SilentVoleReceiver:
    """Silent VOLE, holder of the multipliers."""

    @staticmethod
    def start(n: int, label: Bytes, seed: Bytes, bits: int = 128) -> tuple[SilentVoleReceiver, bytes]:
        """State and packed choices of its base OTs. `label`, `seed`: 16 bytes; the seed fresh and secret."""

    def finish(self, base: U8, msg: Bytes) -> tuple[U8, U8]:
        """`u: uint8[n, bits / 8]` and `t: uint8[n, 16]` with `q[i] = t[i] xor u[i]·delta`.

        Twice is an "abort".
        """

def silent_challenge(seed: Bytes, u: U8, t: U8, mask: Bytes, mask_rows: U8) -> tuple[bytes, bytes]:
    """Consistency check (Ferret, Figure 6) of VOLEs `u, t: uint8[n, 16]`: value to open and digest to expect.

    `seed`: 16 bytes, drawn after the sender's message had come; `mask`: 16 bytes, the choices of `mask_rows`.
    """

def silent_answer(seed: Bytes, opened: Bytes, delta: Bytes, q: U8, mask_rows: U8) -> bytes:
    """The sender's digest, 32 bytes."""

def gf128_mul(x: U8, c: Bytes) -> U8:
    """`x[i]·c` in GF(2)[X]/(X^128 + X^7 + X^2 + X + 1), `uint8[n, 16]`; bit i is the coefficient of X^i."""

def rlwe_public_key_size(modulus_bits: int) -> int:
    """Bytes of an encoded public key; `modulus_bits` is 180, 200 or 215 ("range" otherwise)."""

def rlwe_slots_size(products: int, terms: int) -> tuple[int, int, int]:
    """For sums of `terms` (1 or 2) products in slots: bytes of the key owner's message, bytes of the answer,
    masked coefficients. Full in steps of 8192; products 1..2^24, "range" otherwise."""

@final
class RlweLayout:
    """How X @ W, `X: [m, d]` signed and plaintext, `W: [d, k]` encrypted, is cut into polynomials.

    Both parties compute it from public numbers. Its flooding is sized for at most 2^28 outputs in a job.
    """

    @staticmethod
    def plan(m: int, d: int, k: int, x_bits: int, modulus_bits: int) -> RlweLayout:
        """The cheapest layout for `-2^(x_bits-1) <= X < 2^(x_bits-1)`, x_bits 1..64, sides 1..2^26,
        at most 2^34 elements in each of the three matrices.

        "range" if the worst-case noise leaves no room for flooding: 180 bits hold about 24-bit X, 200 bits
        40-bit X, 215 bits 64-bit X with d up to 6096.
        """
    @property
    def fresh_size(self) -> int:
        """Bytes of the message of W's owner."""
    @property
    def answer_size(self) -> int:
        """Bytes of the message of X's owner."""
    @property
    def kept_size(self) -> int:
        """Bytes of memory of an `RlweMatrix` with `keep`."""

@final
class RlweKey:
    """Secret key of W's owner, for one modulus."""

    @staticmethod
    def generate(seed: Bytes, modulus_bits: int) -> tuple[RlweKey, bytes]:
        """A key from 32 secret bytes, and the encoded public key for the peer."""
    def encrypt(self, layout: RlweLayout, seed: Bytes, w: U64) -> U8:
        """`fresh_size` bytes for `w: uint64[k, d]` (row j is column j of W); `seed`: 32 bytes, fresh."""
    def decrypt(self, layout: RlweLayout, answer: Bytes) -> U64:
        """My share, `uint64[k, m]`: row j is X @ w[j] plus the peer's mask. "malformed" on another size."""

    def encrypt_slots(self, seed: Bytes, factors: U64) -> U8:
        """A key of 180 bits: the message for `factors: uint64[terms, n]`; `seed`: 32 bytes, fresh."""
    def decrypt_slots(self, answer: Bytes, products: int, tops: bool) -> U64:
        """My share, `uint64[1 or 2, products]`.

        Both parties' add up to w more than the sums of products of the signed factors, w being 0 or 1, and
        with `tops` w is the OR of both parties' second rows. "malformed" on another size.
        """

@final
class RlwePublicKey:
    """The peer's public key."""

    @staticmethod
    def decode(encoded: Bytes, modulus_bits: int) -> RlwePublicKey:
        """ "malformed" if the size is wrong or a residue is not canonical."""
    def multiply_slots(self, fresh: Bytes, seed: Bytes, factors: U64, tops: bool) -> tuple[U8, U64]:
        """The answer to the key owner's message, and my share as in `RlweKey.decrypt_slots`, for my
        `factors: uint64[terms, n]`; `seed`: 16 secret bytes, fresh for every call.

        "malformed" if `fresh` has the wrong size or a residue is not canonical.
        """

@final
class RlweMatrix:
    """X, checked, and transformed if it is kept."""

    @staticmethod
    def prepare(layout: RlweLayout, x: U64, keep: bool) -> RlweMatrix:
        """From `x: uint64[m, d]`; "range" if an element has more than `x_bits` bits as a signed number."""
    def multiply(self, key: RlwePublicKey, fresh: Bytes, seed: Bytes) -> tuple[U8, U64]:
        """The answer, `answer_size` bytes, and my share, `uint64[k, m]`: minus the mask.

        `seed`: 16 secret bytes, fresh for every call. "malformed" if `fresh` has the wrong size or a residue
        is not canonical. The answer tells the owner of `key` nothing but its share (within 2^-40 a job).
        """

def vss_deal(values: I64, coins: Bytes, threshold: int, n_parties: int) -> tuple[U8, U8]:
    """Verifiable shares of `values: int64[n]`: commitments `uint8[n * (threshold + 1), 32]`, by value, and
    shares `uint8[n_parties * n, 64]`, by party.

    `coins`: n * (2 * threshold + 1) * 64 uniform secret bytes; 1 <= threshold < n_parties <= 256.
    """

def vss_verify(indices: list[int], shares: U8, commitments: U8, threshold: int, weights: Bytes) -> list[bool]:
    """Which of the parties `indices` (1..256) hold right shares under the commitments of `vss_deal`.

    `shares: uint8[len(indices) * n, 64]`, by party. `weights`: 16 n random bytes that whoever made shares and
    commitments did not know. "malformed" for commitments that are no canonical points.
    """

def vss_add_commitments(lists: U8, n_lists: int) -> U8:
    """Commitments to the sums of `n_lists` sharings, stacked: `uint8[n * (threshold + 1), 32]`."""

def vss_add_shares(lists: U8, n_lists: int) -> U8:
    """A party's shares of the sums of `n_lists` sharings, stacked: `uint8[n, 64]`."""

def vss_recover(indices: list[int], shares: U8) -> I64:
    """The values, `int64[n]`, from stacked shares of threshold + 1 parties: `uint8[len(indices) * n, 64]`.

    "malformed" if a value is not a 64-bit integer.
    """
