#![no_main]

tacit_fuzz::target!("endemic_receiver");
