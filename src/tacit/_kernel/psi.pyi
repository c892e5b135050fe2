"""Set intersection: keys of items, key-value stores, tags and lists of them."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from tacit._kernel import U8, Bytes

def psi_keys(data: U8, offsets: NDArray[np.int64], label: Bytes, strong: bool, threads: int) -> U8:
    """Keys `uint8[n, 16]` of items as in `mask_items`; `label`: 16 bytes.

    Else a CBC-MAC under `label`, which must be drawn after the items; strong: of SHA-256(label ‖ item).
    """

def psi_blocks(label: Bytes, values: U8, keys: U8) -> U8:
    """Hashes `uint8[n, 16]` of values with their keys: correlated values become pseudorandom."""

def first_appearances(data: U8, offsets: NDArray[np.int64], key: Bytes) -> NDArray[np.uint32]:
    """Numbers of items as in `mask_items` that equal none before them, ascending; `key`: 16 fresh bytes.

    Equal are those of one 128-bit digest under the key.
    """

def okvs_size(n: int) -> int:
    """Cells of a table of n items, n ≤ 2^32."""

def psi_list_size(n: int, bits: int) -> int:
    """Bytes of a list of n tags of `bits` bits: 2^⌊log2 n⌋ + n bits, and whole bytes of each tag's rest."""

@final
class OkvsKeys:
    """m keys `uint8[m, 16]` for a table of n items; `seed`: 16 bytes, the same for both sides.

    `bits`: of a cell, 128 or 64; of 64, half of every key and value counts, and masked tables have pairs.
    """

    def __new__(cls, n: int, seed: Bytes, keys: U8, threads: int, bits: int = 128) -> OkvsKeys: ...
    def encode(self, seed: Bytes, values: U8 | None = None) -> U8:
        """A table `uint8[okvs_size(n), bits / 8]` that gives every key its value (itself by default).

        `seed`: 16 fresh bytes for what is free. "abort" if two keys are equal, or with probability 2^-40.
        """

    def decode(self, table: U8) -> U8:
        """What a table `uint8[okvs_size(n), 16]` gives for the keys: `uint8[m, 16]`."""

    def tags(self, label: Bytes, table: U8, offset: Bytes | None = None) -> PsiTags:
        """Tags from a table: 128 bits by fixed-key AES, or with `offset` (16 bytes) 192 bits by SHA-256."""

    def corrected_tags(
        self,
        label: Bytes,
        table: U8,
        delta: Bytes,
        corrections: U8,
        offset: Bytes | None = None,
    ) -> PsiTags:
        """Tags from `table xor delta·corrections`, of which delta·key is taken away.

        `corrections`: uint8[okvs_size(n), bits / 8].
        """

@final
class PsiTags:
    """Tags of items."""

    def write(self, bits: int) -> tuple[bytes, NDArray[np.uint32]]:
        """The list of all tags, at least `bits` bits of each, in ascending order; which item stands at each
        place of it. "abort" if two tags are equal."""

    def find(self, message: Bytes, n: int, bits: int) -> NDArray[np.uint32]:
        """For each of the n places of the peer's list my item's number, or 2^32 - 1.

        "malformed" unless the list is in its one form; "cheat" if it repeats a tag.
        """
