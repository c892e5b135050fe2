#![no_main]

tacit_fuzz::target!("gilboa_payload");
