#![no_main]

tacit_fuzz::target!("sm2_points");
