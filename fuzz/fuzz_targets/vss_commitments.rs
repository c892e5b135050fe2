#![no_main]

tacit_fuzz::target!("vss_commitments");
