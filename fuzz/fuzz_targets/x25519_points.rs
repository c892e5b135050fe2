#![no_main]

tacit_fuzz::target!("x25519_points");
