//! Whole products through the public interface, and what a peer may send.
#![allow(clippy::unwrap_used)]

use tacit_kernel::prg::Prg;
use tacit_kernel::rlwe::{Layout, Matrix, Modulus, PublicKey, SecretKey, public_key_size};
use tacit_kernel::{Error, Result, ring};

fn words(seed: u8, n: usize) -> Vec<u64> {
    let mut bytes = vec![0; 8 * n];
    Prg::new(&[seed; 16]).fill(0, &mut bytes);
    let words = bytes.as_chunks::<8>().0.iter();
    words.map(|word| u64::from_le_bytes(*word)).collect()
}

/// Signed numbers of that many bits, the extreme ones among them.
fn bounded(seed: u8, n: usize, bits: usize) -> Vec<u64> {
    let mut x = words(seed, n);
    x.iter_mut()
        .for_each(|x| *x = (*x as i64 >> (64 - bits)) as u64);
    x[0] = 1 << (bits - 1);
    x[0] = x[0].wrapping_neg();
    x[n / 2] = (1u64 << (bits - 1)) - 1;
    x
}

struct Run {
    layout: Layout,
    key: SecretKey,
    public: PublicKey,
    message: Vec<u8>,
    x: Vec<u64>,
    w: Vec<u64>,
}

fn start(shape: (usize, usize, usize), x_bits: usize, modulus: Modulus, x: Vec<u64>) -> Run {
    let layout = Layout::plan(shape, x_bits, modulus).unwrap();
    let (key, encoded) = SecretKey::generate(modulus, &[1; 32]);
    let w = words(4, shape.1 * shape.2);
    let mut message = vec![0; layout.fresh_size()];
    key.encrypt(&layout, &[2; 32], &w, &mut message).unwrap();
    let public = PublicKey::decode(modulus, &encoded).unwrap();
    Run {
        layout,
        key,
        public,
        message,
        x,
        w,
    }
}

impl Run {
    fn answer(&self, seed: u8, keep: bool) -> (Vec<u8>, Vec<u64>) {
        let matrix = Matrix::new(self.layout, &self.x, keep).unwrap();
        let mut answer = vec![0; self.layout.answer_size()];
        let (rows, _, columns) = self.layout.shape();
        let mut share = vec![0; rows * columns];
        matrix
            .multiply(
                &self.public,
                &self.message,
                &[seed; 16],
                &mut answer,
                &mut share,
            )
            .unwrap();
        (answer, share)
    }
}

fn check(shape: (usize, usize, usize), x_bits: usize, modulus: Modulus) {
    let run = start(
        shape,
        x_bits,
        modulus,
        bounded(3, shape.0 * shape.1, x_bits),
    );
    let (m, d, k) = shape;
    for keep in [false, true] {
        let (answer, mine) = run.answer(9, keep);
        let mut theirs = vec![0; m * k];
        run.key.decrypt(&run.layout, &answer, &mut theirs).unwrap();
        let mut expected = vec![0; m * k];
        let mut columns = vec![0; d * k];
        for j in 0..d {
            for c in 0..k {
                columns[j * k + c] = run.w[c * d + j];
            }
        }
        ring::matmul(&run.x, &columns, (m, d, k), &mut expected).unwrap();
        for row in 0..m {
            for column in 0..k {
                let at = column * m + row;
                let sum = mine[at].wrapping_add(theirs[at]);
                assert_eq!(
                    sum,
                    expected[row * k + column],
                    "{shape:?} {x_bits} {modulus:?}"
                );
            }
        }
        assert!(m * k < 64 || mine.iter().zip(&theirs).all(|(a, b)| *a != 0 && *b != 0));
    }
}

#[test]
fn products_of_many_shapes() {
    use Modulus::{Q180, Q200, Q215};
    for shape in [
        (1, 1, 1),
        (1, 8192, 1),
        (3, 5, 2),
        (1000, 100, 1),
        (100, 1024, 1),
        (7, 9000, 1),
        (2, 20000, 3),
        (65, 33, 70),
    ] {
        check(shape, 24, Q180);
        check(shape, 40, Q200);
        if shape.1 < 6000 {
            check(shape, 64, Q215);
        }
    }
    check((5, 3, 4), 1, Q180);
    check((9000, 2, 1), 50, Q215);
    check((20, 17, 300), 63, Q215);
}

/// Byte strings around a valid message: cut, extended, flipped, constant and random.
fn variants(valid: &[u8]) -> Vec<Vec<u8>> {
    let random = words(77, valid.len() / 8 + 2);
    let random: Vec<u8> = random.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut all = vec![
        vec![],
        vec![0; valid.len()],
        vec![255; valid.len()],
        random[..valid.len()].to_vec(),
    ];
    for cut in [1, 9, 10, 16, 50] {
        all.push(valid[..valid.len() - cut].to_vec());
        all.push([valid, &random[..cut]].concat());
    }
    for at in [0, 15, 16, 17, valid.len() / 2, valid.len() - 1] {
        let mut flipped = valid.to_vec();
        flipped[at] ^= 0x81;
        all.push(flipped);
    }
    all
}

