#![no_main]

tacit_fuzz::target!("points");
