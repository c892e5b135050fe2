#![no_main]

tacit_fuzz::target!("dpf_key");
