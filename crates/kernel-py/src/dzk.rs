//! Sums for proofs of products.

use crate::arguments::{Failure, fill, mismatch, slice};
use numpy::{PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use tacit_kernel::dzk::galois::{DEGREE, Element};
use tacit_kernel::dzk::{binary, galois, points};

type Words<'py> = PyReadonlyArray1<'py, u64>;
type Table<'py> = PyReadonlyArray2<'py, u64>;
type Vector<'py> = PyResult<Bound<'py, PyArray1<u64>>>;
type Matrix<'py> = PyResult<Bound<'py, PyArray2<u64>>>;

fn elements<'a>(array: &'a Table<'_>) -> PyResult<&'a [Element]> {
    if array.shape()[1] == DEGREE {
        Ok(slice(array)?.as_chunks().0)
    } else {
        Err(mismatch("elements must have 48 words"))
    }
}

fn rows(n: usize, width: usize) -> usize {
    n.div_ceil(width.max(1))
}

/// Products of elements.
#[pyfunction]
pub fn gr_mul<'py>(py: Python<'py>, x: Table<'py>, y: Table<'py>) -> Matrix<'py> {
    let (x, y) = (elements(&x)?, elements(&y)?);
    if x.len() != y.len() {
        return Err(mismatch("x and y must have one length"));
    }
    fill(py, [x.len(), DEGREE], |out| {
        galois::mul(x, y, out.as_chunks_mut().0);
        Ok(())
    })
}

/// Elements times challenges.
#[pyfunction]
pub fn gr_scale<'py>(py: Python<'py>, x: Table<'py>, alpha: Words<'py>) -> Matrix<'py> {
    let (x, alpha) = (elements(&x)?, slice(&alpha)?);
    fill(py, [x.len(), DEGREE], |out| {
        galois::scale(x, alpha, out.as_chunks_mut().0)
    })
}

/// Weighted sums of rows.
#[pyfunction]
pub fn gr_combine<'py>(py: Python<'py>, x: Table<'py>, alpha: Words<'py>) -> Matrix<'py> {
    let columns = x.shape()[1];
    let (x, alpha) = (slice(&x)?, slice(&alpha)?);
    fill(py, [columns, DEGREE], |out| {
        galois::combine(x, columns, alpha, out.as_chunks_mut().0)
    })
}

/// Rows of plain values times weights.
#[pyfunction]
pub fn gr_fold<'py>(py: Python<'py>, x: Words<'py>, weights: Table<'py>) -> Matrix<'py> {
    let (x, weights) = (slice(&x)?, elements(&weights)?);
    fill(py, [rows(x.len(), weights.len()), DEGREE], |out| {
        galois::fold(x, weights, out.as_chunks_mut().0)
    })
}

/// Rows of elements at a point.
#[pyfunction]
pub fn gr_fold_wide<'py>(py: Python<'py>, x: Table<'py>, r: Words<'py>) -> Matrix<'py> {
    let (x, r) = (elements(&x)?, slice(&r)?);
    points(r.len()).map_err(Failure)?;
    fill(py, [rows(x.len(), 1 << r.len()), DEGREE], |out| {
        galois::fold_wide(x, r, out.as_chunks_mut().0)
    })
}

/// Weighted sums of extended products of plain values.
#[pyfunction]
pub fn gr_tensor<'py>(
    py: Python<'py>,
    u: Words<'py>,
    v: Words<'py>,
    alpha: Words<'py>,
    t: usize,
) -> Matrix<'py> {
    let (u, v, alpha) = (slice(&u)?, slice(&v)?, slice(&alpha)?);
    fill(py, [points(t).map_err(Failure)?, DEGREE], |out| {
        galois::tensor(u, v, alpha, t, out.as_chunks_mut().0)
    })
}

/// Sums of extended products of elements.
#[pyfunction]
pub fn gr_tensor_wide<'py>(py: Python<'py>, x: Table<'py>, y: Table<'py>, t: usize) -> Matrix<'py> {
    let (x, y) = (elements(&x)?, elements(&y)?);
    fill(py, [points(t).map_err(Failure)?, DEGREE], |out| {
        galois::tensor_wide(x, y, t, out.as_chunks_mut().0)
    })
}

/// Products of elements.
#[pyfunction]
pub fn gf_mul<'py>(py: Python<'py>, x: Words<'py>, y: Words<'py>) -> Vector<'py> {
    let (x, y) = (slice(&x)?, slice(&y)?);
    if x.len() != y.len() {
        return Err(mismatch("x and y must have one length"));
    }
    fill(py, [x.len()], |out| {
        binary::mul(x, y, out);
        Ok(())
    })
}

/// Lanes of words times challenges.
#[pyfunction]
pub fn gf_scale<'py>(py: Python<'py>, x: Words<'py>, alpha: Words<'py>) -> Vector<'py> {
    let (x, alpha) = (slice(&x)?, slice(&alpha)?);
    fill(py, [x.len()], |out| binary::scale(x, alpha, out))
}

/// Weighted sums of rows of words.
#[pyfunction]
pub fn gf_combine<'py>(py: Python<'py>, x: Table<'py>, alpha: Words<'py>) -> Vector<'py> {
    let columns = x.shape()[1];
    let (x, alpha) = (slice(&x)?, slice(&alpha)?);
    fill(py, [columns], |out| binary::combine(x, columns, alpha, out))
}

/// Lanes of rows of words times weights.
#[pyfunction]
pub fn gf_fold<'py>(py: Python<'py>, x: Words<'py>, weights: Words<'py>) -> Vector<'py> {
    let (x, weights) = (slice(&x)?, slice(&weights)?);
    let size = rows(x.len(), weights.len()) * binary::LANES;
    fill(py, [size], |out| binary::fold(x, weights, out))
}

/// Rows of elements at a point.
#[pyfunction]
pub fn gf_fold_wide<'py>(py: Python<'py>, x: Words<'py>, r: Words<'py>) -> Vector<'py> {
    let (x, r) = (slice(&x)?, slice(&r)?);
    points(r.len()).map_err(Failure)?;
    fill(py, [rows(x.len(), 1 << r.len())], |out| {
        binary::fold_wide(x, r, out)
    })
}

/// Weighted sums of extended ANDs of words.
#[pyfunction]
pub fn gf_tensor<'py>(
    py: Python<'py>,
    u: Words<'py>,
    v: Words<'py>,
    alpha: Words<'py>,
    t: usize,
) -> Vector<'py> {
    let (u, v, alpha) = (slice(&u)?, slice(&v)?, slice(&alpha)?);
    fill(py, [points(t).map_err(Failure)?], |out| {
        binary::tensor(u, v, alpha, t, out)
    })
}

/// Sums of extended products of elements.
#[pyfunction]
pub fn gf_tensor_wide<'py>(py: Python<'py>, x: Words<'py>, y: Words<'py>, t: usize) -> Vector<'py> {
    let (x, y) = (slice(&x)?, slice(&y)?);
    fill(py, [points(t).map_err(Failure)?], |out| {
        binary::tensor_wide(x, y, t, out)
    })
}
