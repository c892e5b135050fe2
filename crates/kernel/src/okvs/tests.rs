use super::eliminate::{ONE, solve};
use super::*;
use crate::scalar::Scalars;
use crate::simd::on_every_tier;
use crate::testing::Stream;

/// Encodes, and checks that every key gives its value.
fn round_trip(random: &mut Stream, layout: Layout, n: usize, threads: usize) -> Vec<Block> {
    let (seed, fresh) = (random.blocks(1)[0], random.blocks(1)[0]);
    let (keys, mut values) = (random.blocks(n), random.blocks(n));
    layout.scalars.truncate(&mut values);
    let keys = Keys::new(layout, &seed, &keys).unwrap();
    let mut table = vec![[0; 16]; layout.size()];
    keys.encode(&fresh, &values, &mut table, threads).unwrap();
    let mut found = vec![[0; 16]; n];
    keys.decode(&table, &mut found, threads).unwrap();
    assert!(found == values);
    table
}

#[test]
fn every_key_gives_its_value_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(81);
        for n in [0, 1, 2, 3, 100, 1000, 5000] {
            for scalars in [Scalars::Whole, Scalars::Half] {
                let layout = Layout::new(n).unwrap().over(scalars);
                let table = round_trip(&mut random, layout, n, 1);
                let mut truncated = table.clone();
                scalars.truncate(&mut truncated);
                assert!(table == truncated);
            }
        }
    });
    let mut random = Stream::new(82);
    for n in [49_999, 50_001, 200_000] {
        for threads in [1, 3] {
            round_trip(&mut random, Layout::new(n).unwrap(), n, threads);
        }
    }
}

#[test]
fn small_tables_never_failed_in_many_trials() {
    let mut random = Stream::new(83);
    let layout = Layout::new(1 << 10).unwrap();
    for scalars in [Scalars::Whole, Scalars::Half] {
        for _ in 0..2000 {
            round_trip(&mut random, layout.over(scalars), 1 << 10, 1);
        }
    }
}

/// The row of a key, written out, for a layout of one bin.
fn full_row(layout: &Layout, seed: &Block, key: &Block) -> Vec<Block> {
    let h = xor(Aes128::new(seed).encrypt(key), *key);
    let word = |i: usize| u64::from(u32::from_le_bytes(h.as_chunks().0[i]));
    let mut left: Vec<usize> = (0..layout.sparse).collect();
    let mut row = vec![[0; 16]; layout.columns()];
    for i in 0..3 {
        let place = (word(i) * left.len() as u64) >> 32;
        row[left.remove(place as usize)] = ONE;
    }
    let r = match layout.scalars {
        Scalars::Whole => h,
        Scalars::Half => {
            // Eight pieces of 16 bits: the upper halves of the first four are covered by others' lower ones.
            let pieces: [u16; 8] = core::array::from_fn(|i| u16::from_le_bytes(h.as_chunks().0[i]));
            let turned = [7, 4, 5, 6].map(|i| pieces[i]);
            let mut r = [0; 16];
            for (i, r) in r[..8].as_chunks_mut().0.iter_mut().enumerate() {
                *r = (pieces[i] ^ turned[i]).to_le_bytes();
            }
            r
        }
    };
    let mut power = r;
    for entry in &mut row[layout.sparse..] {
        *entry = power;
        power = layout.scalars.mul(&power, &r);
    }
    row
}

#[test]
fn tables_solve_the_system_that_elimination_solves() {
    let mut random = Stream::new(84);
    for scalars in [Scalars::Whole, Scalars::Half] {
        let layout = Layout {
            bins: 1,
            capacity: 60,
            sparse: 64,
            dense: 1,
            scalars,
        };
        let mut encoded = 0;
        for _ in 0..60 {
            let (seed, fresh) = (random.blocks(1)[0], random.blocks(1)[0]);
            let (keys, mut values) = (random.blocks(60), random.blocks(60));
            scalars.truncate(&mut values);
            let sorted = Keys::new(layout, &seed, &keys).unwrap();
            let values = sorted.arrange(&values).unwrap();
            let mut table = vec![[0; 16]; layout.size()];
            let result = sorted.encode(&fresh, &values, &mut table, 1);
            let rows: Vec<Vec<Block>> = sorted
                .keys()
                .iter()
                .map(|key| full_row(&layout, &seed, key))
                .collect();
            let mut x = random.blocks(layout.size());
            let oracle = solve(scalars, &mut rows.clone(), &mut values.clone(), &mut x);
            // Elimination of what peeling leaves fails exactly if elimination of everything does.
            assert_eq!(result.is_ok(), oracle);
            if oracle {
                encoded += 1;
                for solution in [&table, &x] {
                    for (row, value) in rows.iter().zip(&values) {
                        assert_eq!(scalars.inner_product(solution, row), *value);
                    }
                }
            }
        }
        assert!(
            (10..60).contains(&encoded),
            "{encoded}: tables must be tight enough to fail at times"
        );
    }
}

