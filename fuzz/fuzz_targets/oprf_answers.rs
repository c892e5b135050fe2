#![no_main]

tacit_fuzz::target!("oprf_answers");
