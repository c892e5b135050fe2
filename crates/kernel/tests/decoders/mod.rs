//! Every decoder that a peer's bytes reach, with honest state around it: one list for the tests of this crate and
//! for the fuzz targets in `fuzz/`.
#![allow(clippy::unwrap_used, clippy::panic)]

use tacit_kernel::fss::{Output, Shape as FunctionShape, dcf, dpf};
use tacit_kernel::garble::{Builder, Evaluator, Role, labels};
use tacit_kernel::ot::gilboa99::{self, Shape};
use tacit_kernel::ot::softspoken_roy22::{self, check};
use tacit_kernel::ot::{cot, endemic_mr19};
use tacit_kernel::psi::tag::Tag;
use tacit_kernel::psi::tag_list::TagList;
use tacit_kernel::rlwe::{Layout, Matrix, Modulus, PublicKey, SecretKey, public_key_size, slots};
use tacit_kernel::scalar::Scalars;
use tacit_kernel::silent::{ExConv7x24, cot as silent_cot, vole as silent_vole};
use tacit_kernel::{Error, Result, curve, sm2, vss, x25519};

type Decode = Box<dyn FnMut(&[u8]) -> Result<()>>;

/// One decoder. `size`: bytes of a well-formed message.
pub struct Decoder {
    pub name: &'static str,
    pub size: usize,
    decode: Decode,
}

impl Decoder {
    fn new(
        name: &'static str,
        size: usize,
        decode: impl FnMut(&[u8]) -> Result<()> + 'static,
    ) -> Self {
        let decode = Box::new(decode);
        Self { name, size, decode }
    }

    /// Bytes as they are, and cut or repeated to the right size: nothing but success, `Malformed` or `Cheat`.
    pub fn feed(&mut self, bytes: &[u8]) {
        let repeated = bytes.iter().chain(&[0; 1]).cycle();
        let fitting: Vec<u8> = repeated.take(self.size).copied().collect();
        for message in [bytes, &fitting] {
            match (self.decode)(message) {
                Ok(()) | Err(Error::Malformed(_) | Error::Cheat(_)) => {}
                Err(error) => panic!("{}: {error}", self.name),
            }
        }
    }
}

/// The decoder of this name, for a fuzz target.
#[allow(dead_code)]
pub fn named(name: &str) -> Decoder {
    let mut all = all().into_iter();
    all.find(|decoder| decoder.name == name).unwrap()
}

/// All of them.
pub fn all() -> Vec<Decoder> {
    let mut all = base_ots();
    all.extend(softspoken());
    all.extend(silent());
    all.extend(payloads());
    all.extend(points());
    all.extend(garbled());
    all.extend(tag_lists());
    all.extend(lattices());
    all.extend(shared_functions());
    all
}

/// Fresh labels: a label serves once.
fn labels() -> impl FnMut() -> [u8; 16] {
    let mut call = 0u128;
    move || {
        call += 1;
        call.to_le_bytes()
    }
}

fn base_ots() -> Vec<Decoder> {
    vec![
        Decoder::new("endemic_sender", 3 * 64, |bytes| {
            let (sender, _) = endemic_mr19::Sender::start(&[1; 32], b"sid", 3).unwrap();
            sender.finish(bytes).map(drop)
        }),
        Decoder::new("endemic_receiver", 3 * 32, |bytes| {
            let receiver = endemic_mr19::Receiver::start(&[2; 32], b"sid", &[0, 1, 1]);
            receiver.unwrap().0.finish(bytes).map(drop)
        }),
    ]
}

const K: usize = 4;

fn softspoken_sender(trees: &[u8]) -> Result<softspoken_roy22::Sender> {
    softspoken_roy22::Sender::start(K, &[1; 128], &[[2; 16]; 128], trees)
}

fn softspoken() -> Vec<Decoder> {
    let base = vec![[[1u8; 16], [2; 16]]; 128];
    let start = softspoken_roy22::Receiver::start(K, &base, &[3; 16]);
    let (mut receiver, trees) = start.unwrap();
    let n = 77;
    let size = softspoken_roy22::message_size(K, n).unwrap();
    let checked_size = softspoken_roy22::message_size(K, check::extended(n)).unwrap();
    let mut honest = vec![0; checked_size];
    let mut rows = vec![[0; 16]; n];
    let pending = receiver.extend_checked(&[9; 16], &[5; 10], &[6; 16], &mut rows, &mut honest);
    drop(pending.unwrap());
    let honest_sender = move || softspoken_sender(&trees).unwrap();
    let (mut first, mut second, mut third) = (honest_sender(), honest_sender(), honest_sender());
    let verifying = honest_sender();
    let (mut label, mut other, mut last) = (labels(), labels(), labels());
    vec![
        Decoder::new("softspoken_trees", 4096, |bytes| {
            softspoken_sender(bytes).map(drop)
        }),
        Decoder::new(
            "softspoken_tree_check",
            check::trees_size(K),
            move |bytes| verifying.verify_trees(bytes),
        ),
        Decoder::new("softspoken_extension", size, move |bytes| {
            first.extend(&label(), bytes, &mut [[0; 16]; 77])
        }),
        Decoder::new("softspoken_checked", checked_size, move |bytes| {
            let answer = [3; check::ANSWER_BYTES];
            second.extend_checked(&other(), bytes, &[4; 16], &answer, &mut [[0; 16]; 77])
        }),
        Decoder::new("softspoken_answer", check::ANSWER_BYTES, move |bytes| {
            third.extend_checked(&last(), &honest, &[4; 16], bytes, &mut [[0; 16]; 77])
        }),
    ]
}

