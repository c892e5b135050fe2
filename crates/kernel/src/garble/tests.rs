//! Garbled runs against runs in the clear.

use super::circuit::tests::clear;
use super::sha256::{INITIAL, Word, constant};
use super::*;
use crate::aes::{Aes128, Block, xor};
use crate::error::Error;
use crate::simd::on_every_tier;
use crate::testing::Stream;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Outputs `[output][instance]` of a garbled run; inputs `[input][instance]`.
fn run(circuit: &Arc<Circuit>, instances: usize, bits: [&[u8]; 2], random: &mut Stream) -> Vec<u8> {
    let (delta, start) = (random.blocks(1)[0], random.blocks(1)[0]);
    let (own, zero) = (random.blocks(bits[0].len()), random.blocks(bits[1].len()));
    let odd = half_gates_zre15::odd(&delta);
    let labels: Vec<Block> = zero
        .iter()
        .zip(bits[1])
        .map(|(label, bit)| if *bit == 1 { xor(*label, odd) } else { *label })
        .collect();
    let circuit = || Arc::clone(circuit);
    let mut garbler =
        Garbler::start(circuit(), instances, &delta, &start, &own, bits[0], &zero).unwrap();
    let mut evaluator = Evaluator::start(circuit(), instances, &start, &own, &labels).unwrap();
    let mut size = 0;
    while garbler.next_size() > 0 {
        let mut tables = vec![0; garbler.next_size()];
        garbler.garble(&mut tables).unwrap();
        evaluator.evaluate(&tables).unwrap();
        size += tables.len();
    }
    assert_eq!(
        size,
        half_gates_zre15::tables_size(&circuit(), instances).unwrap()
    );
    assert_eq!(evaluator.next_size(), 0);
    let decoding = garbler.finish().unwrap();
    let lowest = evaluator.finish().unwrap();
    lowest
        .iter()
        .zip(decoding)
        .map(|(bit, d)| bit ^ d)
        .collect()
}

/// A random circuit over all gates, its outputs, and numbers of inputs.
fn random_circuit(random: &mut Stream, gates: usize) -> (Builder, Vec<Wire>) {
    let mut builder = Builder::default();
    let mut wires: Vec<Wire> = builder.inputs::<5>(Role::Garbler).to_vec();
    wires.extend(builder.inputs::<4>(Role::Evaluator));
    for choice in random.words(gates) {
        let a = wires[(choice >> 8) as usize % wires.len()];
        let b = wires[(choice >> 40) as usize % wires.len()];
        let wire = match choice % 4 {
            0 => builder.xor(a, b),
            1 => builder.not(a),
            _ => builder.and(a, b),
        };
        if wire != Wire::ZERO && wire != Wire::ONE {
            wires.push(wire);
        }
    }
    let outputs = wires
        .iter()
        .rev()
        .take(7)
        .chain(&wires[..2])
        .copied()
        .collect();
    (builder, outputs)
}

fn column(bits: &[u8], instances: usize, instance: usize) -> Vec<u8> {
    bits.iter()
        .skip(instance)
        .step_by(instances)
        .copied()
        .collect()
}

#[test]
fn random_circuits_compute_what_they_compute_in_the_clear() {
    let mut random = Stream::new(24);
    on_every_tier(|_| {
        for (gates, instances) in [
            (0, 1),
            (1, 3),
            (30, 1),
            (90, 31),
            (300, 32),
            (300, 33),
            (90, 100),
        ] {
            let (builder, outputs) = random_circuit(&mut random, gates);
            let circuit = Arc::new(builder.clone().finish(&outputs).unwrap());
            let (own, theirs) = (random.bits(5 * instances), random.bits(4 * instances));
            let out = run(&circuit, instances, [&own, &theirs], &mut random);
            for i in 0..instances {
                let inputs = [
                    &column(&own, instances, i)[..],
                    &column(&theirs, instances, i),
                ];
                assert_eq!(
                    column(&out, instances, i),
                    clear(&builder, &outputs, inputs)
                );
            }
        }
    });
}

fn bits_of(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| (byte >> bit) & 1))
        .collect()
}

fn aes_circuit() -> Arc<Circuit> {
    let mut builder = Builder::default();
    let key = builder.inputs(Role::Garbler);
    let block = builder.inputs(Role::Evaluator);
    let out = aes128::encrypt(&mut builder, &key, &block);
    Arc::new(builder.finish(&out).unwrap())
}

