//! Oblivious pseudorandom function, and the filter that holds its outputs.

use crate::arguments::{ByteString, Failure, Pair, fill, fill_two, mismatch, rows, slice};
use numpy::{Ix2, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tacit_kernel::fuse::{self, TAG_BYTES};
use tacit_kernel::{Error, curve, oprf};

type Bytes1<'py> = PyReadonlyArray1<'py, u8>;
type Bytes2<'py> = PyReadonlyArray2<'py, u8>;
type Offsets<'py> = PyReadonlyArray1<'py, i64>;
type Table<'py> = PyResult<Bound<'py, PyArray2<u8>>>;

const KEY: &str = "a key has 32 bytes";

/// The commitment to a key.
#[pyfunction]
pub fn oprf_public_key<'py>(
    py: Python<'py>,
    key: ByteString<'py>,
) -> PyResult<Bound<'py, PyBytes>> {
    let public = oprf::public_key(&key.exact(KEY)?).map_err(Failure)?;
    Ok(PyBytes::new(py, &public))
}

/// The function's outputs of items, by the holder of the key.
#[pyfunction]
pub fn oprf_evaluate_items<'py>(
    py: Python<'py>,
    data: Bytes1<'py>,
    offsets: Offsets<'py>,
    key: ByteString<'py>,
    threads: usize,
    n_bytes: usize,
) -> Table<'py> {
    curve::check_tag_bytes(n_bytes).map_err(Failure)?;
    let (data, offsets, key) = (slice(&data)?, slice(&offsets)?, key.exact(KEY)?);
    fill(py, [offsets.len().saturating_sub(1), n_bytes], |out| {
        oprf::evaluate_items(data, offsets, &key, threads, n_bytes, out)
    })
}

/// Blinded elements of items, and the blinds.
#[pyfunction]
pub fn oprf_blind<'py>(
    py: Python<'py>,
    data: Bytes1<'py>,
    offsets: Offsets<'py>,
    coins: Bytes2<'py>,
    threads: usize,
) -> PyResult<Pair<'py, u8, Ix2, u8, Ix2>> {
    let (data, offsets, coins) = (slice(&data)?, slice(&offsets)?, rows::<64>(&coins)?);
    let shape = [coins.len(), 32];
    fill_two(py, shape, shape, |blinded, blinds| {
        let (blinded, blinds) = (blinded.as_chunks_mut().0, blinds.as_chunks_mut().0);
        oprf::blind(data, offsets, coins, threads, blinded, blinds)
    })
}

/// The function's outputs of items, from the evaluated elements.
#[pyfunction]
pub fn oprf_finalize<'py>(
    py: Python<'py>,
    data: Bytes1<'py>,
    offsets: Offsets<'py>,
    evaluated: Bytes2<'py>,
    blinds: Bytes2<'py>,
    threads: usize,
    n_bytes: usize,
) -> Table<'py> {
    curve::check_tag_bytes(n_bytes).map_err(Failure)?;
    let (data, offsets) = (slice(&data)?, slice(&offsets)?);
    let inputs = (rows::<32>(&evaluated)?, rows::<32>(&blinds)?);
    fill(py, [inputs.0.len(), n_bytes], |out| {
        oprf::finalize(data, offsets, inputs, threads, n_bytes, out)
    })
}

/// A proof that all elements were evaluated under one key.
#[pyfunction]
pub fn oprf_prove<'py>(
    py: Python<'py>,
    key: ByteString<'py>,
    blinded: Bytes2<'py>,
    evaluated: Bytes2<'py>,
    coins: ByteString<'py>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (key, coins) = (key.exact(KEY)?, coins.exact("coins must have 64 bytes")?);
    let (blinded, evaluated) = (rows::<32>(&blinded)?, rows::<32>(&evaluated)?);
    let proof = py.detach(|| oprf::prove(&key, blinded, evaluated, &coins));
    Ok(PyBytes::new(py, &proof.map_err(Failure)?))
}

/// Whether such a proof holds.
#[pyfunction]
pub fn oprf_verify<'py>(
    py: Python<'py>,
    public: ByteString<'py>,
    blinded: Bytes2<'py>,
    evaluated: Bytes2<'py>,
    proof: ByteString<'py>,
) -> PyResult<bool> {
    let public = public.exact("a commitment has 32 bytes")?;
    let proof = proof.exact("a proof has 64 bytes")?;
    let (blinded, evaluated) = (rows::<32>(&blinded)?, rows::<32>(&evaluated)?);
    let holds = py.detach(|| oprf::verify(&public, blinded, evaluated, &proof));
    Ok(holds.map_err(Failure)?)
}

fn filter_bytes(n: usize, width: usize) -> PyResult<usize> {
    let bytes = fuse::slots(n).map_err(Failure)?.checked_mul(width);
    bytes.ok_or_else(|| mismatch("the filter is too large"))
}

/// A filter of tags and the seed that worked.
#[pyfunction]
pub fn fuse_build<'py>(
    py: Python<'py>,
    tags: Bytes2<'py>,
    width: usize,
) -> PyResult<(Bound<'py, PyArray1<u8>>, u64)> {
    /// A set of distinct tags fails once in some thousand times.
    const TRIES: u64 = 64;
    let tags = rows::<TAG_BYTES>(&tags)?;
    let mut found = 0;
    let filter = fill(py, [filter_bytes(tags.len(), width)?], |out| {
        for seed in 0..TRIES {
            if fuse::build(tags, width, seed, out)? {
                found = seed;
                return Ok(());
            }
        }
        Err(Error::Range("tags must be distinct"))
    })?;
    Ok((filter, found))
}

/// Which tags are in a filter of `n` tags.
#[pyfunction]
pub fn fuse_contains<'py>(
    py: Python<'py>,
    tags: Bytes2<'py>,
    width: usize,
    n: usize,
    seed: u64,
    filter: Bytes1<'py>,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let (tags, filter) = (rows::<TAG_BYTES>(&tags)?, slice(&filter)?);
    fill(py, [tags.len()], |out| {
        fuse::contains(tags, width, (n, seed), filter, out)
    })
}

/// Bytes of a filter.
#[pyfunction]
pub fn fuse_size(n: usize, width: usize) -> PyResult<usize> {
    filter_bytes(n, width)
}