fn silent() -> Vec<Decoder> {
    let n = 100;
    let base = vec![[7; 16]; silent_vole::base_ots(Scalars::Whole, n).unwrap()];
    let half_base = base[..silent_vole::base_ots(Scalars::Half, n).unwrap()].to_vec();
    let base_cot = base[..silent_cot::base_ots(n).unwrap()].to_vec();
    vec![
        Decoder::new("silent_cot", 16 * base_cot.len(), move |bytes| {
            let start = silent_cot::Receiver::<ExConv7x24>::start(n, &[1; 16], &[2; 16]);
            let mut rows = vec![[0; 16]; n];
            start.unwrap().0.finish(&base_cot, bytes, &mut rows)
        }),
        Decoder::new("silent_flips", n.div_ceil(8), move |bytes| {
            silent_cot::derandomise(&mut vec![[0; 16]; n], &[1; 16], bytes)
        }),
        vole_decoder("silent_vole", Scalars::Whole, n, base),
        vole_decoder("silent_vole_half", Scalars::Half, n, half_base),
    ]
}

fn vole_decoder(name: &'static str, scalars: Scalars, n: usize, base: Vec<[u8; 16]>) -> Decoder {
    let size = silent_vole::message_size(n).unwrap();
    Decoder::new(name, size, move |bytes| {
        let start = silent_vole::Receiver::<ExConv7x24>::start(scalars, n, &[1; 16], &[2; 16]);
        let (mut u, mut t) = (vec![[0; 16]; n], vec![[0; 16]; n]);
        start.unwrap().0.finish(&base, bytes, &mut u, &mut t)
    })
}

