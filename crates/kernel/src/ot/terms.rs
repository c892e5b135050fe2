//! The common engine of correlated OT and Gilboa products.
//!
//! A row hides one *term* per element: the sender's `y[e]` times the receiver's choice bit, in
//! `Z_2^bits`, weighted by `2^shift`. With `pad_b` the expanded hash of `q ⊕ b·Δ`, cut into elements of
//! `ceil(bits/8)` bytes: payload `pad_0 + y − pad_1`, sender's share `−pad_0`, receiver's share
//! `pad_c + c·payload`, so that the shares add to `c·y`.

use crate::aes::Block;
use crate::error::{Error, Result, ensure};
use crate::hash::{Expansion, TweakedHash, offset_blocks};
use crate::simd::multiversion;
use crate::wipe::Wiped;

/// Rows whose hash images are computed together.
const ROWS: usize = 128;
/// Elements of a row that are worked on at a time (a multiple of 16, so pieces end at hash blocks).
const PIECE: usize = 512;
/// Hash blocks that are computed together.
const CAPACITY: usize = 512;

/// Where the terms of one OT row stand. Offsets count elements, except `payload`: bytes.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Ring of the terms: `Z_2^bits`, `1..=64`.
    pub bits: usize,
    /// Weight of the terms in the shares.
    pub shift: u32,
    /// The receiver's choice bit, 0 or 1 (the sender says 0).
    pub choice: u64,
    pub payload: usize,
    pub y: usize,
    pub share: usize,
}

/// Bytes of an element of `bits` bits.
pub(super) fn element_bytes(bits: usize) -> usize {
    bits.div_ceil(8)
}

/// `2^bits − 1`, for `1..=64` bits.
pub(super) fn ring_mask(bits: usize) -> u64 {
    u64::MAX >> (64 - bits)
}

/// Part of a row: `count` elements from hash byte `pad` on.
#[derive(Clone, Copy, Default)]
struct Piece {
    bytes: usize,
    mask: u64,
    /// All ones if the choice bit is set (receiver only).
    choice: u64,
    shift: u32,
    count: usize,
    pad: usize,
    payload: usize,
    y: usize,
    share: usize,
}

#[inline(always)]
fn load<const BYTES: usize>(from: &[u8; BYTES]) -> u64 {
    let mut word = [0u8; 8];
    word[..BYTES].copy_from_slice(from);
    u64::from_le_bytes(word)
}

// Plain indexed loops over slices of one length: chains of `zip` are neither inlined nor vectorised here.
#[inline(always)]
fn send_piece<const BYTES: usize>(
    piece: &Piece,
    zero: &[u8],
    one: &[u8],
    y: &[u64],
    payload: &mut [u8],
    share: &mut [u64],
) {
    let (count, size) = (piece.count, piece.count * BYTES);
    let zero = &zero[piece.pad..][..size].as_chunks::<BYTES>().0[..count];
    let one = &one[piece.pad..][..size].as_chunks::<BYTES>().0[..count];
    let out = &mut payload[piece.payload..][..size].as_chunks_mut::<BYTES>().0[..count];
    let y = &y[piece.y..][..count];
    let share = &mut share[piece.share..][..count];
    for e in 0..count {
        let value = load(&zero[e])
            .wrapping_add(y[e])
            .wrapping_sub(load(&one[e]))
            & piece.mask;
        out[e].copy_from_slice(&value.to_le_bytes()[..BYTES]);
    }
    for e in 0..count {
        share[e] = share[e].wrapping_sub(load(&zero[e]) << piece.shift);
    }
}

#[inline(always)]
fn receive_piece<const BYTES: usize>(
    piece: &Piece,
    pad: &[u8],
    payload: &[u8],
    share: &mut [u64],
) -> u64 {
    let (count, size) = (piece.count, piece.count * BYTES);
    let pad = &pad[piece.pad..][..size].as_chunks::<BYTES>().0[..count];
    let payload = &payload[piece.payload..][..size].as_chunks::<BYTES>().0[..count];
    let share = &mut share[piece.share..][..count];
    let mut excess = 0;
    for e in 0..count {
        let value = load(&payload[e]);
        excess |= value & !piece.mask;
        let term = load(&pad[e]).wrapping_add(value & piece.choice);
        share[e] = share[e].wrapping_add(term << piece.shift);
    }
    excess
}

multiversion! {
    fn send_pieces(
        pieces: &[Piece],
        zero: &[u8],
        one: &[u8],
        y: &[u64],
        payload: &mut [u8],
        share: &mut [u64],
    ) {
        for piece in pieces {
            match piece.bytes {
                1 => send_piece::<1>(piece, zero, one, y, payload, share),
                2 => send_piece::<2>(piece, zero, one, y, payload, share),
                3 => send_piece::<3>(piece, zero, one, y, payload, share),
                4 => send_piece::<4>(piece, zero, one, y, payload, share),
                5 => send_piece::<5>(piece, zero, one, y, payload, share),
                6 => send_piece::<6>(piece, zero, one, y, payload, share),
                7 => send_piece::<7>(piece, zero, one, y, payload, share),
                _ => send_piece::<8>(piece, zero, one, y, payload, share),
            }
        }
    }
}

