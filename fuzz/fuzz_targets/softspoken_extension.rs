#![no_main]

tacit_fuzz::target!("softspoken_extension");
