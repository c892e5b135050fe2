//! Linear systems over `GF(2^128)` by elimination: the rows that peeling leaves, and the oracle of the tests.

use crate::aes::{Block, xor};
use crate::gf128;

const ZERO: Block = [0; 16];
pub(super) const ONE: Block = 1u128.to_le_bytes();

/// `1/a` for `a ≠ 0`, as `a^(2^128 − 2)`.
fn inverse(a: &Block) -> Block {
    let mut power = ONE;
    for _ in 0..127 {
        power = gf128::mul(&gf128::mul(&power, a), &gf128::mul(&power, a));
    }
    power
}

/// Subtracts `factor · pivot` from `row`.
fn reduce(row: &mut [Block], pivot: &[Block], factor: &Block) {
    for (to, from) in row.iter_mut().zip(pivot) {
        *to = xor(*to, gf128::mul(from, factor));
    }
}

/// Solves `rows · x = values`; `x` holds arbitrary values for the free unknowns on entry. False if there is
/// no solution for all values, because rows depend on each other.
pub(super) fn solve(rows: &mut [Vec<Block>], values: &mut [Block], x: &mut [Block]) -> bool {
    let mut pivots = Vec::with_capacity(rows.len());
    for i in 0..rows.len() {
        let Some(column) = rows[i].iter().position(|entry| *entry != ZERO) else {
            return false;
        };
        let scale = inverse(&rows[i][column]);
        gf128::scale(&mut rows[i], &scale);
        values[i] = gf128::mul(&values[i], &scale);
        let (before, rest) = rows.split_at_mut(i);
        let Some((pivot, after)) = rest.split_first_mut() else {
            return false;
        };
        for (j, row) in before.iter_mut().enumerate() {
            let factor = row[column];
            reduce(row, pivot, &factor);
            values[j] = xor(values[j], gf128::mul(&values[i], &factor));
        }
        for (j, row) in after.iter_mut().enumerate() {
            let factor = row[column];
            reduce(row, pivot, &factor);
            values[i + 1 + j] = xor(values[i + 1 + j], gf128::mul(&values[i], &factor));
        }
        pivots.push(column);
    }
    for column in &pivots {
        x[*column] = ZERO;
    }
    let free = x.to_vec();
    for (i, column) in pivots.iter().enumerate() {
        x[*column] = xor(values[i], gf128::inner_product(&rows[i], &free));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    #[test]
    fn solutions_satisfy_the_system_and_dependent_rows_are_refused() {
        let mut random = Stream::new(80);
        for (n, unknowns) in [(0, 0), (1, 1), (5, 5), (5, 9)] {
            let rows: Vec<Vec<Block>> = (0..n).map(|_| random.blocks(unknowns)).collect();
            let values = random.blocks(n);
            let mut x = random.blocks(unknowns);
            assert!(solve(&mut rows.clone(), &mut values.clone(), &mut x));
            for (row, value) in rows.iter().zip(&values) {
                assert_eq!(gf128::inner_product(row, &x), *value);
            }
        }
        let mut rows = vec![random.blocks(3); 2];
        assert!(!solve(
            &mut rows,
            &mut random.blocks(2),
            &mut random.blocks(3)
        ));
    }
}
