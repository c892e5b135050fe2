#![no_main]

tacit_fuzz::target!("slot_answer");
