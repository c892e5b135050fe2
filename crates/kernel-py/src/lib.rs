//! The Python module `tacit._kernel`: every function borrows buffers, releases the GIL, calls the
//! kernel and maps its error. `src/tacit/_kernel/__init__.pyi` documents the functions.

mod arguments;
mod dzk;
mod equality;
mod fss;
mod garble;
mod local;
mod oprf;
mod psi;
mod rlwe;
mod silent;
mod transfer;
mod truncate;
mod vss;

use pyo3::prelude::*;

/// Kernels of Tacit: pure functions on bytes and arrays.
#[pymodule(name = "_kernel")]
mod kernel {
    use super::*;

    #[pymodule_export]
    use super::dzk::{
        gf_combine, gf_evaluate, gf_fold, gf_fold_wide, gf_mul, gf_tensor, gf_tensor_wide,
        gr_combine, gr_evaluate, gr_fold, gr_fold_wide, gr_mul, gr_tensor, gr_tensor_wide,
    };
    #[pymodule_export]
    use super::equality::{distance_recv, distance_send, pick_recv, pick_send};
    #[pymodule_export]
    use super::fss::{fss_evaluate, fss_evaluate_all, fss_generate, fss_key_size};
    #[pymodule_export]
    use super::garble::{
        CircuitBuilder, HalfGatesEvaluator, HalfGatesGarbler, PublicCircuit, garble_labels_receive,
        garble_labels_send,
    };
    #[pymodule_export]
    use super::local::{
        bits_to_planes, hash_points, mask_items, planes_to_bits, prg_fill, reduce_scalar,
        remask_points, ring_matmul, sm2_mask_items, sm2_remask_points, sm2_scalar,
        wide_elementwise, wide_matmul, x25519_mask_items, x25519_remask_points, x25519_scalar,
    };
    #[pymodule_export]
    use super::oprf::{
        fuse_build, fuse_contains, fuse_size, oprf_blind, oprf_evaluate_items, oprf_finalize,
        oprf_prove, oprf_public_key, oprf_verify,
    };
    #[pymodule_export]
    use super::psi::{
        OkvsKeys, PsiTags, cuckoo_bins, cuckoo_fill, cuckoo_places, first_appearances, okvs_size,
        psi_blocks, psi_keys, psi_list_size,
    };
    #[pymodule_export]
    use super::rlwe::{
        RlweKey, RlweLayout, RlweMatrix, RlwePublicKey, rlwe_public_key_size, rlwe_slots_size,
    };
    #[pymodule_export]
    use super::silent::{
        SilentCotReceiver, SilentVoleReceiver, gf128_mul, silent_answer, silent_challenge,
        silent_cot_base_ots, silent_cot_send, silent_vole_base_ots, silent_vole_message_size,
        silent_vole_send,
    };
    #[pymodule_export]
    use super::transfer::{
        EndemicReceiver, EndemicSender, SoftSpokenPending, SoftSpokenReceiver, SoftSpokenSender,
        bit_ole_receiver, bit_ole_sender, cot_recv, cot_send, gilboa_payload_size, gilboa_recv,
        gilboa_send, softspoken_checked_sizes, softspoken_message_size,
    };
    #[pymodule_export]
    use super::truncate::{
        prg_add, prg_subtract, trunc_carried, trunc_evaluator, trunc_finish, trunc_helper,
    };
    #[pymodule_export]
    use super::vss::{vss_add_commitments, vss_add_shares, vss_deal, vss_recover, vss_verify};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("KernelError", super::arguments::kernel_error(module.py())?)
    }
}
