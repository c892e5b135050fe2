//! Shares of matrix-vector products of one party's matrix and the other's vectors.
//!
//! Source: Gilboa 1999 §4 (bitwise products by OT), with the vector form of Mohassel and Zhang 2017
//! (SecureML): one OT per bit of the vector serves all rows of the matrix.
//! Setting: that of the rows; hash of [`crate::hash`].
//! Differs: the term of bit `i` lives modulo `2^(bits − i)`, so its message is shorter.
//! Notation: `x: u64[1 or batch, m, d]` of the OT sender, `w: u64[batch, d]` of the OT receiver, whose
//! choice bits are the bits of `w`; OT rows in order (batch, d, bit).
//! Cost per (batch, j): `m·Σ_i ceil((bits−i)/8)` bytes one way, a sixteenth as many AES per hash.
//! Floor: `m·bits·(bits+1)/16` bytes.

use super::cells;
use super::terms::{self, Row, check_bits, element_bytes};
use crate::aes::Block;
use crate::error::{Error, Result, ensure};
use crate::hash::TweakedHash;
use crate::wipe::Wiped;

/// Shape of a product: result `[batch, m]`, inner dimension `d`, ring `Z_2^bits`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Number of vectors.
    pub batch: usize,
    /// Rows of each matrix.
    pub m: usize,
    /// Length of each vector.
    pub d: usize,
    /// Bits of the ring, `1..=64`.
    pub bits: usize,
}

impl Shape {
    /// OT rows: `batch·d·bits`.
    ///
    /// # Errors
    /// `Range` for bad `bits`, or if the number overflows.
    pub fn rows(&self) -> Result<usize> {
        check_bits(self.bits)?;
        let rows = self
            .batch
            .checked_mul(self.d)
            .and_then(|cells| cells.checked_mul(self.bits));
        rows.ok_or(Error::Range("the product has too many terms"))
    }

    /// Bytes of the payload: `batch·d·m·Σ_i ceil((bits − i)/8)`.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn payload_size(&self) -> Result<usize> {
        self.rows()?;
        let per_element: usize = (1..=self.bits).map(element_bytes).sum();
        let cells = self
            .batch
            .checked_mul(self.d)
            .and_then(|cells| cells.checked_mul(self.m));
        let size = cells.and_then(|cells| cells.checked_mul(per_element));
        size.ok_or(Error::Range("the product has too many terms"))
    }

    /// The OT rows in order; `x` stands column by column, once or per vector, and `choice(b·d + j, i)` is
    /// the bit of row `(b, j, i)`.
    fn layout(
        self,
        one_matrix: bool,
        choice: impl Fn(usize, usize) -> u64,
    ) -> impl FnMut(usize) -> Row {
        let Self { m, d, bits, .. } = self;
        // Counters rather than divisions, which would cost more than the hash.
        let (mut b, mut j, mut i, mut payload) = (0, 0, 0, 0);
        move |_| {
            let cell = b * d + j;
            let row = Row {
                bits: bits - i,
                shift: i as u32,
                choice: choice(cell, i),
                payload,
                y: if one_matrix { j * m } else { cell * m },
                share: b * m,
            };
            payload += m * element_bytes(bits - i);
            i += 1;
            if i == bits {
                (i, j) = (0, j + 1);
            }
            if j == d {
                (j, b) = (0, b + 1);
            }
            row
        }
    }
}

fn hash(label: &Block) -> TweakedHash {
    TweakedHash::new(b"tacit gilboa99", label)
}

