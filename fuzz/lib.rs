//! What every fuzz target does: feed one decoder of the kernel's list.

#[path = "../crates/kernel/tests/decoders/mod.rs"]
pub mod decoders;

pub use libfuzzer_sys;

/// The target of the decoder with this name.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        std::thread_local! {
            static DECODER: std::cell::RefCell<$crate::decoders::Decoder> =
                std::cell::RefCell::new($crate::decoders::named($name));
        }
        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            DECODER.with_borrow_mut(|decoder| decoder.feed(bytes));
        });
    };
}
