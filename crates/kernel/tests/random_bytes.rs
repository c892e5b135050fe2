//! Seeded random bytes into every decoder: what the fuzz targets do without end, for a moment and on stable Rust.
#![allow(clippy::unwrap_used)]

mod decoders;

use tacit_kernel::prg::Prg;

/// Random messages of random length, sparse ones and constant ones.
fn messages(size: usize, seed: u8) -> Vec<Vec<u8>> {
    let prg = Prg::new(&[seed; 16]);
    let mut choices = [0u8; 48 * 4];
    prg.fill(0, &mut choices);
    let draws = choices.as_chunks::<4>().0.iter().enumerate();
    let mut all: Vec<Vec<u8>> = draws
        .map(|(call, draw)| {
            let draw = u32::from_le_bytes(*draw) as usize;
            let mut bytes = vec![0; draw % (size + 40)];
            prg.fill(((call + 1) as u128) << 64, &mut bytes);
            if call % 3 == 0 {
                // Mostly zeros: small numbers and points near the identity.
                bytes.iter_mut().skip(draw % 29).for_each(|byte| *byte = 0);
            }
            bytes
        })
        .collect();
    all.extend([0, 1, 0x7f, 0x80, 0xff].map(|byte| vec![byte; size]));
    all
}

#[test]
fn no_decoder_panics_or_blames_its_caller() {
    for (index, mut decoder) in decoders::all().into_iter().enumerate() {
        for message in messages(decoder.size, index as u8) {
            decoder.feed(&message);
        }
    }
}

#[test]
fn every_decoder_has_a_fuzz_target() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/fuzz_targets");
    let mut targets: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_string()
        })
        .collect();
    let mut names: Vec<&str> = decoders::all().iter().map(|decoder| decoder.name).collect();
    targets.sort();
    names.sort_unstable();
    assert_eq!(targets, names);
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
