//! Verifiable secret sharing.

use crate::arguments::{ByteString, Failure, Pair, fill, fill_two, mismatch, rows, slice};
use numpy::{Ix2, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use tacit_kernel::vss;

/// Shares and commitments of many values.
#[pyfunction]
pub fn vss_deal<'py>(
    py: Python<'py>,
    values: PyReadonlyArray1<'py, i64>,
    coins: ByteString<'py>,
    threshold: usize,
    n_parties: usize,
) -> PyResult<Pair<'py, u8, Ix2, u8, Ix2>> {
    vss::check_threshold(threshold, n_parties).map_err(Failure)?;
    let (values, coins) = (slice(&values)?, coins.as_slice()?);
    let n = values.len();
    fill_two(
        py,
        [n * (threshold + 1), 32],
        [n * n_parties, 64],
        |commitments, shares| {
            vss::deal(
                values,
                coins,
                threshold,
                n_parties,
                commitments.as_chunks_mut().0,
                shares.as_chunks_mut().0,
            )
        },
    )
}

/// Which parties' shares fit the commitments.
#[pyfunction]
pub fn vss_verify<'py>(
    py: Python<'py>,
    indices: Vec<usize>,
    shares: PyReadonlyArray2<'py, u8>,
    commitments: PyReadonlyArray2<'py, u8>,
    threshold: usize,
    weights: ByteString<'py>,
) -> PyResult<Vec<bool>> {
    let (shares, commitments) = (rows(&shares)?, rows(&commitments)?);
    let weights = weights.as_slice()?;
    let verdicts = py.detach(|| vss::verify(&indices, shares, commitments, threshold, weights));
    Ok(verdicts.map_err(Failure)?)
}

/// Commitments to sums.
#[pyfunction]
pub fn vss_add_commitments<'py>(
    py: Python<'py>,
    lists: PyReadonlyArray2<'py, u8>,
    n_lists: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let each = each(lists.shape()[0], n_lists)?;
    let lists = rows(&lists)?;
    fill(py, [each, 32], |out| {
        vss::add_commitments(lists, out.as_chunks_mut().0)
    })
}

/// Shares of sums.
#[pyfunction]
pub fn vss_add_shares<'py>(
    py: Python<'py>,
    lists: PyReadonlyArray2<'py, u8>,
    n_lists: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let each = each(lists.shape()[0], n_lists)?;
    let lists = rows(&lists)?;
    fill(py, [each, 64], |out| {
        vss::add_shares(lists, out.as_chunks_mut().0)
    })
}

/// Values from shares.
#[pyfunction]
pub fn vss_recover<'py>(
    py: Python<'py>,
    indices: Vec<usize>,
    shares: PyReadonlyArray2<'py, u8>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let n_values = each(shares.shape()[0], indices.len())?;
    let shares = rows(&shares)?;
    fill(py, [n_values], |out| vss::recover(&indices, shares, out))
}

fn each(all: usize, n_lists: usize) -> PyResult<usize> {
    if n_lists > 0 && all.is_multiple_of(n_lists) {
        Ok(all / n_lists)
    } else {
        Err(mismatch("there must be as many rows of every list"))
    }
}
