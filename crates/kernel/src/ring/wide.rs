//! Arithmetic of arrays over Z_2^128.
//!
//! Source: schoolbook products of 64-bit limbs. Setting: local; time and memory accesses depend on
//! shapes only.
//! Notation: an element is two `u64`, the low limb first; `a: [m, k]`, `b: [k, n]`, row-major;
//! arithmetic wraps.
//! Cost: three 64-bit products per element or per multiply-add.

use crate::error::{Error, Result, ensure};

/// Elements of a row of `b` that a block of a matrix product reads again for every row of `a`.
const BLOCK: usize = 512;

/// What is done to two arrays element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The sum.
    Add,
    /// The difference.
    Subtract,
    /// The product.
    Multiply,
}

fn joined(limbs: [u64; 2]) -> u128 {
    u128::from(limbs[0]) | u128::from(limbs[1]) << 64
}

#[allow(clippy::cast_possible_truncation)]
fn limbs(value: u128) -> [u64; 2] {
    [value as u64, (value >> 64) as u64]
}

/// `out = a op b` element by element.
///
/// # Errors
/// `Mismatch` unless all three have the same, even length.
pub fn elementwise(operation: Operation, a: &[u64], b: &[u64], out: &mut [u64]) -> Result<()> {
    let fits = a.len() == b.len() && a.len() == out.len() && a.len().is_multiple_of(2);
    ensure(
        fits,
        Error::Mismatch("wide arrays must have pairs of limbs and equal lengths"),
    )?;
    let pairs = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
    let results = out.as_chunks_mut::<2>().0.iter_mut().zip(pairs);
    match operation {
        Operation::Add => {
            results.for_each(|(o, (a, b))| *o = limbs(joined(*a).wrapping_add(joined(*b))));
        }
        Operation::Subtract => {
            results.for_each(|(o, (a, b))| *o = limbs(joined(*a).wrapping_sub(joined(*b))));
        }
        Operation::Multiply => {
            results.for_each(|(o, (a, b))| *o = limbs(joined(*a).wrapping_mul(joined(*b))));
        }
    }
    Ok(())
}

/// `out = a·b`.
///
/// # Errors
/// `Mismatch` if a slice has not the length that its shape demands.
pub fn matmul(
    a: &[u64],
    b: &[u64],
    (m, k, n): (usize, usize, usize),
    out: &mut [u64],
) -> Result<()> {
    let words = |rows: usize, columns: usize| rows.checked_mul(columns)?.checked_mul(2);
    let fits = words(m, k) == Some(a.len())
        && words(k, n) == Some(b.len())
        && words(m, n) == Some(out.len());
    ensure(
        fits,
        Error::Mismatch("wide matrix lengths must be 2·m·k, 2·k·n and 2·m·n"),
    )?;
    out.fill(0);
    if out.is_empty() || k == 0 {
        return Ok(());
    }
    let (a, b, out) = (
        a.as_chunks::<2>().0,
        b.as_chunks::<2>().0,
        out.as_chunks_mut::<2>().0,
    );
    for from in (0..n).step_by(BLOCK) {
        let width = BLOCK.min(n - from);
        for (a, out) in a.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
            let mut sums = [0u128; BLOCK];
            for (factor, b) in a.iter().zip(b.chunks_exact(n)) {
                let factor = joined(*factor);
                for (sum, b) in sums.iter_mut().zip(&b[from..from + width]) {
                    *sum = sum.wrapping_add(factor.wrapping_mul(joined(*b)));
                }
            }
            for (out, sum) in out[from..from + width].iter_mut().zip(&sums) {
                *out = limbs(*sum);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    fn element(words: &[u64], at: usize) -> u128 {
        joined([words[2 * at], words[2 * at + 1]])
    }

    #[test]
    fn elementwise_is_arithmetic_of_u128() {
        let mut random = Stream::new(3);
        let (mut a, b) = (random.words(200), random.words(200));
        a[..4].copy_from_slice(&[u64::MAX, u64::MAX, 0, 1 << 63]);
        let mut out = vec![0; 200];
        type Oracle = fn(u128, u128) -> u128;
        let cases: [(Operation, Oracle); 3] = [
            (Operation::Add, u128::wrapping_add),
            (Operation::Subtract, u128::wrapping_sub),
            (Operation::Multiply, u128::wrapping_mul),
        ];
        for (operation, oracle) in cases {
            elementwise(operation, &a, &b, &mut out).unwrap();
            for i in 0..100 {
                assert_eq!(element(&out, i), oracle(element(&a, i), element(&b, i)));
            }
        }
    }

    #[test]
    fn matmul_equals_the_definition() {
        let mut random = Stream::new(4);
        for (m, k, n) in [(0, 3, 2), (3, 0, 2), (1, 1, 1), (4, 7, 3), (3, 5, 600)] {
            let (a, b) = (random.words(2 * m * k), random.words(2 * k * n));
            let mut out = vec![1; 2 * m * n];
            matmul(&a, &b, (m, k, n), &mut out).unwrap();
            for i in 0..m {
                for j in 0..n {
                    let expected = (0..k).fold(0u128, |sum, l| {
                        sum.wrapping_add(
                            element(&a, i * k + l).wrapping_mul(element(&b, l * n + j)),
                        )
                    });
                    assert_eq!(element(&out, i * n + j), expected, "{m} {k} {n}");
                }
            }
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(elementwise(Operation::Add, &[1; 3], &[1; 3], &mut [0; 3]).is_err());
        assert!(elementwise(Operation::Add, &[1; 2], &[1; 4], &mut [0; 2]).is_err());
        assert!(matmul(&[1; 6], &[1; 6], (1, 3, 1), &mut [0; 1]).is_err());
        assert!(matmul(&[], &[], (usize::MAX, 2, 0), &mut []).is_err());
    }
}
