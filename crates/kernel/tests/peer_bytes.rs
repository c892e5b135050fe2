//! Whatever a peer sends, every decoder answers `Ok` or `Error::Malformed` and never panics.
#![allow(clippy::unwrap_used)]

use tacit_kernel::fss::{self, Output, dcf, dpf};
use tacit_kernel::ot::gilboa99::{self, Shape};
use tacit_kernel::ot::{cot, endemic_mr19, equality, softspoken_roy22};
use tacit_kernel::prg::Prg;
use tacit_kernel::{Error, Result, curve, sm2, vss, x25519};

/// Byte strings around a valid message: cut, extended, flipped, constant and random.
fn variants(valid: &[u8], seed: u8) -> Vec<Vec<u8>> {
    let mut random = vec![0u8; valid.len() + 64];
    Prg::new(&[seed; 16]).fill(0, &mut random);
    let mut all = vec![
        valid.to_vec(),
        vec![],
        vec![0; valid.len()],
        vec![255; valid.len()],
    ];
    for cut in [1, 2, 15, 16, 31, 32, 64] {
        all.push(valid[..valid.len().saturating_sub(cut)].to_vec());
        all.push([valid, &random[..cut]].concat());
    }
    all.push(random[..valid.len()].to_vec());
    for at in random.iter().take(32) {
        let mut flipped = valid.to_vec();
        if let Some(byte) = flipped.get_mut(usize::from(*at) * valid.len() / 256) {
            *byte ^= 1 << (at % 8);
        }
        all.push(flipped);
    }
    all
}

fn fine_or_malformed<T>(result: Result<T>) {
    if let Err(error) = result {
        assert!(matches!(error, Error::Malformed(_)), "{error}");
    }
}

#[test]
fn base_ot_messages() {
    let sender = || endemic_mr19::Sender::start(&[1; 32], b"sid", 3).unwrap();
    let receiver = || endemic_mr19::Receiver::start(&[2; 32], b"sid", &[0, 1, 1]).unwrap();
    for bytes in variants(&receiver().1, 1) {
        fine_or_malformed(sender().0.finish(&bytes));
    }
    for bytes in variants(&sender().1, 2) {
        fine_or_malformed(receiver().0.finish(&bytes));
    }
}

#[test]
fn extension_messages() {
    for k in [1, 2, 4, 8] {
        let base = vec![[[1u8; 16], [2; 16]]; 128];
        let (mut receiver, trees) = softspoken_roy22::Receiver::start(k, &base, &[3; 16]).unwrap();
        for bytes in variants(&trees, 3).iter().take(12) {
            fine_or_malformed(softspoken_roy22::Sender::start(
                k,
                &[1; 128],
                &[[2; 16]; 128],
                bytes,
            ));
        }
        let mut sender =
            softspoken_roy22::Sender::start(k, &[1; 128], &[[2; 16]; 128], &trees).unwrap();
        for n in [0usize, 1, 13, 64] {
            let mut rows = vec![[0u8; 16]; n];
            let mut message = vec![0; receiver.message_size(n).unwrap()];
            let choices = vec![0xff; n.div_ceil(8)];
            receiver
                .extend(&[n as u8; 16], &choices, &mut rows, &mut message)
                .unwrap();
            for (call, bytes) in variants(&message, 4).iter().enumerate() {
                let label = (1000 * n as u128 + call as u128).to_le_bytes();
                fine_or_malformed(sender.extend(&label, bytes, &mut rows));
            }
        }
    }
}

#[test]
fn payloads() {
    let t = vec![[7u8; 16]; 66];
    for bits in [1, 7, 33, 64] {
        let valid = vec![0; cot::payload_size(66, 3, bits).unwrap()];
        for bytes in variants(&valid, 5) {
            let mut share = vec![0; 66 * 3];
            fine_or_malformed(cot::receive(
                &t, &[0; 16], &[0; 9], &bytes, 3, bits, &mut share,
            ));
        }
    }
    let rows = vec![[7u8; 16]; 64 * 6];
    for bytes in variants(&vec![0; 64 * 6], 7) {
        let (mut share, planes) = ([0; 64], [5; 6]);
        fine_or_malformed(equality::distance_receive(
            &rows, &[0; 16], &planes, &bytes, &mut share,
        ));
        let tables: Vec<u64> = bytes.iter().map(|byte| u64::from(*byte)).collect();
        for n in [63, 64, 65] {
            let few = &tables[..n.min(tables.len())];
            let places = [255; 64];
            fine_or_malformed(equality::pick_receive(
                &rows, &[0; 16], &places, few, &mut share,
            ));
        }
    }
    let shape = Shape {
        batch: 2,
        m: 3,
        d: 3,
        bits: 11,
    };
    for bytes in variants(&vec![0; shape.payload_size().unwrap()], 6) {
        let mut share = vec![0; 6];
        fine_or_malformed(gilboa99::receive(
            &t, &[0; 16], &[5; 6], &bytes, shape, &mut share,
        ));
    }
}