#[test]
fn aes_128_garbled_gives_the_examples_of_fips_197() {
    let circuit = aes_circuit();
    assert_eq!((circuit.ands(), circuit.depth()), (6400, 60));
    let mut random = Stream::new(25);
    let example = |text: u128| text.to_be_bytes();
    let mut pairs = vec![
        (
            example(0x2b7e151628aed2a6abf7158809cf4f3c),
            example(0x3243f6a8885a308d313198a2e0370734),
        ),
        (
            example(0x000102030405060708090a0b0c0d0e0f),
            example(0x00112233445566778899aabbccddeeff),
        ),
    ];
    pairs.extend((0..3).map(|_| (random.blocks(1)[0], random.blocks(1)[0])));
    on_every_tier(|_| {
        for pairs in [&pairs[..], &pairs[..1]] {
            let instances = pairs.len();
            let rows = |pick: fn(&(Block, Block)) -> Block| -> Vec<u8> {
                let bits: Vec<Vec<u8>> = pairs.iter().map(|pair| bits_of(&pick(pair))).collect();
                (0..128)
                    .flat_map(|bit| bits.iter().map(move |bits| bits[bit]))
                    .collect()
            };
            let (keys, blocks) = (rows(|pair| pair.0), rows(|pair| pair.1));
            let out = run(&circuit, instances, [&keys, &blocks], &mut random);
            for (i, (key, block)) in pairs.iter().enumerate() {
                let expected = Aes128::new(key).encrypt(block);
                assert_eq!(column(&out, instances, i), bits_of(&expected));
            }
            let first = bits_of(&example(0x3925841d02dc09fbdc118597196a0b32));
            assert_eq!(column(&out, instances, 0), first);
        }
    });
}

#[test]
fn sha_256_garbled_gives_the_digest() {
    let mut builder = Builder::default();
    let block: [Word; 16] = core::array::from_fn(|_| builder.inputs(Role::Evaluator));
    let state = INITIAL.map(constant);
    let out = sha256::compress(&mut builder, &state, &block);
    let circuit = Arc::new(builder.finish(out.as_flattened()).unwrap());
    assert_eq!(circuit.ands(), 22_352);
    // FIPS 180-4: "abc" in one padded block.
    let mut message = [0u8; 64];
    message[..4].copy_from_slice(b"abc\x80");
    message[63] = 24;
    let words = message.as_chunks::<4>().0.iter();
    let bits: Vec<u8> = words
        .flat_map(|word| {
            let word = u32::from_be_bytes(*word);
            (0..32).map(move |bit| ((word >> bit) & 1) as u8)
        })
        .collect();
    let out = run(&circuit, 1, [&[], &bits], &mut Stream::new(26));
    let digest: Vec<u8> = out
        .chunks(32)
        .flat_map(|word| {
            let word = word
                .iter()
                .rev()
                .fold(0u32, |value, bit| 2 * value + u32::from(*bit));
            word.to_be_bytes()
        })
        .collect();
    assert_eq!(digest, Sha256::digest(b"abc").to_vec());
    assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
}

#[test]
fn wrong_tables_are_refused_or_give_wrong_bits_and_never_a_panic() {
    let circuit = aes_circuit();
    let mut random = Stream::new(27);
    let (own, theirs) = (random.blocks(128), random.blocks(128));
    let start = || Evaluator::start(Arc::clone(&circuit), 1, &[1; 16], &own, &theirs).unwrap();
    let mut evaluator = start();
    let size = evaluator.next_size();
    for wrong in [0, 1, size - 1, size - 32, size + 1, size + 32] {
        let refused = evaluator.evaluate(&vec![0; wrong]);
        assert!(matches!(refused, Err(Error::Malformed(_))));
    }
    assert!(matches!(start().finish(), Err(Error::Abort(_))));
    let mut results = Vec::new();
    for fill in [0u8, 255] {
        let mut evaluator = start();
        while evaluator.next_size() > 0 {
            let tables = vec![fill; evaluator.next_size()];
            evaluator.evaluate(&tables).unwrap();
        }
        results.push(evaluator.finish().unwrap());
    }
    assert_ne!(results[0], results[1]);
    assert!(Evaluator::start(Arc::clone(&circuit), 2, &[1; 16], &own, &theirs).is_err());
    assert!(Evaluator::start(Arc::clone(&circuit), 0, &[1; 16], &[], &[]).is_err());
    assert!(Evaluator::start(Arc::clone(&circuit), usize::MAX, &[1; 16], &[], &[]).is_err());
    let garbler = Garbler::start(
        Arc::clone(&circuit),
        1,
        &[1; 16],
        &[1; 16],
        &own,
        &[1],
        &theirs,
    );
    assert!(matches!(garbler.err(), Some(Error::Mismatch(_))));
    let mut garbler = Garbler::start(
        Arc::clone(&circuit),
        1,
        &[1; 16],
        &[1; 16],
        &own,
        &[1; 128],
        &theirs,
    )
    .unwrap();
    assert!(matches!(
        garbler.garble(&mut [0; 31]),
        Err(Error::Mismatch(_))
    ));
    assert!(matches!(garbler.finish(), Err(Error::Abort(_))));
}
