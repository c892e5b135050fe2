//! Correlations per second on one core: `cargo run --release -p tacit-kernel --example ot_rates`.
//!
//! Each line is the best of several runs of one side: base OTs are given, nothing is sent.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;
use tacit_kernel::ot::softspoken_roy22::{self, check as checked};
use tacit_kernel::prg::Prg;
use tacit_kernel::scalar::Scalars;
use tacit_kernel::silent::{ExConv7x24, check, cot, vole};

const N: usize = 1 << 17;
const RUNS: usize = 15;

fn blocks(seed: u8, n: usize) -> Vec<[u8; 16]> {
    let mut out = vec![[0; 16]; n];
    Prg::new(&[seed; 16]).fill(0, out.as_flattened_mut());
    out
}

/// Nanoseconds per output of the fastest run.
fn report(name: &str, mut run: impl FnMut(usize)) {
    let best = (0..RUNS)
        .map(|call| {
            let started = Instant::now();
            run(call);
            started.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    let nanoseconds = best / N as f64 * 1e9;
    println!(
        "{name:34} {nanoseconds:7.2} ns  {:7.1} M/s",
        1e3 / nanoseconds
    );
}

fn softspoken(k: usize) {
    let base = vec![[[1u8; 16], [2; 16]]; 128];
    let (mut receiver, trees) = softspoken_roy22::Receiver::start(k, &base, &[3; 16]).unwrap();
    let mut sender =
        softspoken_roy22::Sender::start(k, &[1; 128], &[[2; 16]; 128], &trees).unwrap();
    let mut rows = vec![[0u8; 16]; N];
    let mut message = vec![0; receiver.message_size(N).unwrap()];
    let choices = vec![0x5a; N / 8];
    report(&format!("softspoken k={k} receiver"), |call| {
        let label = (call as u128).to_le_bytes();
        receiver
            .extend(&label, &choices, &mut rows, &mut message)
            .unwrap();
    });
    report(&format!("softspoken k={k} sender"), |call| {
        let label = (call as u128).to_le_bytes();
        sender.extend(&label, &message, &mut rows).unwrap();
    });
}

/// With the consistency check; the answer counts for the receiver.
fn softspoken_checked(k: usize) {
    let base = vec![[[1u8; 16], [2; 16]]; 128];
    let (mut receiver, trees) = softspoken_roy22::Receiver::start(k, &base, &[3; 16]).unwrap();
    let mut sender =
        softspoken_roy22::Sender::start(k, &[1; 128], &[[2; 16]; 128], &trees).unwrap();
    let mut rows = vec![[0u8; 16]; N];
    let size = receiver.message_size(checked::extended(N)).unwrap();
    let choices = vec![0x5a; N / 8];
    let mut messages = vec![(vec![1; size], [0; checked::ANSWER_BYTES]); RUNS];
    report(&format!("softspoken k={k} receiver, checked"), |call| {
        let label = (call as u128).to_le_bytes();
        let (message, answer) = &mut messages[call];
        let pending = receiver
            .extend_checked(&label, &choices, &[4; 16], &mut rows, message)
            .unwrap();
        *answer = pending.answer(&[5; 16]);
    });
    report(&format!("softspoken k={k} sender, checked"), |call| {
        let label = (call as u128).to_le_bytes();
        let (message, answer) = &messages[call];
        sender
            .extend_checked(&label, message, &[5; 16], answer, &mut rows)
            .unwrap();
    });
}

fn silent_cot() {
    let (label, delta) = ([1; 16], [2; 16]);
    let base = blocks(3, cot::base_ots(N).unwrap());
    let mut message = vec![0; 16 * base.len()];
    let (mut q, mut t) = (blocks(4, N), blocks(4, N));
    report("silent cot sender", |_| {
        cot::send::<ExConv7x24>(&label, &delta, &[5; 16], &base, &mut message, &mut q).unwrap();
    });
    report("silent cot receiver, choices", |_| {
        cot::Receiver::<ExConv7x24>::start(N, &label, &[6; 16]).unwrap();
    });
    report("silent cot receiver, all", |_| {
        let (receiver, _) = cot::Receiver::<ExConv7x24>::start(N, &label, &[6; 16]).unwrap();
        receiver.finish(&base, &message, &mut t).unwrap();
    });
    report("silent check, sender", |_| {
        check::answer(&label, &label, &delta, &q, &base[..128]).unwrap();
    });
}

fn silent_vole() {
    let (label, delta) = ([1; 16], [2; 16]);
    let base = blocks(3, vole::base_ots(Scalars::Whole, N).unwrap());
    let mut message = vec![0; vole::message_size(N).unwrap()];
    let (mut q, mut t, mut u) = (blocks(4, N), blocks(4, N), blocks(4, N));
    report("silent vole sender", |_| {
        vole::send::<ExConv7x24>(
            Scalars::Whole,
            &label,
            &delta,
            &[5; 16],
            &base,
            &mut message,
            &mut q,
        )
        .unwrap();
    });
    report("silent vole receiver", |_| {
        let (receiver, _) =
            vole::Receiver::<ExConv7x24>::start(Scalars::Whole, N, &label, &[6; 16]).unwrap();
        receiver.finish(&base, &message, &mut u, &mut t).unwrap();
    });
}

fn main() {
    [2, 4, 8].into_iter().for_each(softspoken);
    [2, 4, 8].into_iter().for_each(softspoken_checked);
    silent_cot();
    silent_vole();
}
