//! Reproducible inputs for the unit tests.

use crate::prg::Prg;

/// A stream of pseudorandom test data.
pub(crate) struct Stream {
    prg: Prg,
    position: u128,
}

impl Stream {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            prg: Prg::new(&[seed; 16]),
            position: 0,
        }
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Vec<u8> {
        let mut out = vec![0; n];
        self.prg.fill(self.position, &mut out);
        self.position += n.div_ceil(16) as u128;
        out
    }

    pub(crate) fn words(&mut self, n: usize) -> Vec<u64> {
        let bytes = self.bytes(8 * n);
        bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word))
            .collect()
    }

    pub(crate) fn blocks(&mut self, n: usize) -> Vec<[u8; 16]> {
        self.bytes(16 * n).as_chunks::<16>().0.to_vec()
    }

    pub(crate) fn bits(&mut self, n: usize) -> Vec<u8> {
        self.bytes(n).iter().map(|byte| byte & 1).collect()
    }
}
