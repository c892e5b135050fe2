#![no_main]

tacit_fuzz::target!("rlwe_ciphertexts");