/// Sender, holder of `x`: payload and `share: u64[batch, m]`, from rows `q[batch·d·bits]`.
///
/// `x` has one matrix, used for every vector, or `batch` of them.
///
/// # Errors
/// `Range` for bad `bits` or a shape that overflows; `Mismatch` if a length does not follow from it.
#[allow(clippy::too_many_arguments)]
pub fn send(
    q: &[Block],
    delta: &Block,
    label: &Block,
    x: &[u64],
    shape: Shape,
    payload: &mut [u8],
    share: &mut [u64],
) -> Result<()> {
    let Shape { batch, m, d, bits } = shape;
    let fits = q.len() == shape.rows()?
        && payload.len() == shape.payload_size()?
        && batch.checked_mul(m) == Some(share.len());
    ensure(
        fits,
        Error::Mismatch("rows, payload or share do not have the shape's sizes"),
    )?;
    let matrix = m
        .checked_mul(d)
        .ok_or(Error::Range("the product has too many terms"))?;
    let broadcast = x.len() == matrix;
    ensure(
        broadcast || matrix.checked_mul(batch) == Some(x.len()),
        Error::Mismatch("x must have one matrix or one per vector"),
    )?;
    share.fill(0);
    if m == 1 {
        let x = |cell: usize| x[if broadcast { cell % d } else { cell }];
        cells::send(&hash(label), (q, delta), bits, x, payload, |cell, term| {
            share[cell / d] = share[cell / d].wrapping_add(term);
        });
        terms::reduce(share, bits);
        return Ok(());
    }
    let mut columns = Wiped::filled(0u64, x.len());
    if matrix > 0 {
        for (columns, x) in columns.chunks_exact_mut(matrix).zip(x.chunks_exact(matrix)) {
            for (row, x) in x.chunks_exact(d).enumerate() {
                for (column, value) in x.iter().enumerate() {
                    columns[column * m + row] = *value;
                }
            }
        }
    }
    let layout = shape.layout(broadcast, |_, _| 0);
    terms::send(
        &hash(label),
        (q, delta),
        m,
        layout,
        &columns,
        payload,
        share,
    );
    terms::reduce(share, bits);
    Ok(())
}