#[test]
fn free_columns_are_random_and_other_keys_give_unrelated_values() {
    let mut random = Stream::new(85);
    let layout = Layout::new(10).unwrap();
    let seed = random.blocks(1)[0];
    let keys = Keys::new(layout, &seed, &random.blocks(10)).unwrap();
    let values = random.blocks(10);
    let tables: Vec<Vec<Block>> = random
        .blocks(2)
        .iter()
        .map(|fresh| {
            let mut table = vec![[0; 16]; layout.size()];
            keys.encode(fresh, &values, &mut table, 1).unwrap();
            table
        })
        .collect();
    assert!(tables[0].iter().zip(&tables[1]).all(|(a, b)| a != b));
    let others = Keys::new(layout, &seed, &random.blocks(1000)).unwrap();
    let mut found = vec![[0; 16]; 1000];
    others.decode(&tables[0], &mut found, 1).unwrap();
    let distinct: std::collections::HashSet<_> = found.iter().chain(&values).collect();
    assert_eq!(distinct.len(), 1010);
}

#[test]
fn equal_keys_crowded_bins_and_bad_lengths_are_refused() {
    let mut random = Stream::new(86);
    let layout = Layout::new(100).unwrap();
    let mut keys = random.blocks(100);
    let mut table = vec![[0; 16]; layout.size()];
    let values = random.blocks(100);
    let seed = [1; 16];
    let sorted = Keys::new(layout, &seed, &keys).unwrap();
    for (cells, count) in [(layout.size() - 1, 100), (layout.size(), 99)] {
        let result = sorted.encode(&seed, &values[..count], &mut table[..cells], 1);
        assert!(matches!(result, Err(Error::Mismatch(_))));
        let result = sorted.decode(&table[..cells], &mut values.clone()[..count], 1);
        assert!(matches!(result, Err(Error::Mismatch(_))));
    }
    assert!(matches!(
        sorted.decode(&table, &mut values.clone(), 0),
        Err(Error::Range(_))
    ));
    keys[7] = keys[70];
    for copies in [2, 100, 300] {
        let mut crowd = keys.clone();
        crowd.resize(98 + copies, keys[7]);
        let layout = Layout::new(crowd.len()).unwrap();
        let mut table = vec![[0; 16]; layout.size()];
        let values = random.blocks(crowd.len());
        let sorted = Keys::new(layout, &seed, &crowd).unwrap();
        assert!(matches!(
            sorted.encode(&seed, &values, &mut table, 1),
            Err(Error::Abort(_))
        ));
    }
    let crowded = Keys::new(
        Layout {
            capacity: 99,
            ..layout
        },
        &seed,
        &random.blocks(100),
    )
    .unwrap();
    assert!(matches!(
        crowded.encode(&seed, &values, &mut table, 1),
        Err(Error::Abort(_))
    ));
}

/// `cargo test --release -p tacit-kernel okvs::tests::speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout)]
fn speed() {
    let n = 1 << 20;
    let mut random = Stream::new(87);
    let layout = Layout::new(n).unwrap();
    let (keys, values) = (random.blocks(n), random.blocks(n));
    let mut table = vec![[0; 16]; layout.size()];
    let mut found = vec![[0; 16]; n];
    println!("{layout:?} {:.4}", layout.size() as f64 / n as f64);
    for _ in 0..5 {
        let start = std::time::Instant::now();
        let sorted = Keys::new(layout, &[1; 16], &keys).unwrap();
        let binned = start.elapsed();
        sorted.encode(&[2; 16], &values, &mut table, 1).unwrap();
        let encoded = start.elapsed() - binned;
        sorted.decode(&table, &mut found, 1).unwrap();
        let decoded = start.elapsed() - binned - encoded;
        let rate = |time: std::time::Duration| n as f64 / time.as_secs_f64() / 1e6;
        println!(
            "bins {:.1} M/s, encode {:.1} M/s, decode {:.1} M/s",
            rate(binned),
            rate(encoded),
            rate(decoded)
        );
    }
    assert!(found == values);
}
