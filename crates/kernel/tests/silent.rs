//! Frozen outputs of the silent generators under fixed seeds: both parties must be able to rely on them.
#![allow(clippy::unwrap_used)]

use sha2::{Digest, Sha512};
use tacit_kernel::aes::{Block, xor};
use tacit_kernel::prg::Prg;
use tacit_kernel::scalar::Scalars;
use tacit_kernel::silent::{ExConv7x24, cot, vole};

const LABEL: Block = [1; 16];
const DELTA: Block = [0xd5; 16];

fn blocks(seed: u8, n: usize) -> Vec<Block> {
    let mut out = vec![[0; 16]; n];
    Prg::new(&[seed; 16]).fill(0, out.as_flattened_mut());
    out
}

/// Rows of the base OTs' receiver.
fn chosen(q: &[Block], choices: &[u8]) -> Vec<Block> {
    let row = |(i, q): (usize, &Block)| match choices[i / 8] >> (i % 8) & 1 {
        0 => *q,
        _ => xor(*q, DELTA),
    };
    q.iter().enumerate().map(row).collect()
}

fn digest(parts: &[&[u8]]) -> String {
    let hash = parts
        .iter()
        .fold(Sha512::new(), |hash, part| hash.chain_update(part));
    hash.finalize()[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn cot_digest(n: usize) -> String {
    let (receiver, path) = cot::Receiver::<ExConv7x24>::start(n, &LABEL, &[2; 16]).unwrap();
    let base = blocks(3, cot::base_ots(n).unwrap());
    let mut message = vec![0; 16 * base.len()];
    let (mut q, mut t) = (blocks(0, n), blocks(0, n));
    cot::send::<ExConv7x24>(&LABEL, &DELTA, &[4; 16], &base, &mut message, &mut q).unwrap();
    let u = receiver.choices().to_vec();
    receiver
        .finish(&chosen(&base, &path), &message, &mut t)
        .unwrap();
    digest(&[&path, &message, &u, q.as_flattened(), t.as_flattened()])
}

fn vole_digest(scalars: Scalars, n: usize) -> String {
    let start = vole::Receiver::<ExConv7x24>::start(scalars, n, &LABEL, &[2; 16]);
    let (receiver, choices) = start.unwrap();
    let base = blocks(3, vole::base_ots(scalars, n).unwrap());
    let mut message = vec![0; vole::message_size(n).unwrap()];
    let (mut q, mut t, mut u) = (blocks(0, n), blocks(0, n), blocks(0, n));
    let code = vole::send::<ExConv7x24>;
    code(
        scalars,
        &LABEL,
        &DELTA,
        &[4; 16],
        &base,
        &mut message,
        &mut q,
    )
    .unwrap();
    receiver
        .finish(&chosen(&base, &choices), &message, &mut u, &mut t)
        .unwrap();
    digest(&[
        &message,
        u.as_flattened(),
        q.as_flattened(),
        t.as_flattened(),
    ])
}

#[test]
fn correlated_ots_are_frozen() {
    assert_eq!(
        [5000, 1 << 17].map(cot_digest),
        ["573e1139d29524baf24630ae", "d3da963fab70014866b077b4"]
    );
}

#[test]
fn voles_are_frozen() {
    assert_eq!(
        [5000, 1 << 17].map(|n| vole_digest(Scalars::Whole, n)),
        ["5970c9cc474b4d7dbd985c75", "d8b5b04a19f50c486a5e72aa"]
    );
    assert_eq!(
        [5000, 1 << 17].map(|n| vole_digest(Scalars::Half, n)),
        ["c8cbf6b9c727f291c2642b9a", "679289d70464c624b4d3c4a9"]
    );
}
