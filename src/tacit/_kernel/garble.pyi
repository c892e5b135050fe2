"""Circuits and half gates."""

from typing import Literal, final

from tacit._kernel import U8, Bytes

@final
class CircuitBuilder:
    """Collects the gates of a boolean circuit. Wires are ints, 0 and 1 the constants; numbers are lists of
    wires, least significant bit first. A gate on constants is folded away; a wire that does not exist is
    "range", operands of different lengths are a "mismatch". ANDs of each method are stated."""

    def __init__(self) -> None: ...
    def inputs(self, role: Literal[0, 1], n: int) -> list[int]:
        """n input bits of the garbler (0) or of the evaluator (1)."""
    def xor(self, a: int, b: int) -> int:
        """Free."""
    def and_(self, a: int, b: int) -> int:
        """One AND."""
    def not_(self, a: int) -> int:
        """Free."""
    def add(self, a: list[int], b: list[int]) -> list[int]:
        """`a + b` modulo 2^n; n - 1 ANDs."""
    def subtract(self, a: list[int], b: list[int]) -> list[int]:
        """`a - b` modulo 2^n; n - 1 ANDs."""
    def less(self, a: list[int], b: list[int]) -> int:
        """`a < b`, unsigned; n ANDs."""
    def equal(self, a: list[int], b: list[int]) -> int:
        """`a = b`; n - 1 ANDs."""
    def select(self, choice: int, one: list[int], zero: list[int]) -> list[int]:
        """`one` where choice is 1, else `zero`; n ANDs."""
    def aes128(self, key: list[int], block: list[int]) -> list[int]:
        """FIPS 197; 128 bits each, bytes in order, a byte's least significant bit first; 6400 ANDs."""
    def sha256(self, block: list[int]) -> list[int]:
        """The digest of a message whose padded form is one block: 16 words in order, a word's least
        significant bit first; 8 such words; 22,352 ANDs."""
    def finish(self, outputs: list[int]) -> Circuit:
        """The circuit with these outputs; gates that none needs are dropped. "range" if an output is constant
        or there is none. Consumes the builder: afterwards "abort"."""

@final
class Circuit:
    """A public circuit, ready to run."""

    inputs: tuple[int, int]
    """Input bits of the garbler and of the evaluator, each in the order of the builder's calls."""
    outputs: int
    ands: int
    depth: int
    """ANDs of the longest chain."""
    def tables_size(self, instances: int) -> int:
        """32 bytes for each AND of each instance. "range" if too many."""

@final
class HalfGatesGarbler:
    """Half gates (Zahur, Rosulek, Evans 2015), the party that makes the tables, in chunks of about 1 MiB."""

    @staticmethod
    def start(
        circuit: Circuit, instances: int, delta: Bytes, start: Bytes, own: U8, bits: U8, evaluator: U8
    ) -> HalfGatesGarbler:
        """`delta`: 16 secret bytes; `start`: 16 random bytes that both know; labels by [input, instance]:
        `own: uint8[inputs*instances, 16]` those that the evaluator will hold, with their `bits: uint8[...]`;
        `evaluator: uint8[..., 16]` those of its inputs for the value 0. Labels and delta are for one run
        only.
        """
    next_size: int
    """Bytes of the next chunk, 0 after the last."""
    def garble(self) -> U8:
        """The next chunk."""
    def finish(self) -> U8:
        """Decoding bits `uint8[outputs, instances]`: an output is the evaluator's bit xor this. "abort"
        before the last chunk and after this call."""

@final
class HalfGatesEvaluator:
    """As above, the party that reads the tables."""

    @staticmethod
    def start(circuit: Circuit, instances: int, start: Bytes, garbler: U8, own: U8) -> HalfGatesEvaluator:
        """Labels `uint8[inputs*instances, 16]` by [input, instance] of the garbler's and of its own
        inputs."""
    next_size: int
    def evaluate(self, tables: Bytes) -> None:
        """Reads the next chunk. "malformed" if it has another size."""
    def finish(self) -> U8:
        """Lowest bits of the output labels, `uint8[outputs, instances]`; they need the decoding bits."""

def garble_labels_send(q: U8, ot_delta: Bytes, label: Bytes, delta: Bytes) -> tuple[U8, U8]:
    """From OT rows `q: uint8[n, 16]`: the labels of the evaluator's inputs for 0, and the message to it, both
    `uint8[n, 16]`. `label` names the call."""

def garble_labels_receive(t: U8, label: Bytes, choices: Bytes, message: Bytes) -> U8:
    """Labels `uint8[n, 16]` of input bits packed in `choices`. "malformed" if the message has another
    size."""
