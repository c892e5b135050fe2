#![no_main]

tacit_fuzz::target!("cot_payload");