multiversion! {
    fn receive_pieces(pieces: &[Piece], pad: &[u8], payload: &[u8], share: &mut [u64]) -> u64 {
        let mut excess = 0;
        for piece in pieces {
            excess |= match piece.bytes {
                1 => receive_piece::<1>(piece, pad, payload, share),
                2 => receive_piece::<2>(piece, pad, payload, share),
                3 => receive_piece::<3>(piece, pad, payload, share),
                4 => receive_piece::<4>(piece, pad, payload, share),
                5 => receive_piece::<5>(piece, pad, payload, share),
                6 => receive_piece::<6>(piece, pad, payload, share),
                7 => receive_piece::<7>(piece, pad, payload, share),
                _ => receive_piece::<8>(piece, pad, payload, share),
            };
        }
        excess
    }
}

/// Hashes all rows, once per offset, and hands them out piece by piece in groups that fill the hash.
///
/// `flush(pieces, pads)` gets the expanded hashes of `x ⊕ offset` for every offset.
fn walk<const SIDES: usize>(
    hash: &TweakedHash,
    x: &[Block],
    offsets: [&Block; SIDES],
    elements: usize,
    mut layout: impl FnMut(usize) -> Row,
    mut flush: impl FnMut(&[Piece], [&[u8]; SIDES]),
) {
    let mut images = [(); SIDES].map(|()| Wiped::filled([0u8; 16], ROWS));
    let mut pads = [(); SIDES].map(|()| Expansion::new(hash, CAPACITY));
    let mut pieces: Vec<Piece> = Vec::with_capacity(CAPACITY);
    let mut used = 0;
    let mut empty = |pieces: &mut Vec<Piece>, pads: &mut [Expansion<'_>; SIDES]| {
        flush(pieces, pads.each_mut().map(|pad| pad.run()));
        pieces.clear();
        pads.iter_mut().for_each(Expansion::clear);
    };
    for (window, x) in x.chunks(ROWS).enumerate() {
        for (image, offset) in images.iter_mut().zip(offsets) {
            offset_blocks(&mut image[..x.len()], x, offset);
            hash.permute(&mut image[..x.len()]);
        }
        for (at, index) in (0..x.len()).zip(window * ROWS..) {
            let row = layout(index);
            let (bytes, choice) = (element_bytes(row.bits), row.choice.wrapping_neg());
            let mut first = 0;
            while first < elements {
                let count = PIECE.min(elements - first);
                let blocks = (count * bytes).div_ceil(16);
                if used + blocks > CAPACITY {
                    empty(&mut pieces, &mut pads);
                    used = 0;
                }
                for (pad, image) in pads.iter_mut().zip(&images) {
                    let first_block = (first * bytes / 16) as u64;
                    pad.push(&image[at], index as u64, first_block, blocks);
                }
                pieces.push(Piece {
                    bytes,
                    mask: ring_mask(row.bits),
                    choice,
                    shift: row.shift,
                    count,
                    pad: 16 * used,
                    payload: row.payload + first * bytes,
                    y: row.y + first,
                    share: row.share + first,
                });
                used += blocks;
                first += count;
            }
        }
        empty(&mut pieces, &mut pads);
        used = 0;
    }
}

/// Sender's side: writes `payload`, and adds its shares into `share`.
///
/// Every row has `elements` terms; `layout` is asked for the rows in order, 0, 1, 2, ….
pub(super) fn send(
    hash: &TweakedHash,
    (q, delta): (&[Block], &Block),
    elements: usize,
    layout: impl FnMut(usize) -> Row,
    y: &[u64],
    payload: &mut [u8],
    share: &mut [u64],
) {
    walk(
        hash,
        q,
        [&[0; 16], delta],
        elements,
        layout,
        |pieces, [zero, one]| {
            send_pieces(pieces, zero, one, y, payload, share);
        },
    );
}

/// Receiver's side: adds its shares into `share`; `layout` as in [`send`].
pub(super) fn receive(
    hash: &TweakedHash,
    t: &[Block],
    elements: usize,
    layout: impl FnMut(usize) -> Row,
    payload: &[u8],
    share: &mut [u64],
) -> Result<()> {
    let mut excess = 0;
    walk(hash, t, [&[0; 16]], elements, layout, |pieces, [pad]| {
        excess |= receive_pieces(pieces, pad, payload, share);
    });
    ensure(
        excess == 0,
        Error::Malformed("a payload element exceeds its ring"),
    )
}

/// Reduces shares modulo `2^bits`.
pub(super) fn reduce(share: &mut [u64], bits: usize) {
    let mask = ring_mask(bits);
    share.iter_mut().for_each(|value| *value &= mask);
}

pub(super) fn check_bits(bits: usize) -> Result<()> {
    ensure(
        (1..=64).contains(&bits),
        Error::Range("bits must be in 1..=64"),
    )
}
