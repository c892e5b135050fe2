//! Linear systems over a large field by elimination: the rows that peeling leaves, and the oracle of the tests.

use crate::aes::{Block, xor};
use crate::scalar::Scalars;

const ZERO: Block = [0; 16];
pub(super) const ONE: Block = 1u128.to_le_bytes();

/// `1/a` for `a ≠ 0`, as `a^(2^128 − 2)`, in either field: the order of the smaller one's group divides.
fn inverse(scalars: Scalars, a: &Block) -> Block {
    let mut power = ONE;
    for _ in 0..127 {
        let product = scalars.mul(&power, a);
        power = scalars.mul(&product, &product);
    }
    power
}

/// Subtracts `factor · pivot` from `row`.
fn reduce(scalars: Scalars, row: &mut [Block], pivot: &[Block], factor: &Block) {
    for (to, from) in row.iter_mut().zip(pivot) {
        *to = xor(*to, scalars.mul(from, factor));
    }
}

/// Solves `rows · x = values` for rows of scalars; `x` holds arbitrary values for the free unknowns on entry. False if there is
/// no solution for all values, because rows depend on each other.
pub(super) fn solve(
    scalars: Scalars,
    rows: &mut [Vec<Block>],
    values: &mut [Block],
    x: &mut [Block],
) -> bool {
    let mut pivots = Vec::with_capacity(rows.len());
    for i in 0..rows.len() {
        let Some(column) = rows[i].iter().position(|entry| *entry != ZERO) else {
            return false;
        };
        let scale = inverse(scalars, &rows[i][column]);
        scalars.scale(&mut rows[i], &scale);
        values[i] = scalars.mul(&values[i], &scale);
        let (before, rest) = rows.split_at_mut(i);
        let Some((pivot, after)) = rest.split_first_mut() else {
            return false;
        };
        for (j, row) in before.iter_mut().enumerate() {
            let factor = row[column];
            reduce(scalars, row, pivot, &factor);
            values[j] = xor(values[j], scalars.mul(&values[i], &factor));
        }
        for (j, row) in after.iter_mut().enumerate() {
            let factor = row[column];
            reduce(scalars, row, pivot, &factor);
            values[i + 1 + j] = xor(values[i + 1 + j], scalars.mul(&values[i], &factor));
        }
        pivots.push(column);
    }
    for column in &pivots {
        x[*column] = ZERO;
    }
    let free = x.to_vec();
    for (i, column) in pivots.iter().enumerate() {
        x[*column] = xor(values[i], scalars.inner_product(&free, &rows[i]));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    #[test]
    fn solutions_satisfy_the_system_and_dependent_rows_are_refused() {
        let (mut random, mut pairs) = (Stream::new(80), Stream::new(88));
        for scalars in [Scalars::Whole, Scalars::Half] {
            let mut row = |unknowns| {
                let mut row = random.blocks(unknowns);
                scalars.truncate(&mut row);
                row
            };
            for (n, unknowns) in [(0, 0), (1, 1), (5, 5), (5, 9)] {
                let rows: Vec<Vec<Block>> = (0..n).map(|_| row(unknowns)).collect();
                let (values, mut x) = (pairs.blocks(n), pairs.blocks(unknowns));
                let (mut system, mut targets) = (rows.clone(), values.clone());
                assert!(solve(scalars, &mut system, &mut targets, &mut x));
                for (row, value) in rows.iter().zip(&values) {
                    assert_eq!(scalars.inner_product(&x, row), *value);
                }
            }
            let mut rows = vec![row(3); 2];
            let (mut targets, mut x) = (pairs.blocks(2), pairs.blocks(3));
            assert!(!solve(scalars, &mut rows, &mut targets, &mut x));
        }
    }
}
