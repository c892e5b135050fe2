//! Functions without a peer: stream, bits, ring, curve.

use crate::arguments::{ByteString, Failure, fill, mismatch, rows, slice};
use numpy::{PyArray1, PyArray2, PyArray3, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tacit_kernel::prg::Prg;
use tacit_kernel::{bits, curve, ring, sm2, x25519};

/// Bytes of a key stream that is made sooner than the interpreter is given away and got back.
const SHORT_STREAM: usize = 1 << 14;

/// AES-128-CTR key stream from a block on.
#[pyfunction]
pub fn prg_fill<'py>(
    py: Python<'py>,
    key: ByteString<'py>,
    start_block: u128,
    n_bytes: usize,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let key = key.exact("key must have 16 bytes")?;
    let work = |out: &mut [u8]| Prg::new(&key).fill(start_block, out);
    if (1..=SHORT_STREAM).contains(&n_bytes) {
        // With the interpreter held throughout: numpy would let it go to clear the array.
        let mut out = vec![0; n_bytes];
        work(&mut out);
        return Ok(PyArray1::from_vec(py, out));
    }
    fill(py, [n_bytes], |out| {
        work(out);
        Ok(())
    })
}

/// Wrapping matrix product.
#[pyfunction]
pub fn ring_matmul<'py>(
    py: Python<'py>,
    a: PyReadonlyArray2<'py, u64>,
    b: PyReadonlyArray2<'py, u64>,
) -> PyResult<Bound<'py, PyArray2<u64>>> {
    let ((m, k), (inner, n)) = (a.as_array().dim(), b.as_array().dim());
    if k != inner {
        return Err(mismatch("a's columns must be b's rows"));
    }
    let (a, b) = (slice(&a)?, slice(&b)?);
    fill(py, [m, n], |out| ring::matmul(a, b, (m, k, n), out))
}

/// Element by element over Z_2^128: "add", "subtract" or "multiply".
#[pyfunction]
pub fn wide_elementwise<'py>(
    py: Python<'py>,
    operation: &str,
    a: PyReadonlyArray2<'py, u64>,
    b: PyReadonlyArray2<'py, u64>,
) -> PyResult<Bound<'py, PyArray2<u64>>> {
    let operation = match operation {
        "add" => ring::wide::Operation::Add,
        "subtract" => ring::wide::Operation::Subtract,
        "multiply" => ring::wide::Operation::Multiply,
        _ => return Err(mismatch("operation must be add, subtract or multiply")),
    };
    let ((n, two), (a, b)) = (a.as_array().dim(), (slice(&a)?, slice(&b)?));
    fill(py, [n, two], |out| {
        ring::wide::elementwise(operation, a, b, out)
    })
}

/// Wrapping matrix product over Z_2^128.
#[pyfunction]
pub fn wide_matmul<'py>(
    py: Python<'py>,
    a: PyReadonlyArray3<'py, u64>,
    b: PyReadonlyArray3<'py, u64>,
) -> PyResult<Bound<'py, PyArray3<u64>>> {
    let ((m, k, _), (inner, n, two)) = (a.as_array().dim(), b.as_array().dim());
    if k != inner || two != 2 {
        return Err(mismatch("a's columns must be b's rows, of pairs of limbs"));
    }
    let (a, b) = (slice(&a)?, slice(&b)?);
    fill(py, [m, n, two], |out| {
        ring::wide::matmul(a, b, (m, k, n), out)
    })
}

/// Values to bit planes.
#[pyfunction]
pub fn bits_to_planes<'py>(
    py: Python<'py>,
    x: PyReadonlyArray1<'py, u64>,
    width: usize,
) -> PyResult<Bound<'py, PyArray2<u64>>> {
    bits::check_width(width).map_err(Failure)?;
    let x = slice(&x)?;
    fill(py, [width, bits::plane_words(x.len())], |out| {
        bits::bits_to_planes(x, width, out)
    })
}

/// Bit planes to values.
#[pyfunction]
pub fn planes_to_bits<'py>(
    py: Python<'py>,
    planes: PyReadonlyArray2<'py, u64>,
    n: usize,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let (width, words) = planes.as_array().dim();
    if words != bits::plane_words(n) {
        return Err(mismatch("planes must have ceil(n/64) words"));
    }
    let planes = slice(&planes)?;
    fill(py, [n], |out| bits::planes_to_bits(planes, width, out))
}

/// Hashes items to the group and multiplies them by a scalar.
#[pyfunction]
pub fn mask_items<'py>(
    py: Python<'py>,
    data: PyReadonlyArray1<'py, u8>,
    offsets: PyReadonlyArray1<'py, i64>,
    dst: ByteString<'py>,
    scalar: ByteString<'py>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let scalar = scalar.exact("scalar must have 32 bytes")?;
    let (data, dst) = (slice(&data)?, dst.as_slice()?);
    let offsets = slice(&offsets)?;
    fill(py, [offsets.len().saturating_sub(1), 32], |out| {
        curve::mask_items(data, offsets, dst, &scalar, threads, out.as_chunks_mut().0)
    })
}

