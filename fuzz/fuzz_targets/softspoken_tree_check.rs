#![no_main]

tacit_fuzz::target!("softspoken_tree_check");