/// Receiver, holder of `w: u64[batch, d]`: `share: u64[batch, m]`, from rows `t[batch·d·bits]`.
///
/// # Errors
/// `Malformed` if the payload has another size or an element out of its ring; otherwise as [`send`].
pub fn receive(
    t: &[Block],
    label: &Block,
    w: &[u64],
    payload: &[u8],
    shape: Shape,
    share: &mut [u64],
) -> Result<()> {
    let Shape { batch, m, d, bits } = shape;
    let fits = t.len() == shape.rows()?
        && batch.checked_mul(d) == Some(w.len())
        && batch.checked_mul(m) == Some(share.len());
    ensure(
        fits,
        Error::Mismatch("rows, w or share do not have the shape's sizes"),
    )?;
    let size = shape.payload_size()?;
    ensure(
        payload.len() == size,
        Error::Malformed("the payload has the wrong size"),
    )?;
    share.fill(0);
    if m == 1 {
        cells::receive(&hash(label), t, bits, w, payload, |cell, term| {
            share[cell / d] = share[cell / d].wrapping_add(term);
        })?;
        terms::reduce(share, bits);
        return Ok(());
    }
    let layout = shape.layout(true, |cell, i| (w[cell] >> i) & 1);
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

    fn packed_choices(w: &[u64], bits: usize) -> Vec<u8> {
        let mut out = vec![0u8; (w.len() * bits).div_ceil(8)];
        for row in 0..w.len() * bits {
            out[row / 8] |= (((w[row / bits] >> (row % bits)) & 1) as u8) << (row % 8);
        }
        out
    }

    #[test]
    fn shares_add_to_the_product() {
        on_every_tier(|_| {
            let mut random = Stream::new(12);
            let mut parties = pair(2, &mut random);
            let mut call = 0u8;
            for bits in [1, 8, 18, 33, 64] {
                for (batch, x_batch, m, d) in [
                    (1, 1, 1, 1),
                    (5, 5, 1, 1),
                    (2, 1, 3, 4),
                    (2, 2, 3, 4),
                    (1, 1, 700, 2),
                    (3, 1, 0, 2),
                    (0, 1, 2, 2),
                    (1, 1, 2, 0),
                ] {
                    call += 1;
                    let label = [call; 16];
                    let shape = Shape { batch, m, d, bits };
                    let n = shape.rows().unwrap();
                    let (x, w) = (random.words(x_batch * m * d), random.words(batch * d));
                    let choices = packed_choices(&w, bits);
                    let (t, q) = rows(&mut parties, &label, &choices, n);
                    let mut payload = vec![0; shape.payload_size().unwrap()];
                    let (mut a, mut b) = (vec![9; batch * m], vec![9; batch * m]);
                    send(
                        &q,
                        parties.1.delta(),
                        &label,
                        &x,
                        shape,
                        &mut payload,
                        &mut a,
                    )
                    .unwrap();
                    receive(&t, &label, &w, &payload, shape, &mut b).unwrap();
                    for i in 0..batch * m {
                        let (vector, row) = (i / m, i % m);
                        let from = if x_batch == 1 { row } else { vector * m + row };
                        let expected = (0..d).fold(0u64, |sum, j| {
                            sum.wrapping_add(x[from * d + j].wrapping_mul(w[vector * d + j]))
                        });
                        assert_eq!(
                            a[i].wrapping_add(b[i]) & ring_mask(bits),
                            expected & ring_mask(bits)
                        );
                    }
                    let long = [&payload[..], &[0]].concat();
                    let result = receive(&t, &label, &w, &long, shape, &mut b);
                    assert!(matches!(result, Err(Error::Malformed(_))));
                }
            }
        });
        assert!(
            Shape {
                batch: usize::MAX,
                m: 1,
                d: 2,
                bits: 64
            }
            .payload_size()
            .is_err()
        );
        assert!(
            Shape {
                batch: 1,
                m: 1,
                d: 2,
                bits: 65
            }
            .payload_size()
            .is_err()
        );
    }

    /// Products of one row take another path; it must give the bytes of the general one.
    #[test]
    fn cells_equal_the_general_path() {
        let delta = &[0x5b; 16];
        let label = &[6; 16];
        let mut random = Stream::new(13);
        on_every_tier(|_| {
            for bits in 1..=64 {
                for (batch, d, broadcast) in
                    [(1, 1, true), (9, 1, false), (3, 4, true), (300, 1, false)]
                {
                    let shape = Shape {
                        batch,
                        m: 1,
                        d,
                        bits,
                    };
                    let n = shape.rows().unwrap();
                    let x = random.words(if broadcast { d } else { batch * d });
                    let (w, q) = (random.words(batch * d), random.blocks(n));
                    let mut payload = vec![1; shape.payload_size().unwrap()];
                    let mut share = vec![1; batch];
                    send(&q, delta, label, &x, shape, &mut payload, &mut share).unwrap();
                    let (mut payload_2, mut share_2) = (vec![0; payload.len()], vec![0; batch]);
                    let layout = shape.layout(broadcast, |_, _| 0);
                    terms::send(
                        &hash(label),
                        (&q, delta),
                        1,
                        layout,
                        &x,
                        &mut payload_2,
                        &mut share_2,
                    );
                    terms::reduce(&mut share_2, bits);
                    assert_eq!((&payload, &share), (&payload_2, &share_2));

                    receive(&q, label, &w, &payload, shape, &mut share).unwrap();
                    share_2.fill(0);
                    let layout = || shape.layout(true, |cell, i| (w[cell] >> i) & 1);
                    terms::receive(&hash(label), &q, 1, layout(), &payload, &mut share_2).unwrap();
                    terms::reduce(&mut share_2, bits);
                    assert_eq!(share, share_2);

                    for _ in 0..8 {
                        let at = random.words(1)[0] as usize % payload.len();
                        let mut changed = payload.clone();
                        changed[at] |= 0x80;
                        let result = receive(&q, label, &w, &changed, shape, &mut share);
                        let general =
                            terms::receive(&hash(label), &q, 1, layout(), &changed, &mut share_2);
                        assert_eq!(result.is_err(), general.is_err());
                        assert!(result.is_ok() || matches!(result, Err(Error::Malformed(_))));
                    }
                }
            }
        });
    }
}
