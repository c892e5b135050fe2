#![no_main]

tacit_fuzz::target!("garbled_labels");