#[test]
fn keys_of_functions() {
    for (n, output) in [(1, Output::Bit), (6, Output::Bit), (20, Output::Word)] {
        let shape = fss::Shape::new(n, output).unwrap();
        let mut out = [0];
        let mut keys = [vec![0; dpf::key_size(shape)], vec![0; dpf::key_size(shape)]];
        let room = keys.each_mut().map(Vec::as_mut_slice);
        dpf::generate(shape, &[1; 16], &[2; 16], &[1], &[1], room).unwrap();
        for bytes in variants(&keys[0], 9) {
            fine_or_malformed(dpf::check(shape, &bytes));
            if dpf::check(shape, &bytes) == Ok(1) {
                dpf::evaluate(shape, 0, &[1; 16], &bytes, &[0], &mut out).unwrap();
            }
        }
        let mut keys = [vec![0; dcf::key_size(shape)], vec![0; dcf::key_size(shape)]];
        let room = keys.each_mut().map(Vec::as_mut_slice);
        dcf::generate(shape, &[1; 16], &[2; 16], &[1], &[1], room).unwrap();
        for bytes in variants(&keys[1], 10) {
            fine_or_malformed(dcf::check(shape, &bytes));
            if dcf::check(shape, &bytes) == Ok(1) {
                dcf::evaluate(shape, 1, &[1; 16], &bytes, &[0], &mut out).unwrap();
            }
        }
    }
}

#[test]
fn points() {
    let mut scalar = [0u8; 32];
    scalar[0] = 5;
    let mut point = [[0u8; 32]];
    curve::mask_items(b"item", &[0, 4], b"dst", &scalar, 1, &mut point).unwrap();
    for bytes in variants(&point[0], 7) {
        if let Ok(encoded) = bytes.as_slice().try_into() {
            fine_or_malformed(curve::remask_points(
                &[encoded],
                &scalar,
                1,
                &mut point.clone(),
            ));
        }
    }
}

#[test]
fn x_coordinates() {
    let scalar = x25519::scalar(&[0x5a; 32]);
    let mut point = [[0u8; 32]];
    x25519::mask_items(b"item", &[0, 4], b"dst", &scalar, 1, &mut point).unwrap();
    for bytes in variants(&point[0], 9) {
        if let Ok(encoded) = bytes.as_slice().try_into() {
            let mut out = [[0u8; 32]];
            fine_or_malformed(x25519::remask_points(&[encoded], &scalar, 1, &mut out));
        }
    }
    let scalar = sm2::scalar(&[0x5a; 64]);
    sm2::mask_items(b"item", &[0, 4], b"dst", &scalar, 1, &mut point).unwrap();
    for bytes in variants(&point[0], 10) {
        if let Ok(encoded) = bytes.as_slice().try_into() {
            let mut out = [[0u8; 32]];
            fine_or_malformed(sm2::remask_points(&[encoded], &scalar, 1, &mut out));
        }
    }
}

#[test]
fn verifiable_shares() {
    let (mut commitments, mut shares) = ([[0; 32]; 4], [[0; 64]; 6]);
    let coins = vec![9; vss::coins_size(2, 1)];
    vss::deal(&[3, -4], &coins, 1, 3, &mut commitments, &mut shares).unwrap();
    let weights = [1; 2 * vss::WEIGHT_BYTES];
    for bytes in variants(shares[..2].as_flattened(), 8) {
        if let (rows, []) = bytes.as_chunks::<64>()
            && rows.len() == 2
        {
            fine_or_malformed(vss::verify(&[1], rows, &commitments, 1, &weights));
            fine_or_malformed(vss::add_shares(rows, &mut [[0; 64]]));
            fine_or_malformed(vss::recover(&[1, 2], rows, &mut [0]));
        }
    }
    for bytes in variants(commitments.as_flattened(), 9) {
        if let (points, []) = bytes.as_chunks::<32>()
            && points.len() == 4
        {
            fine_or_malformed(vss::verify(&[1], &shares[..2], points, 1, &weights));
            fine_or_malformed(vss::add_commitments(points, &mut [[0; 32]; 2]));
        }
    }
}