fn tag_lists() -> Vec<Decoder> {
    let short = TagList::new::<u64>(21, 60).unwrap();
    let long = TagList::new::<u128>(21, 128).unwrap();
    let heads = (0..30u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let heads: Vec<u64> = heads.collect();
    let others = heads.clone();
    vec![
        Decoder::new("tag_list_short", short.size(), move |bytes| {
            let tag = |head: &u64| Tag {
                head: *head,
                low: *head,
            };
            let tags: Vec<Tag<u64>> = heads.iter().map(tag).collect();
            short.find(bytes, &tags).map(drop)
        }),
        Decoder::new("tag_list_long", long.size(), move |bytes| {
            let tag = |head: &u64| Tag {
                head: *head,
                low: u128::from(*head),
            };
            let tags: Vec<Tag<u128>> = others.iter().map(tag).collect();
            long.find(bytes, &tags).map(drop)
        }),
    ]
}

fn payloads() -> Vec<Decoder> {
    let shape = Shape {
        batch: 2,
        m: 3,
        d: 3,
        bits: 11,
    };
    vec![
        Decoder::new(
            "cot_payload",
            cot::payload_size(66, 3, 33).unwrap(),
            |bytes| {
                let (rows, mut share) = ([[7; 16]; 66], [0; 66 * 3]);
                cot::receive(&rows, &[0; 16], &[0; 9], bytes, 3, 33, &mut share)
            },
        ),
        Decoder::new(
            "gilboa_payload",
            shape.payload_size().unwrap(),
            move |bytes| {
                let rows = [[7; 16]; 66];
                gilboa99::receive(&rows, &[0; 16], &[5; 6], bytes, shape, &mut [0; 6])
            },
        ),
    ]
}

/// Whole points or shares only: cutting into them is the Python side's work, which knows the shape.
fn whole<const N: usize>(bytes: &[u8], count: usize) -> Result<Vec<[u8; N]>> {
    match bytes.as_chunks::<N>() {
        (rows, []) if rows.len() == count => Ok(rows.to_vec()),
        _ => Err(Error::Malformed("another number of elements")),
    }
}

fn garbled() -> Vec<Decoder> {
    let mut builder = Builder::default();
    let [x, y] = builder.inputs(Role::Garbler);
    let both = builder.and(x, y);
    let circuit = std::sync::Arc::new(builder.finish(&[both]).unwrap());
    let rows = [[7; 16]; 3];
    vec![
        Decoder::new("garbled_labels", 3 * 16, move |bytes| {
            labels::receive(&rows, &[1; 16], &[5], bytes, &mut [[0; 16]; 3])
        }),
        Decoder::new("garbled_tables", 32, move |bytes| {
            let mut state = Evaluator::start(circuit.clone(), 1, &[2; 16], &[[3; 16]; 2], &[])?;
            state.evaluate(bytes)?;
            state.finish().map(|_| ())
        }),
    ]
}

fn points() -> Vec<Decoder> {
    let mut scalar = [0u8; 32];
    scalar[0] = 5;
    let (mut commitments, mut shares) = ([[0; 32]; 4], [[0; 64]; 6]);
    let coins = vec![9; vss::coins_size(2, 1)];
    vss::deal(&[3, -4], &coins, 1, 3, &mut commitments, &mut shares).unwrap();
    let weights = [1; 2 * vss::WEIGHT_BYTES];
    vec![
        Decoder::new("points", 2 * 32, move |bytes| {
            let points = whole(bytes, 2)?;
            curve::remask_points(&points, &scalar, 1, &mut [[0; 32]; 2])
        }),
        Decoder::new("oprf_answers", 2 * 32 + 64, move |bytes| {
            let malformed = Error::Malformed("wrong size");
            let (points, proof) = bytes.split_last_chunk::<64>().ok_or(malformed)?;
            let points: Vec<[u8; 32]> = whole(points, 2)?;
            let public = tacit_kernel::oprf::public_key(&scalar)?;
            tacit_kernel::oprf::verify(&public, &points, &points, proof)?;
            tacit_kernel::oprf::prove(&scalar, &points, &points, &[3; 64])?;
            let blinds = [scalar; 2];
            let outputs = &mut [0; 48];
            tacit_kernel::oprf::finalize(&[1, 2], &[0, 1, 2], (&points, &blinds), 1, 24, outputs)
        }),
        Decoder::new("sm2_points", 2 * 32, move |bytes| {
            let points = whole(bytes, 2)?;
            sm2::remask_points(&points, &sm2::scalar(&[9; 64]), 1, &mut [[0; 32]; 2])
        }),
        Decoder::new("x25519_points", 2 * 32, move |bytes| {
            let points = whole(bytes, 2)?;
            x25519::remask_points(&points, &x25519::scalar(&[9; 32]), 1, &mut [[0; 32]; 2])
        }),
        Decoder::new("vss_shares", 2 * 64, move |bytes| {
            let rows = whole(bytes, 2)?;
            vss::verify(&[1], &rows, &commitments, 1, &weights)?;
            vss::add_shares(&rows, &mut [[0; 64]])?;
            vss::recover(&[1, 2], &rows, &mut [0])
        }),
        Decoder::new("vss_commitments", 4 * 32, move |bytes| {
            let points = whole(bytes, 4)?;
            vss::verify(&[1], &shares[..2], &points, 1, &weights)?;
            vss::add_commitments(&points, &mut [[0; 32]; 2])
        }),
    ]
}

fn shared_functions() -> Vec<Decoder> {
    let shape = |output| FunctionShape::new(9, output).unwrap();
    let (bits, words) = (shape(Output::Bit), shape(Output::Word));
    let mut point = vec![0; dpf::all_words(bits).unwrap()];
    let mut comparison = vec![0; dcf::all_words(words).unwrap()];
    vec![
        Decoder::new("dpf_key", dpf::key_size(bits), move |bytes| {
            dpf::evaluate_all(bits, 0, &[1; 16], bytes, &mut point)
        }),
        Decoder::new("dcf_key", dcf::key_size(words), move |bytes| {
            dcf::evaluate_all(words, 1, &[1; 16], bytes, &mut comparison)
        }),
    ]
}

fn lattices() -> Vec<Decoder> {
    let modulus = Modulus::Q180;
    let layout = Layout::plan((3, 5, 2), 24, modulus).unwrap();
    let (key, encoded) = SecretKey::generate(modulus, &[1; 32]);
    let public = PublicKey::decode(modulus, &encoded).unwrap();
    let matrix = Matrix::new(layout, &[1; 15], false).unwrap();
    let (wide_key, wide_encoded) = SecretKey::generate(slots::MODULUS, &[1; 32]);
    let wide_public = PublicKey::decode(slots::MODULUS, &wide_encoded).unwrap();
    let wide_answer = slots::answer_size(9).unwrap();
    vec![
        Decoder::new("rlwe_public_key", public_key_size(modulus), move |bytes| {
            PublicKey::decode(modulus, bytes).map(drop)
        }),
        Decoder::new("rlwe_ciphertexts", layout.fresh_size(), move |bytes| {
            let mut answer = vec![0; layout.answer_size()];
            matrix.multiply(&public, bytes, &[3; 16], &mut answer, &mut [0; 6])
        }),
        Decoder::new("rlwe_answer", layout.answer_size(), move |bytes| {
            key.decrypt(&layout, bytes, &mut [0; 6])
        }),
        Decoder::new(
            "slot_ciphertexts",
            slots::fresh_size(9, 1).unwrap(),
            move |bytes| {
                let mut answer = vec![0; wide_answer];
                let factors = [7; 9];
                slots::multiply(
                    &wide_public,
                    bytes,
                    &[3; 16],
                    &factors,
                    1,
                    &mut answer,
                    &mut [0; 9],
                )
            },
        ),
        Decoder::new("slot_answer", wide_answer, move |bytes| {
            slots::decrypt(&wide_key, bytes, 9, &mut [0; 9])
        }),
    ]
}
