//! The local parts of set intersection by key-value store: items to keys, values to tags, tags to a message.
//!
//! Source: Raghuraman, Rindal 2022 (ePrint 2022/320) §3, Figure 5; who calls what: `src/tacit/psi/rr22.py`.

pub mod digest;
pub mod distinct;
pub mod tag;
pub mod tag_list;
