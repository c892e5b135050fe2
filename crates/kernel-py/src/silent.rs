//! Silent OT and VOLE: step machines on rows of base OTs.

use crate::arguments::{
    ByteString, Failure, Pair, WithBytes, fill, fill_two, fill_with_bytes, rows,
};
use crate::transfer::{DELTA, LABEL, ROW_BYTES, SEED, taken};
use numpy::{Ix2, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tacit_kernel::Error;
use tacit_kernel::scalar::Scalars;
use tacit_kernel::silent::{ExConv7x24, check, cot, vole};

/// Base OTs of an instance of `n` correlated OTs.
#[pyfunction]
pub fn silent_cot_base_ots(n: usize) -> PyResult<usize> {
    Ok(cot::base_ots(n).map_err(Failure)?)
}

/// Base OTs of an instance of `n` VOLEs.
#[pyfunction]
#[pyo3(signature = (n, bits=128))]
pub fn silent_vole_base_ots(n: usize, bits: usize) -> PyResult<usize> {
    let scalars = Scalars::of_bits(bits).map_err(Failure)?;
    Ok(vole::base_ots(scalars, n).map_err(Failure)?)
}

/// Bytes of the VOLE sender's message.
#[pyfunction]
pub fn silent_vole_message_size(n: usize) -> PyResult<usize> {
    Ok(vole::message_size(n).map_err(Failure)?)
}

/// Correlated OTs, party with delta.
#[pyfunction]
pub fn silent_cot_send<'py>(
    py: Python<'py>,
    label: ByteString<'py>,
    delta: ByteString<'py>,
    seed: ByteString<'py>,
    base: PyReadonlyArray2<'py, u8>,
    n: usize,
    flips: Option<ByteString<'py>>,
) -> PyResult<WithBytes<'py, u8, Ix2>> {
    let (label, delta, seed) = (label.exact(LABEL)?, delta.exact(DELTA)?, seed.exact(SEED)?);
    let base = rows(&base)?;
    let flips = flips.as_ref().map(ByteString::as_slice).transpose()?;
    let size = 16 * cot::base_ots(n).map_err(Failure)?;
    fill_with_bytes(py, size, [n, ROW_BYTES], |message, out| {
        let out = out.as_chunks_mut().0;
        cot::send::<ExConv7x24>(&label, &delta, &seed, base, message, out)?;
        flips.map_or(Ok(()), |flips| cot::derandomise(out, &delta, flips))
    })
}

/// Correlated OTs, party with the choice bits.
#[pyclass(module = "tacit._kernel")]
pub struct SilentCotReceiver(Option<cot::Receiver<ExConv7x24>>, usize);

#[pymethods]
impl SilentCotReceiver {
    /// State and choices of the base OTs.
    #[staticmethod]
    fn start<'py>(
        py: Python<'py>,
        n: usize,
        label: ByteString<'py>,
        seed: ByteString<'py>,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let (label, seed) = (label.exact(LABEL)?, seed.exact(SEED)?);
        let (state, path) = py
            .detach(|| cot::Receiver::start(n, &label, &seed))
            .map_err(Failure)?;
        Ok((Self(Some(state), n), PyBytes::new(py, &path)))
    }

    /// The pseudorandom choice bits.
    #[getter]
    fn choices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let state = self.0.as_ref();
        let state = state.ok_or(Failure(Error::Abort("finish was called before")))?;
        Ok(PyBytes::new(py, state.choices()))
    }

    /// Rows.
    fn finish<'py>(
        &mut self,
        py: Python<'py>,
        base: PyReadonlyArray2<'py, u8>,
        msg: ByteString<'py>,
    ) -> PyResult<Bound<'py, PyArray2<u8>>> {
        let (base, message) = (rows(&base)?, msg.as_slice()?);
        let state = taken(self.0.take())?;
        state.check(message).map_err(Failure)?;
        fill(py, [self.1, ROW_BYTES], |out| {
            state.finish(base, message, out.as_chunks_mut().0)
        })
    }
}

/// VOLE, party with delta.
#[pyfunction]
#[pyo3(signature = (label, delta, seed, base, n, bits=128))]
pub fn silent_vole_send<'py>(
    py: Python<'py>,
    label: ByteString<'py>,
    delta: ByteString<'py>,
    seed: ByteString<'py>,
    base: PyReadonlyArray2<'py, u8>,
    n: usize,
    bits: usize,
) -> PyResult<WithBytes<'py, u8, Ix2>> {
    let (label, delta, seed) = (label.exact(LABEL)?, delta.exact(DELTA)?, seed.exact(SEED)?);
    let base = rows(&base)?;
    let scalars = Scalars::of_bits(bits).map_err(Failure)?;
    let size = vole::message_size(n).map_err(Failure)?;
    fill_with_bytes(py, size, [n, ROW_BYTES], |message, out| {
        let out = out.as_chunks_mut().0;
        vole::send::<ExConv7x24>(scalars, &label, &delta, &seed, base, message, out)
    })
}

