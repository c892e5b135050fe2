#![no_main]

tacit_fuzz::target!("dcf_key");
