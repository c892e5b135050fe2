//! Which instructions this machine has, asked once, at run time.
//!
//! Three tiers, each a superset of the next: AVX-512 with VAES and VPCLMULQDQ, AVX2 with AES-NI and PCLMULQDQ,
//! portable.
//! Plain Rust bodies are compiled once per tier by `multiversion!`; only AES is written by hand.

use core::sync::atomic::{AtomicU8, Ordering};

/// An instruction-set tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tier {
    /// Constant-time Rust without any instruction-set extension.
    Portable = 1,
    /// x86-64 with AVX2, BMI2, AES-NI and PCLMULQDQ.
    Avx2 = 2,
    /// x86-64 with AVX-512 F/BW/DQ/VL, VAES and VPCLMULQDQ.
    Avx512 = 3,
}

static DETECTED: AtomicU8 = AtomicU8::new(0);

#[cfg(test)]
std::thread_local! {
    static FORCED: core::cell::Cell<Option<Tier>> = const { core::cell::Cell::new(None) };
}

/// The tier in use.
#[inline]
#[must_use]
pub fn tier() -> Tier {
    #[cfg(test)]
    if let Some(tier) = FORCED.get() {
        return tier;
    }
    match DETECTED.load(Ordering::Relaxed) {
        1 => Tier::Portable,
        2 => Tier::Avx2,
        3 => Tier::Avx512,
        _ => {
            let tier = detect();
            DETECTED.store(tier as u8, Ordering::Relaxed);
            tier
        }
    }
}

#[cold]
fn detect() -> Tier {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("pclmulqdq");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("vpclmulqdq");
        if avx2 && avx512 {
            return Tier::Avx512;
        }
        if avx2 {
            return Tier::Avx2;
        }
    }
    Tier::Portable
}

/// Runs `body` once on every tier that this machine has (tests only).
#[cfg(test)]
pub(crate) fn on_every_tier(mut body: impl FnMut(Tier)) {
    for tier in [Tier::Portable, Tier::Avx2, Tier::Avx512] {
        if tier <= detect() {
            FORCED.set(Some(tier));
            body(tier);
        }
    }
    FORCED.set(None);
}

/// Compiles one safe body for each tier and calls the best one.
macro_rules! multiversion {
    (
        $(#[$meta:meta])*
        $visibility:vis fn $name:ident $(<const $constant:ident: usize>)? (
            $($argument:ident: $kind:ty),* $(,)?
        ) $(-> $output:ty)? $body:block
    ) => {
        $(#[$meta])*
        #[allow(unsafe_code, clippy::too_many_arguments)]
        $visibility fn $name $(<const $constant: usize>)? ($($argument: $kind),*) $(-> $output)? {
            #[inline(always)]
            fn portable $(<const $constant: usize>)? ($($argument: $kind),*) $(-> $output)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi2")]
                fn avx2 $(<const $constant: usize>)? ($($argument: $kind),*) $(-> $output)? {
                    portable $(::<$constant>)? ($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi2")]
                fn avx512 $(<const $constant: usize>)? ($($argument: $kind),*) $(-> $output)? {
                    portable $(::<$constant>)? ($($argument),*)
                }
                match $crate::simd::tier() {
                    // SAFETY: the tier was detected, so the machine has these features.
                    $crate::simd::Tier::Avx512 => return unsafe { avx512 $(::<$constant>)? ($($argument),*) },
                    // SAFETY: as above.
                    $crate::simd::Tier::Avx2 => return unsafe { avx2 $(::<$constant>)? ($($argument),*) },
                    $crate::simd::Tier::Portable => {}
                }
            }
            portable $(::<$constant>)? ($($argument),*)
        }
    };
}
pub(crate) use multiversion;
