//! Oblivious transfer: base OTs, their extension, and the correlations made from them.
//!
//! Rows: after an extension the OT sender holds `q[i]` and `Δ`, the OT receiver `t[i]` and choice bits
//! `c[i]`, with `q[i] = t[i] ⊕ c[i]·Δ`. Rows are secret and serve one correlation each.

mod cells;
pub mod cot;
pub mod endemic_mr19;
pub mod equality;
mod ggm;
pub mod gilboa99;
pub mod ole;
pub mod softspoken_roy22;
mod terms;
