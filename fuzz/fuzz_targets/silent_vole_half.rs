#![no_main]

tacit_fuzz::target!("silent_vole_half");
