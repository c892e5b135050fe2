#![no_main]

tacit_fuzz::target!("tag_list_short");
