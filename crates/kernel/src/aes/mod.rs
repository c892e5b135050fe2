//! AES-128 on many blocks at once: VAES-512, AES-NI or a portable bit-sliced form.
//!
//! Source: FIPS 197. Setting: local; constant time in keys and data on every tier.
//! Cost: 10 rounds per block, 32 blocks in flight on VAES-512, 8 on AES-NI, 64 when portable.
//! Floor: two 512-bit rounds per cycle on Zen 5, 1.25 cycles per block.

pub(crate) mod lanes;
pub(crate) mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_lanes;

#[cfg(target_arch = "x86_64")]
use crate::simd::Tier;
use crate::simd::tier;
use crate::wipe::wipe;

/// 128 bits; numbers inside are little-endian unless said otherwise.
pub type Block = [u8; 16];

/// `a ⊕ b`.
#[inline(always)]
#[must_use]
pub fn xor(a: Block, b: Block) -> Block {
    (u128::from_ne_bytes(a) ^ u128::from_ne_bytes(b)).to_ne_bytes()
}

/// An expanded AES-128 key. Wiped on drop.
#[derive(Clone)]
pub struct Aes128 {
    round_keys: [Block; 11],
}

impl Aes128 {
    /// Expands a key.
    #[must_use]
    pub fn new(key: &Block) -> Self {
        let round_keys = match tier() {
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 | Tier::Avx512 => x86::expand_key(key),
            _ => portable::expand_key(key),
        };
        Self { round_keys }
    }

    /// Encrypts every block in place.
    pub fn encrypt_blocks(&self, blocks: &mut [Block]) {
        match tier() {
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => x86::encrypt_avx512(&self.round_keys, blocks),
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 => x86::encrypt_aesni(&self.round_keys, blocks),
            _ => portable::encrypt(&self.round_keys, blocks),
        }
    }

    /// Encrypts one block.
    #[must_use]
    pub fn encrypt(&self, block: &Block) -> Block {
        let mut out = [*block];
        self.encrypt_blocks(&mut out);
        out[0]
    }

    /// Key stream of counter mode: block `i` of `out` is the encryption of the 128-bit big-endian
    /// number `start + i` (wrapping); a last partial block is cut.
    pub fn keystream(&self, start: u128, out: &mut [u8]) {
        let whole = out.len() / 16 * 16;
        let (blocks, rest) = out.split_at_mut(whole);
        let blocks = blocks.as_chunks_mut::<16>().0;
        #[cfg(target_arch = "x86_64")]
        // The wide path counts in 64 bits; a range that crosses 2^64 takes the general one.
        if tier() == Tier::Avx512 && (start as u64).checked_add(blocks.len() as u64).is_some() {
            x86::keystream_avx512(&self.round_keys, start, blocks);
        } else {
            self.keystream_in_place(start, blocks);
        }
        #[cfg(not(target_arch = "x86_64"))]
        self.keystream_in_place(start, blocks);
        if !rest.is_empty() {
            let counter = start.wrapping_add((whole / 16) as u128);
            let last = self.encrypt(&counter.to_be_bytes());
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }

    fn keystream_in_place(&self, start: u128, blocks: &mut [Block]) {
        let mut counter = start;
        for chunk in blocks.chunks_mut(64) {
            for block in chunk.iter_mut() {
                *block = counter.to_be_bytes();
                counter = counter.wrapping_add(1);
            }
            self.encrypt_blocks(chunk);
        }
    }
}

impl Drop for Aes128 {
    fn drop(&mut self) {
        wipe(&mut self.round_keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    fn hex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn block(text: &str) -> Block {
        hex(text).try_into().unwrap()
    }

    #[test]
    fn fips_197_examples() {
        on_every_tier(|_| {
            // FIPS 197 appendix B and C.1, SP 800-38A F.1.1, CAVP GFSbox, KeySbox, VarTxt, VarKey.
            for (key, plain, cipher) in [
                (
                    "2b7e151628aed2a6abf7158809cf4f3c",
                    "3243f6a8885a308d313198a2e0370734",
                    "3925841d02dc09fbdc118597196a0b32",
                ),
                (
                    "000102030405060708090a0b0c0d0e0f",
                    "00112233445566778899aabbccddeeff",
                    "69c4e0d86a7b0430d8cdb78070b4c55a",
                ),
                (
                    "2b7e151628aed2a6abf7158809cf4f3c",
                    "6bc1bee22e409f96e93d7e117393172a",
                    "3ad77bb40d7a3660a89ecaf32466ef97",
                ),
                (
                    "00000000000000000000000000000000",
                    "f34481ec3cc627bacd5dc3fb08f273e6",
                    "0336763e966d92595a567cc9ce537f5e",
                ),
                (
                    "10a58869d74be5a374cf867cfb473859",
                    "00000000000000000000000000000000",
                    "6d251e6944b051e04eaa6fb4dbf78465",
                ),
                (
                    "00000000000000000000000000000000",
                    "80000000000000000000000000000000",
                    "3ad78e726c1ec02b7ebfe92b23d9ec34",
                ),
                (
                    "80000000000000000000000000000000",
                    "00000000000000000000000000000000",
                    "0edd33d3c621e546455bd8ba1418bec8",
                ),
            ] {
                assert_eq!(
                    Aes128::new(&block(key)).encrypt(&block(plain)),
                    block(cipher)
                );
            }
            let cipher = Aes128::new(&block("2b7e151628aed2a6abf7158809cf4f3c"));
            assert_eq!(
                cipher.round_keys[10],
                block("d014f9a8c9ee2589e13f0cc8b6630ca6")
            );
        });
    }

    #[test]
    fn nist_counter_mode_f_5_1() {
        on_every_tier(|_| {
            let cipher = Aes128::new(&block("2b7e151628aed2a6abf7158809cf4f3c"));
            let start = u128::from_be_bytes(block("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"));
            let mut stream = vec![0; 64];
            cipher.keystream(start, &mut stream);
            let plain = hex(
                "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
            );
            let expected = hex(
                "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
            );
            let cipher_text: Vec<u8> = stream.iter().zip(&plain).map(|(s, p)| s ^ p).collect();
            assert_eq!(cipher_text, expected);
        });
    }

    #[test]
    fn every_tier_gives_the_same_blocks_and_streams() {
        let mut random = Stream::new(3);
        let key = random.blocks(1)[0];
        let input = random.blocks(301);
        for start in [0u128, 5, u128::from(u64::MAX) - 3, u128::MAX - 20] {
            for len in [0usize, 1, 15, 16, 63, 64, 65, 127, 512, 513, 1000, 4095] {
                let mut first: Option<(Vec<Block>, Vec<u8>)> = None;
                on_every_tier(|_| {
                    let cipher = Aes128::new(&key);
                    let mut blocks = input[..len.min(301)].to_vec();
                    cipher.encrypt_blocks(&mut blocks);
                    let mut stream = vec![0xaa; len];
                    cipher.keystream(start, &mut stream);
                    for (i, chunk) in stream.chunks(16).enumerate() {
                        let expected = cipher.encrypt(&start.wrapping_add(i as u128).to_be_bytes());
                        assert_eq!(chunk, &expected[..chunk.len()]);
                    }
                    let result = (blocks, stream);
                    assert_eq!(first.get_or_insert(result.clone()), &result);
                });
            }
        }
    }
}
