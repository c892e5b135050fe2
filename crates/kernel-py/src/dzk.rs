//! Sums for proofs of products.

use crate::arguments::{Failure, fill, mismatch, slice};
use numpy::{
    PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray1, PyReadwriteArray2,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use tacit_kernel::dzk::galois::{DEGREE, Element};
use tacit_kernel::dzk::{Values, binary, galois, points};

type Words<'py> = PyReadonlyArray1<'py, u64>;
/// Pairs of factors of one record.
type Pairs<'a> = Vec<(Values<'a>, Values<'a>)>;
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

/// Plain values: words, or bits with what a 1 stands for.
#[derive(FromPyObject)]
pub enum Factor<'py> {
    #[pyo3(transparent)]
    Words(Words<'py>),
    Bits(PyReadonlyArray1<'py, u8>, u64),
}

fn values<'a>(factor: &'a Factor<'_>) -> PyResult<Values<'a>> {
    Ok(match factor {
        Factor::Words(words) => Values::Words(slice(words)?),
        Factor::Bits(bits, scale) => Values::Bits(slice(bits)?, *scale),
    })
}

fn pairs<'a>(u: &'a [Factor<'_>], v: &'a [Factor<'_>]) -> PyResult<Pairs<'a>> {
    if u.len() != v.len() {
        return Err(mismatch("every factor must have a partner"));
    }
    let pair = |(u, v)| Ok((values(u)?, values(v)?));
    u.iter().zip(v).map(pair).collect()
}

fn rows(n: usize, width: usize) -> usize {
    n.div_ceil(width.max(1))
}

fn slices<'a>(arrays: &'a [Words<'_>]) -> PyResult<Vec<&'a [u64]>> {
    arrays.iter().map(slice).collect()
}

/// As [`slices`], one for each segment.
fn matching<'a>(arrays: &'a [Words<'_>], segments: usize) -> PyResult<Vec<&'a [u64]>> {
    if arrays.len() == segments {
        slices(arrays)
    } else {
        Err(mismatch("every segment must have one array"))
    }
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

/// Rows of elements at a point.
#[pyfunction]
pub fn gr_fold_wide<'py>(py: Python<'py>, x: Table<'py>, r: Words<'py>) -> Matrix<'py> {
    let (x, r) = (elements(&x)?, slice(&r)?);
    points(r.len()).map_err(Failure)?;
    fill(py, [rows(x.len(), 1 << r.len()), DEGREE], |out| {
        galois::fold_wide(x, r, out.as_chunks_mut().0)
    })
}

/// The value at a point, from those at all points.
#[pyfunction]
pub fn gr_evaluate<'py>(py: Python<'py>, values: Table<'py>, r: Words<'py>) -> Matrix<'py> {
    let (values, r) = (elements(&values)?, slice(&r)?);
    fill(py, [1, DEGREE], |out| {
        out.copy_from_slice(&galois::evaluate(values, r)?);
        Ok(())
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

/// Rows of plain values times weights, times challenges if there are any, into `out`.
#[pyfunction]
pub fn gr_fold(
    py: Python<'_>,
    x: Factor<'_>,
    weights: Table<'_>,
    alpha: Option<Words<'_>>,
    mut out: PyReadwriteArray2<'_, u64>,
) -> PyResult<()> {
    let (x, weights) = (values(&x)?, elements(&weights)?);
    let alpha = alpha.as_ref().map(slice).transpose()?;
    if out.shape()[1] != DEGREE {
        return Err(mismatch("elements must have 48 words"));
    }
    let out = out.as_slice_mut()?.as_chunks_mut().0;
    py.detach(|| galois::fold(x, weights, alpha, out))
        .map_err(Failure)?;
    Ok(())
}

/// Weighted sums of rows of `columns` plain values, over all segments.
#[pyfunction]
pub fn gr_combine<'py>(
    py: Python<'py>,
    x: Vec<Words<'py>>,
    columns: usize,
    alpha: Vec<Words<'py>>,
) -> Matrix<'py> {
    let x = slices(&x)?;
    let alpha = matching(&alpha, x.len())?;
    fill(py, [columns, DEGREE], |out| {
        let out = out.as_chunks_mut().0;
        for (x, alpha) in x.iter().zip(&alpha) {
            galois::combine(x, columns, alpha, out)?;
        }
        Ok(())
    })
}

/// Weighted sums of sums of extended products of plain values, over all records.
#[pyfunction]
pub fn gr_tensor<'py>(
    py: Python<'py>,
    u: Vec<Vec<Factor<'py>>>,
    v: Vec<Vec<Factor<'py>>>,
    alpha: Vec<Words<'py>>,
    t: usize,
) -> Matrix<'py> {
    let alpha = matching(&alpha, u.len())?;
    if v.len() != u.len() {
        return Err(mismatch("u and v must have one record for each"));
    }
    let records = u.iter().zip(&v).map(|(u, v)| pairs(u, v));
    let records = records.collect::<PyResult<Vec<_>>>()?;
    fill(py, [points(t).map_err(Failure)?, DEGREE], |out| {
        let out = out.as_chunks_mut().0;
        for (pairs, alpha) in records.iter().zip(&alpha) {
            galois::tensor(pairs, alpha, t, out)?;
        }
        Ok(())
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

/// Rows of elements at a point.
#[pyfunction]
pub fn gf_fold_wide<'py>(py: Python<'py>, x: Words<'py>, r: Words<'py>) -> Vector<'py> {
    let (x, r) = (slice(&x)?, slice(&r)?);
    points(r.len()).map_err(Failure)?;
    fill(py, [rows(x.len(), 1 << r.len())], |out| {
        binary::fold_wide(x, r, out)
    })
}

/// The value at a point, from those at all points.
#[pyfunction]
pub fn gf_evaluate<'py>(py: Python<'py>, values: Words<'py>, r: Words<'py>) -> Vector<'py> {
    let (values, r) = (slice(&values)?, slice(&r)?);
    fill(py, [1], |out| {
        out.fill(binary::evaluate(values, r)?);
        Ok(())
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

/// Rows of plain values times weights, times challenges if there are any, into `out`.
#[pyfunction]
pub fn gf_fold(
    py: Python<'_>,
    x: Words<'_>,
    weights: Words<'_>,
    alpha: Option<Words<'_>>,
    mut out: PyReadwriteArray1<'_, u64>,
) -> PyResult<()> {
    let (x, weights) = (slice(&x)?, slice(&weights)?);
    let alpha = alpha.as_ref().map(slice).transpose()?;
    let out = out.as_slice_mut()?;
    py.detach(|| binary::fold(x, weights, alpha, out))
        .map_err(Failure)?;
    Ok(())
}

/// Weighted sums of rows of `columns` plain values, over all segments.
#[pyfunction]
pub fn gf_combine<'py>(
    py: Python<'py>,
    x: Vec<Words<'py>>,
    columns: usize,
    alpha: Vec<Words<'py>>,
) -> Vector<'py> {
    let x = slices(&x)?;
    let alpha = matching(&alpha, x.len())?;
    fill(py, [columns], |out| {
        for (x, alpha) in x.iter().zip(&alpha) {
            binary::combine(x, columns, alpha, out)?;
        }
        Ok(())
    })
}

/// Weighted sums of extended products of plain values, over all segments.
#[pyfunction]
pub fn gf_tensor<'py>(
    py: Python<'py>,
    u: Vec<Words<'py>>,
    v: Vec<Words<'py>>,
    alpha: Vec<Words<'py>>,
    t: usize,
) -> Vector<'py> {
    let u = slices(&u)?;
    let (v, alpha) = (matching(&v, u.len())?, matching(&alpha, u.len())?);
    fill(py, [points(t).map_err(Failure)?], |out| {
        for ((u, v), alpha) in u.iter().zip(&v).zip(&alpha) {
            binary::tensor(u, v, alpha, t, out)?;
        }
        Ok(())
    })
}