fn is_malformed<T>(result: Result<T>) -> bool {
    let error = result.err();
    assert!(
        matches!(error, None | Some(Error::Malformed(_))),
        "{error:?}"
    );
    error.is_some()
}

#[test]
fn whatever_a_peer_sends_is_decoded_or_malformed() {
    for modulus in [Modulus::Q180, Modulus::Q200, Modulus::Q215] {
        let run = start((30, 20, 2), 20, modulus, bounded(3, 600, 20));
        let matrix = Matrix::new(run.layout, &run.x, true).unwrap();
        let (mut answer, _) = run.answer(1, false);
        let (_, encoded) = SecretKey::generate(modulus, &[1; 32]);
        let mut share = vec![0; 60];
        for bytes in variants(&run.message) {
            let result = matrix.multiply(&run.public, &bytes, &[1; 16], &mut answer, &mut share);
            assert!(is_malformed(result) || bytes.len() == run.message.len());
        }
        for bytes in variants(&answer) {
            let refused = is_malformed(run.key.decrypt(&run.layout, &bytes, &mut share));
            assert_eq!(refused, bytes.len() != answer.len());
        }
        for bytes in variants(&encoded) {
            let refused = is_malformed(PublicKey::decode(modulus, &bytes));
            assert!(refused || bytes.len() == public_key_size(modulus));
        }
        // A residue of p itself: the first one, all bits set.
        let mut bytes = run.message.clone();
        bytes[16..23].fill(255);
        assert!(is_malformed(matrix.multiply(
            &run.public,
            &bytes,
            &[1; 16],
            &mut answer,
            &mut share
        )));
    }
}

#[test]
fn arguments_out_of_range_are_refused() {
    let range =
        |shape, bits, modulus| matches!(Layout::plan(shape, bits, modulus), Err(Error::Range(_)));
    for shape in [
        (0, 1, 1),
        (1, 0, 1),
        (1, 1, 0),
        (usize::MAX, 1, 1),
        (1, (1 << 26) + 1, 1),
    ] {
        assert!(range(shape, 40, Modulus::Q200));
    }
    assert!(range((1, 1, 1), 0, Modulus::Q200) && range((1, 1, 1), 65, Modulus::Q200));
    // The edges of the noise budget.
    assert!(range((1, 6097, 1), 64, Modulus::Q215) && !range((1, 6096, 1), 64, Modulus::Q215));
    assert!(range((1, 1, 1), 64, Modulus::Q200) && range((1, 1, 1), 43, Modulus::Q180));
    assert!(!range((1 << 13, 1 << 21, 1), 40, Modulus::Q200));
    assert!(range((1 << 18, 2, 1 << 18), 40, Modulus::Q200));
    let layout = Layout::plan((2, 2, 1), 10, Modulus::Q180).unwrap();
    for beyond in [512, 513, 1 << 63, 513u64.wrapping_neg()] {
        assert!(matches!(
            Matrix::new(layout, &[0, 0, 0, beyond], false),
            Err(Error::Range(_))
        ));
    }
    assert!(Matrix::new(layout, &[511, 512u64.wrapping_neg(), 0, u64::MAX], false).is_ok());
    assert!(matches!(
        Matrix::new(layout, &[0; 3], false),
        Err(Error::Mismatch(_))
    ));
    let (key, _) = SecretKey::generate(Modulus::Q200, &[1; 32]);
    let mut message = vec![0; layout.fresh_size()];
    let result = key.encrypt(&layout, &[2; 32], &[0; 2], &mut message);
    assert!(matches!(result, Err(Error::Mismatch(_))));
    assert!(Modulus::of_bits(218).is_err());
}

/// A frozen run, so that no change of the wire format goes unseen.
#[test]
fn vectors() {
    let digest = |bytes: &[u8]| {
        // FNV-1a, enough to notice a change.
        bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |state, byte| {
            (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    let found = [Modulus::Q180, Modulus::Q200, Modulus::Q215].map(|modulus| {
        let run = start((30, 20, 2), 20, modulus, bounded(3, 600, 20));
        let (answer, _) = run.answer(1, false);
        [digest(&run.message), digest(&answer)]
    });
    assert_eq!(found, VECTORS);
}

const VECTORS: [[u64; 2]; 3] = [
    [334622561811834732, 10873697178303574818],
    [13921755088768213446, 8138807075036961385],
    [15677284282602005358, 3165424061462337387],
];
