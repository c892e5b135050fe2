"""Products and comparisons of private values, from rows of OTs."""

from tacit._kernel import U8, U64, Bytes

def bit_ole_sender(q: U8, delta: Bytes, label: Bytes, width: int) -> tuple[U64, U64]:
    """Random bits `b` and shares `c`, each `uint64[width, ceil(n/64)]`, from rows `q: uint8[n, 16]`.

    With the receiver's `c'`: `c ^ c' == choice & b` in every plane. `label`: 16 bytes, once per set of rows.
    Unused tail bits are zero. `width` ≥ 1.
    """

def bit_ole_receiver(t: U8, label: Bytes, width: int) -> U64:
    """The receiver's shares `c': uint64[width, ceil(n/64)]` from rows `t: uint8[n, 16]`."""

def cot_send(q: U8, delta: Bytes, label: Bytes, y: U64, bits: int) -> tuple[U8, U64]:
    """Payload of n·m·ceil(bits/8) bytes and shares `uint64[n, m]` for `y: uint64[n, m]`, bits 1..64.

    Sender's plus receiver's share is `choice[i]·y[i]` modulo 2^bits; shares are reduced.
    """

def cot_recv(t: U8, label: Bytes, choices: Bytes, payload: Bytes, m: int, bits: int) -> U64:
    """The receiver's shares `uint64[n, m]`; `choices` packed as in `extend`.

    "malformed" if the payload has another size or an element of 2^bits or more.
    """

def distance_send(q: U8, delta: Bytes, label: Bytes, planes: U64) -> tuple[U8, U8]:
    """Payload `uint8[bits·n]` and shares `uint8[n]` modulo 64 of how many bits of the parties' words differ.

    `planes`: `bits_to_planes` of n = 64 w words of at most 63 bits, `uint64[bits, w]`. Rows `q: uint8[bits·n,
    16]` in the order of the planes, the OT choices being the peer's planes.
    """

def distance_recv(t: U8, label: Bytes, planes: U64, payload: Bytes) -> U8:
    """The receiver's shares `uint8[n]`; "malformed" if the payload has another size."""

def pick_send(q: U8, delta: Bytes, label: Bytes, places: U8, coins: U64) -> U64:
    """For each place in 0 <= p < 64 a table of 64 bits, its coin everywhere but its complement at p.

    The coins are packed, `uint64[ceil(n/64)]`. Rows `q: uint8[6·n, 16]`, the OT choices being the six planes
    of the receiver's places.
    """

def pick_recv(t: U8, label: Bytes, places: U8, payload: U64) -> U8:
    """What the tables have at the receiver's places, `uint8[n]`; "malformed" if there are not n tables."""

def gilboa_payload_size(batch: int, m: int, d: int, bits: int) -> int:
    """Bytes of the payload of `gilboa_send`: `batch·d·m·sum(ceil((bits-i)/8) for i in range(bits))`."""

def gilboa_send(q: U8, delta: Bytes, label: Bytes, x: U64, batch: int, bits: int) -> tuple[U8, U64]:
    """Payload and shares `uint64[batch, m]` of `sum_j x[b, :, j]·w[b, j]` modulo 2^bits, for the holder of x.

    `x: uint64[1 or batch, m, d]` (1: the same matrix for every vector). Rows `q: uint8[batch·d·bits, 16]` in
    the order (batch, d, bit), the OT choices being the bits of the peer's `w`, least significant first.
    """

def gilboa_recv(t: U8, label: Bytes, w: U64, payload: Bytes, m: int, bits: int) -> U64:
    """Shares `uint64[batch, m]` for the holder of `w: uint64[batch, d]`; rows `t` as in `gilboa_send`.

    "malformed" if the payload has another size or an element out of its ring.
    """
