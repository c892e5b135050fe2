//! SHA-512 (FIPS 180-4) of eight short messages side by side, one block each.
//!
//! Setting: public lengths, no table, no branch on data. Differs: nothing; longer messages go to the crate
//! `sha2`. Cost: about 60 ns for a message with AVX-512, a fifth of that of one at a time.

/// Messages side by side.
pub(crate) const LANES: usize = 8;
/// A word of the state or of the schedule of all lanes.
type Lanes = [u64; LANES];

pub(crate) const START: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

#[rustfmt::skip]
const ROUND: [u64; 80] = [
    0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
];

#[inline(always)]
fn each(f: impl Fn(usize) -> u64) -> Lanes {
    core::array::from_fn(f)
}

/// One block of every lane, its words in `w`, from one state.
fn compress(start: &[u64; 8], w: &mut [Lanes; 16]) -> [Lanes; 8] {
    #[cfg(target_arch = "x86_64")]
    if crate::lanes::available() {
        return x86::compress(start, w);
    }
    let first = start.map(|word| [word; LANES]);
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = first;
    for (t, k) in ROUND.into_iter().enumerate() {
        // Step 1: the word of this round
        if t >= 16 {
            let (x, y, z) = (w[(t + 1) % 16], w[(t + 9) % 16], w[(t + 14) % 16]);
            let old = w[t % 16];
            w[t % 16] = each(|i| {
                let s0 = x[i].rotate_right(1) ^ x[i].rotate_right(8) ^ (x[i] >> 7);
                let s1 = z[i].rotate_right(19) ^ z[i].rotate_right(61) ^ (z[i] >> 6);
                old[i].wrapping_add(s0).wrapping_add(y[i]).wrapping_add(s1)
            });
        }
        let word = w[t % 16];
        // Step 2: the round
        let t1 = each(|i| {
            let s1 = e[i].rotate_right(14) ^ e[i].rotate_right(18) ^ e[i].rotate_right(41);
            let choice = g[i] ^ (e[i] & (f[i] ^ g[i]));
            let sum = h[i].wrapping_add(s1).wrapping_add(choice);
            sum.wrapping_add(k).wrapping_add(word[i])
        });
        let t2 = each(|i| {
            let s0 = a[i].rotate_right(28) ^ a[i].rotate_right(34) ^ a[i].rotate_right(39);
            s0.wrapping_add((a[i] & b[i]) | (c[i] & (a[i] | b[i])))
        });
        (h, g, f) = (g, f, e);
        e = each(|i| d[i].wrapping_add(t1[i]));
        (d, c, b) = (c, b, a);
        a = each(|i| t1[i].wrapping_add(t2[i]));
    }
    let mut out = [a, b, c, d, e, f, g, h];
    for (out, first) in out.iter_mut().zip(first) {
        *out = each(|i| out[i].wrapping_add(first[i]));
    }
    out
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use super::{Lanes, ROUND};
    use crate::lanes::{V, add, load, set, shift, store};
    use core::arch::x86_64::*;

    /// Called only if `lanes::available()`.
    pub(super) fn compress(start: &[u64; 8], w: &[Lanes; 16]) -> [Lanes; 8] {
        // SAFETY: the machine has the instructions.
        unsafe { compress_512(start, w) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn xor(a: V, b: V, c: V) -> V {
        _mm512_ternarylogic_epi64::<0x96>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn rotate<const BITS: i32>(a: V) -> V {
        _mm512_ror_epi64::<BITS>(a)
    }

    #[target_feature(enable = "avx512f")]
    fn compress_512(start: &[u64; 8], w: &[Lanes; 16]) -> [Lanes; 8] {
        let mut words = [set(0); 16];
        for (word, lanes) in words.iter_mut().zip(w) {
            *word = load(lanes);
        }
        let mut state = [set(0); 8];
        for (to, word) in state.iter_mut().zip(start) {
            *to = set(*word);
        }
        for (n, constants) in ROUND.as_chunks::<16>().0.iter().enumerate() {
            for (t, k) in constants.iter().enumerate() {
                // Step 1: the word of this round
                if n > 0 {
                    let (x, z) = (words[(t + 1) % 16], words[(t + 14) % 16]);
                    let s0 = xor(rotate::<1>(x), rotate::<8>(x), shift::<7>(x));
                    let s1 = xor(rotate::<19>(z), rotate::<61>(z), shift::<6>(z));
                    words[t] = add(add(words[t], s0), add(words[(t + 9) % 16], s1));
                }
                // Step 2: the round
                let [a, b, c, d, e, f, g, h] = state;
                let s1 = xor(rotate::<14>(e), rotate::<18>(e), rotate::<41>(e));
                let choice = _mm512_ternarylogic_epi64::<0xca>(e, f, g);
                let t1 = add(add(add(h, s1), choice), add(set(*k), words[t]));
                let s0 = xor(rotate::<28>(a), rotate::<34>(a), rotate::<39>(a));
                let majority = _mm512_ternarylogic_epi64::<0xe8>(a, b, c);
                let next = add(t1, add(s0, majority));
                state = [next, a, b, c, add(d, t1), e, f, g];
            }
        }
        let mut out = [[0; 8]; 8];
        for ((out, word), first) in out.iter_mut().zip(state).zip(start) {
            store(out, add(word, set(*first)));
        }
        out
    }
}

/// The last block of a message whose earlier blocks gave one state.
#[derive(Clone, Copy)]
pub(crate) struct Tail {
    block: [u8; 128],
    n_bytes: usize,
}

impl Tail {
    pub(crate) const EMPTY: Self = Self {
        block: [0; 128],
        n_bytes: 0,
    };

    /// Whether so many bytes leave room for the padding.
    pub(crate) fn fits(n_bytes: usize) -> bool {
        n_bytes <= 128 - 17
    }

    /// Appends; the caller has asked whether all fits.
    pub(crate) fn push(mut self, bytes: &[u8]) -> Self {
        self.block[self.n_bytes..][..bytes.len()].copy_from_slice(bytes);
        self.n_bytes += bytes.len();
        self
    }

    /// Pads a message of whole blocks and this tail.
    fn padded(mut self, n_blocks: usize) -> [u8; 128] {
        let n_bits = 8 * (128 * n_blocks + self.n_bytes) as u64;
        self.block[self.n_bytes] = 0x80;
        self.block[120..].copy_from_slice(&n_bits.to_be_bytes());
        self.block
    }
}

/// The digests of eight messages: `n_blocks` whole blocks that gave `state`, and a tail.
pub(crate) fn digests(
    state: &[u64; 8],
    n_blocks: usize,
    tails: &[Tail; LANES],
) -> [[u8; 64]; LANES] {
    let mut words = [[0; LANES]; 16];
    for (lane, tail) in tails.iter().enumerate() {
        let block = tail.padded(n_blocks);
        for (words, bytes) in words.iter_mut().zip(block.as_chunks::<8>().0) {
            words[lane] = u64::from_be_bytes(*bytes);
        }
    }
    let states = compress(state, &mut words);
    let mut out = [[0; 64]; LANES];
    for (lane, out) in out.iter_mut().enumerate() {
        for (out, words) in out.as_chunks_mut::<8>().0.iter_mut().zip(&states) {
            *out = words[lane].to_be_bytes();
        }
    }
    out
}

/// The state after a block of zeros.
pub(crate) fn after_zeros() -> [u64; 8] {
    compress(&START, &mut [[0; LANES]; 16]).map(|lanes| lanes[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;
    use sha2::{Digest, Sha512};

    #[test]
    fn digests_are_those_of_sha2() {
        let mut random = Stream::new(51);
        on_every_tier(|_| {
            for n in (0..112).step_by(3).chain([111]) {
                assert!(Tail::fits(n));
                let messages: Vec<Vec<u8>> = (0..LANES)
                    .map(|lane| random.bytes(n - n.min(lane)))
                    .collect();
                let tails = core::array::from_fn(|lane| Tail::EMPTY.push(&messages[lane]));
                let plain = digests(&START, 0, &tails);
                let after = digests(&after_zeros(), 1, &tails);
                for (lane, message) in messages.iter().enumerate() {
                    assert_eq!(plain[lane], <[u8; 64]>::from(Sha512::digest(message)));
                    let whole = [vec![0; 128], message.clone()].concat();
                    assert_eq!(after[lane], <[u8; 64]>::from(Sha512::digest(whole)));
                }
            }
        });
        assert!(!Tail::fits(112));
    }
}
