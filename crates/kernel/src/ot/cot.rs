//! Correlated OT over Z_2^bits: shares of `choice·y` for vectors `y`.
//!
//! Source: Asharov, Lindell, Schneider, Zohner 2013 (ePrint 2013/552) §5.4 (C-OT), arithmetic payload
//! as in Demmler, Schneider, Zohner 2015 (ABY).
//! Setting: that of the rows; hash of [`crate::hash`], expanded over the `m` elements of a row.
//! Differs: both pads come from hashes of the rows, elements are whole little-endian bytes.
//! Notation: `i` OT, `e` element; `send.share + recv.share = choice[i]·y[i, e] mod 2^bits`.
//! Cost per OT: sender `2(1 + B)` AES, receiver `1 + B`, `B = ceil(m·ceil(bits/8)/16)`;
//! `m·ceil(bits/8)` bytes one way. Floor: the same.

use super::terms::{self, Row, check_bits, element_bytes};
use crate::aes::Block;
use crate::bits::packed_bit;
use crate::error::{Error, Result, ensure};
use crate::hash::TweakedHash;

fn hash(label: &Block) -> TweakedHash {
    TweakedHash::new(b"tacit cot", label)
}

fn layout(m: usize, bits: usize, choice: impl Fn(usize) -> u64) -> impl Fn(usize) -> Row {
    let bytes = element_bytes(bits);
    move |row| Row {
        bits,
        shift: 0,
        choice: choice(row),
        payload: row * m * bytes,
        y: row * m,
        share: row * m,
    }
}

/// Bytes of the payload: `n·m·ceil(bits/8)`.
///
/// # Errors
/// `Range` if `bits` is not in `1..=64` or the size overflows.
pub fn payload_size(n: usize, m: usize, bits: usize) -> Result<usize> {
    check_bits(bits)?;
    let size = n
        .checked_mul(m)
        .and_then(|cells| cells.checked_mul(element_bytes(bits)));
    size.ok_or(Error::Range("the payload would be too large"))
}

/// Sender: from rows `q[n]` and `y: u64[n, m]`, the payload (empty slices are filled) and `share: u64[n, m]`.
///
/// # Errors
/// `Range` for bad `bits`; `Mismatch` if a length does not follow from `n` and `m`.
#[allow(clippy::too_many_arguments)]
pub fn send(
    q: &[Block],
    delta: &Block,
    label: &Block,
    y: &[u64],
    m: usize,
    bits: usize,
    payload: &mut [u8],
    share: &mut [u64],
) -> Result<()> {
    let size = payload_size(q.len(), m, bits)?;
    let fits = y.len() == q.len() * m && share.len() == y.len() && payload.len() == size;
    ensure(
        fits,
        Error::Mismatch("y and share must have n·m elements, payload its size"),
    )?;
    share.fill(0);
    let layout = layout(m, bits, |_| 0);
    terms::send(&hash(label), (q, delta), m, layout, y, payload, share);
    terms::reduce(share, bits);
    Ok(())
}

/// Receiver: `share: u64[n, m]` from rows `t[n]`, packed choices and the sender's payload.
///
/// # Errors
/// `Malformed` if the payload has another size or an element out of its ring; `Mismatch` if choices or
/// share have another length; `Range` for bad `bits`.
pub fn receive(
    t: &[Block],
    label: &Block,
    choices: &[u8],
    payload: &[u8],
    m: usize,
    bits: usize,
    share: &mut [u64],
) -> Result<()> {
    let size = payload_size(t.len(), m, bits)?;
    let fits = choices.len() == t.len().div_ceil(8) && share.len() == t.len() * m;
    ensure(
        fits,
        Error::Mismatch("choices must have ceil(n/8) bytes, share n·m elements"),
    )?;
    ensure(
        payload.len() == size,
        Error::Malformed("the payload has the wrong size"),
    )?;
    share.fill(0);
    let layout = layout(m, bits, |row| u64::from(packed_bit(choices, row)));
    terms::receive(&hash(label), t, m, layout, payload, share)?;
    terms::reduce(share, bits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::softspoken_roy22::tests::{pair, rows};
    use crate::ot::terms::ring_mask;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn shares_add_to_choice_times_y() {
        on_every_tier(|_| {
            let mut random = Stream::new(11);
            let mut parties = pair(4, &mut random);
            let mut call = 0u64;
            for bits in [1, 8, 18, 33, 40, 50, 64] {
                for (n, m) in [
                    (0, 1),
                    (1, 1),
                    (129, 1),
                    (300, 3),
                    (5, 17),
                    (3, 1300),
                    (4, 0),
                ] {
                    call += 1;
                    let mut label = [0u8; 16];
                    label[..8].copy_from_slice(&call.to_le_bytes());
                    let choices = random.bytes(n / 8 + usize::from(n % 8 != 0));
                    let (t, q) = rows(&mut parties, &label, &choices, n);
                    let y = random.words(n * m);
                    let mut payload = vec![0; payload_size(n, m, bits).unwrap()];
                    let (mut a, mut b) = (vec![9; n * m], vec![9; n * m]);
                    send(
                        &q,
                        parties.1.delta(),
                        &label,
                        &y,
                        m,
                        bits,
                        &mut payload,
                        &mut a,
                    )
                    .unwrap();
                    receive(&t, &label, &choices, &payload, m, bits, &mut b).unwrap();
                    for e in 0..n * m {
                        let expected = u64::from(packed_bit(&choices, e / m)).wrapping_mul(y[e]);
                        let mask = ring_mask(bits);
                        assert_eq!(a[e].wrapping_add(b[e]) & mask, expected & mask);
                        assert!((a[e] | b[e]) & !mask == 0);
                    }
                    let long = [&payload[..], &[0]].concat();
                    let result = receive(&t, &label, &choices, &long, m, bits, &mut b);
                    assert!(matches!(result, Err(Error::Malformed(_))));
                    if bits % 8 != 0 && !payload.is_empty() {
                        *payload.last_mut().unwrap() |= 0x80;
                        let result = receive(&t, &label, &choices, &payload, m, bits, &mut b);
                        assert!(matches!(result, Err(Error::Malformed(_))));
                    }
                }
            }
        });
        assert!(payload_size(usize::MAX, 2, 8).is_err());
        assert!(payload_size(1, 1, 65).is_err());
        assert!(payload_size(1, 1, 0).is_err());
    }
}