/// Multiplies encoded points by a scalar.
#[pyfunction]
pub fn remask_points<'py>(
    py: Python<'py>,
    points: PyReadonlyArray2<'py, u8>,
    scalar: ByteString<'py>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let scalar = scalar.exact("scalar must have 32 bytes")?;
    let points = rows(&points)?;
    fill(py, [points.len(), 32], |out| {
        curve::remask_points(points, &scalar, threads, out.as_chunks_mut().0)
    })
}

/// Hashes items to the SM2 curve and multiplies them by a scalar.
#[pyfunction]
pub fn sm2_mask_items<'py>(
    py: Python<'py>,
    data: PyReadonlyArray1<'py, u8>,
    offsets: PyReadonlyArray1<'py, i64>,
    dst: ByteString<'py>,
    scalar: ByteString<'py>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let scalar = scalar.exact("scalar must have 32 bytes")?;
    let (data, dst) = (slice(&data)?, dst.as_slice()?);
    let offsets = slice(&offsets)?;
    fill(py, [offsets.len().saturating_sub(1), 32], |out| {
        sm2::mask_items(data, offsets, dst, &scalar, threads, out.as_chunks_mut().0)
    })
}

/// Multiplies points of the SM2 curve by a scalar.
#[pyfunction]
pub fn sm2_remask_points<'py>(
    py: Python<'py>,
    points: PyReadonlyArray2<'py, u8>,
    scalar: ByteString<'py>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let scalar = scalar.exact("scalar must have 32 bytes")?;
    let points = rows(&points)?;
    fill(py, [points.len(), 32], |out| {
        sm2::remask_points(points, &scalar, threads, out.as_chunks_mut().0)
    })
}

/// A scalar for the SM2 curve from 64 uniform bytes.
#[pyfunction]
pub fn sm2_scalar<'py>(py: Python<'py>, uniform: ByteString<'py>) -> PyResult<Bound<'py, PyBytes>> {
    let uniform = uniform.exact("uniform must have 64 bytes")?;
    Ok(PyBytes::new(py, &sm2::scalar(&uniform)))
}

/// Hashes items to Curve25519 and multiplies them by a scalar.
#[pyfunction]
pub fn x25519_mask_items<'py>(
    py: Python<'py>,
    data: PyReadonlyArray1<'py, u8>,
    offsets: PyReadonlyArray1<'py, i64>,
    dst: ByteString<'py>,
    scalar: ByteString<'py>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let scalar = scalar.exact("scalar must have 32 bytes")?;
    let (data, dst) = (slice(&data)?, dst.as_slice()?);
    let offsets = slice(&offsets)?;
    fill(py, [offsets.len().saturating_sub(1), 32], |out| {
        x25519::mask_items(data, offsets, dst, &scalar, threads, out.as_chunks_mut().0)
    })
}

/// Multiplies points of Curve25519 by a scalar.
#[pyfunction]
pub fn x25519_remask_points<'py>(
    py: Python<'py>,
    points: PyReadonlyArray2<'py, u8>,
    scalar: ByteString<'py>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let scalar = scalar.exact("scalar must have 32 bytes")?;
    let points = rows(&points)?;
    fill(py, [points.len(), 32], |out| {
        x25519::remask_points(points, &scalar, threads, out.as_chunks_mut().0)
    })
}

/// A scalar for Curve25519 from 32 uniform bytes.
#[pyfunction]
pub fn x25519_scalar<'py>(
    py: Python<'py>,
    uniform: ByteString<'py>,
) -> PyResult<Bound<'py, PyBytes>> {
    let uniform = uniform.exact("uniform must have 32 bytes")?;
    Ok(PyBytes::new(py, &x25519::scalar(&uniform)))
}

/// Short tags of encoded points.
#[pyfunction]
pub fn hash_points<'py>(
    py: Python<'py>,
    points: PyReadonlyArray2<'py, u8>,
    domain: ByteString<'py>,
    n_bytes: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    curve::check_tag_bytes(n_bytes).map_err(Failure)?;
    let domain = domain.as_slice()?;
    let points = rows(&points)?;
    fill(py, [points.len(), n_bytes], |out| {
        curve::hash_points(points, domain, n_bytes, out)
    })
}

/// 64 uniform bytes modulo the group order.
#[pyfunction]
pub fn reduce_scalar<'py>(
    py: Python<'py>,
    uniform: ByteString<'py>,
) -> PyResult<Bound<'py, PyBytes>> {
    let uniform = uniform.exact("uniform must have 64 bytes")?;
    Ok(PyBytes::new(py, &curve::reduce_scalar(&uniform)))
}