/// VOLE, party with the multipliers.
#[pyclass(module = "tacit._kernel")]
pub struct SilentVoleReceiver {
    state: Option<vole::Receiver<ExConv7x24>>,
    scalars: Scalars,
    n: usize,
}

#[pymethods]
impl SilentVoleReceiver {
    /// State and choices of the base OTs.
    #[staticmethod]
    #[pyo3(signature = (n, label, seed, bits=128))]
    fn start<'py>(
        py: Python<'py>,
        n: usize,
        label: ByteString<'py>,
        seed: ByteString<'py>,
        bits: usize,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let (label, seed) = (label.exact(LABEL)?, seed.exact(SEED)?);
        let scalars = Scalars::of_bits(bits).map_err(Failure)?;
        let (state, choices) = py
            .detach(|| vole::Receiver::start(scalars, n, &label, &seed))
            .map_err(Failure)?;
        let state = Self {
            state: Some(state),
            scalars,
            n,
        };
        Ok((state, PyBytes::new(py, &choices)))
    }

    /// Multipliers and rows.
    fn finish<'py>(
        &mut self,
        py: Python<'py>,
        base: PyReadonlyArray2<'py, u8>,
        msg: ByteString<'py>,
    ) -> PyResult<Pair<'py, u8, Ix2, u8, Ix2>> {
        let (base, message) = (rows(&base)?, msg.as_slice()?);
        let state = taken(self.state.take())?;
        state.check(message).map_err(Failure)?;
        let (n, scalars) = (self.n, self.scalars);
        fill_two(py, [n, scalars.bytes()], [n, ROW_BYTES], |u, t| {
            let t = t.as_chunks_mut().0;
            if scalars == Scalars::Whole {
                return state.finish(base, message, u.as_chunks_mut().0, t);
            }
            let mut wide = vec![[0; ROW_BYTES]; n];
            state.finish(base, message, &mut wide, t)?;
            scalars.narrow(&wide, u)
        })
    }
}

/// What the receiver opens, and the digest that it expects.
#[pyfunction]
pub fn silent_challenge<'py>(
    py: Python<'py>,
    seed: ByteString<'py>,
    u: PyReadonlyArray2<'py, u8>,
    t: PyReadonlyArray2<'py, u8>,
    mask: ByteString<'py>,
    mask_rows: PyReadonlyArray2<'py, u8>,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let (seed, mask) = (seed.exact(SEED)?, mask.exact("mask must have 16 bytes")?);
    let (u, t, mask_rows) = (rows(&u)?, rows(&t)?, rows(&mask_rows)?);
    let (opened, digest) = py
        .detach(|| check::challenge(&seed, check::Multipliers::Field(u), t, &mask, mask_rows))
        .map_err(Failure)?;
    Ok((PyBytes::new(py, &opened), PyBytes::new(py, &digest)))
}

/// The sender's digest.
#[pyfunction]
pub fn silent_answer<'py>(
    py: Python<'py>,
    seed: ByteString<'py>,
    opened: ByteString<'py>,
    delta: ByteString<'py>,
    q: PyReadonlyArray2<'py, u8>,
    mask_rows: PyReadonlyArray2<'py, u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (seed, delta) = (seed.exact(SEED)?, delta.exact(DELTA)?);
    let opened = opened.exact("the opened value must have 16 bytes")?;
    let (q, mask_rows) = (rows(&q)?, rows(&mask_rows)?);
    let digest = py
        .detach(|| check::answer(&seed, &opened, &delta, q, mask_rows))
        .map_err(Failure)?;
    Ok(PyBytes::new(py, &digest))
}

/// Element-wise products over `GF(2^128)`.
#[pyfunction]
pub fn gf128_mul<'py>(
    py: Python<'py>,
    x: PyReadonlyArray2<'py, u8>,
    c: ByteString<'py>,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let (x, c) = (rows::<16>(&x)?, c.exact("c must have 16 bytes")?);
    fill(py, [x.len(), ROW_BYTES], |out| {
        let out = out.as_chunks_mut().0;
        out.copy_from_slice(x);
        tacit_kernel::gf128::scale(out, &c);
        Ok(())
    })
}
