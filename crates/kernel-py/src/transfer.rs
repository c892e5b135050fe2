//! Oblivious transfer: step machines and the correlations made from their rows.

use crate::arguments::{
    ByteString, Failure, Pair, fill, fill_two, fill_with_bytes, mismatch, rows, slice,
};
use numpy::{
    Ix1, Ix2, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyReadonlyArray3, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tacit_kernel::Error;
use tacit_kernel::bits::plane_words;
use tacit_kernel::ot::gilboa99::{self, Shape};
use tacit_kernel::ot::softspoken_roy22::check;
use tacit_kernel::ot::{cot, endemic_mr19, ole, softspoken_roy22};

/// What is wrong with another label.
pub const LABEL: &str = "label must have 16 bytes";
/// What is wrong with another seed.
pub const SEED: &str = "seed must have 16 bytes";
/// What is wrong with another delta.
pub const DELTA: &str = "delta must have 16 bytes";
/// Bytes of a row.
pub const ROW_BYTES: usize = 16;

type Bytes2<'py> = Bound<'py, PyArray2<u8>>;
type Words2<'py> = Bound<'py, PyArray2<u64>>;
/// A message and an array of rows or shares.
type Sent<'py, T> = Pair<'py, u8, Ix1, T, Ix2>;

/// The state of a step that runs once.
pub fn taken<T>(state: Option<T>) -> PyResult<T> {
    state.ok_or_else(|| Failure(Error::Abort("finish was called before")).into())
}

/// Base OT, party with both keys.
#[pyclass(module = "tacit._kernel")]
pub struct EndemicSender(Option<endemic_mr19::Sender>);

#[pymethods]
impl EndemicSender {
    /// First message.
    #[staticmethod]
    fn start<'py>(
        py: Python<'py>,
        seed: ByteString<'py>,
        sid: ByteString<'py>,
        n: usize,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let (seed, sid) = (seed.exact("seed must have 32 bytes")?, sid.as_slice()?);
        let (state, message) = py
            .detach(|| endemic_mr19::Sender::start(&seed, sid, n))
            .map_err(Failure)?;
        Ok((Self(Some(state)), PyBytes::new(py, &message)))
    }

    /// Both keys of each OT.
    fn finish<'py>(
        &mut self,
        py: Python<'py>,
        msg: ByteString<'py>,
    ) -> PyResult<Bound<'py, PyArray3<u8>>> {
        let (state, message) = (taken(self.0.take())?, msg.as_slice()?);
        let keys = py.detach(|| state.finish(message)).map_err(Failure)?;
        let flat = keys.as_flattened().as_flattened();
        PyArray1::from_slice(py, flat).reshape([keys.len(), 2, 16])
    }
}

/// Base OT, party with the chosen keys.
#[pyclass(module = "tacit._kernel")]
pub struct EndemicReceiver(Option<endemic_mr19::Receiver>);

#[pymethods]
impl EndemicReceiver {
    /// First message.
    #[staticmethod]
    fn start<'py>(
        py: Python<'py>,
        seed: ByteString<'py>,
        sid: ByteString<'py>,
        choices: PyReadonlyArray1<'py, u8>,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let (seed, sid) = (seed.exact("seed must have 32 bytes")?, sid.as_slice()?);
        let choices = slice(&choices)?;
        let (state, message) = py
            .detach(|| endemic_mr19::Receiver::start(&seed, sid, choices))
            .map_err(Failure)?;
        Ok((Self(Some(state)), PyBytes::new(py, &message)))
    }

    /// The chosen key of each OT.
    fn finish<'py>(&mut self, py: Python<'py>, msg: ByteString<'py>) -> PyResult<Bytes2<'py>> {
        let (state, message) = (taken(self.0.take())?, msg.as_slice()?);
        let keys = py.detach(|| state.finish(message)).map_err(Failure)?;
        PyArray1::from_slice(py, keys.as_flattened()).reshape([keys.len(), 16])
    }
}

/// OT extension, party with the choice bits.
#[pyclass(module = "tacit._kernel")]
pub struct SoftSpokenReceiver(softspoken_roy22::Receiver);

#[pymethods]
impl SoftSpokenReceiver {
    /// From base OTs; the message corrects the trees.
    #[staticmethod]
    fn start<'py>(
        py: Python<'py>,
        k: usize,
        base: PyReadonlyArray3<'py, u8>,
        seed: ByteString<'py>,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let seed = seed.exact("seed must have 16 bytes")?;
        if base.shape()[1..] != [2, 16] {
            return Err(mismatch("base must have the shape (128, 2, 16)"));
        }
        let blocks = slice(&base)?.as_chunks::<16>().0;
        let pairs = blocks.as_chunks::<2>().0;
        let (state, message) = py
            .detach(|| softspoken_roy22::Receiver::start(k, pairs, &seed))
            .map_err(Failure)?;
        Ok((Self(state), PyBytes::new(py, &message)))
    }

    /// Message and rows of one call.
    fn extend<'py>(
        &mut self,
        py: Python<'py>,
        label: ByteString<'py>,
        choices: ByteString<'py>,
        n: usize,
    ) -> PyResult<(Bound<'py, PyBytes>, Bytes2<'py>)> {
        let (label, choices) = (label.exact(LABEL)?, choices.as_slice()?);
        let state = &mut self.0;
        state.check(choices, n).map_err(Failure)?;
        let size = state.message_size(n).map_err(Failure)?;
        fill_with_bytes(py, size, [n, ROW_BYTES], |message, rows| {
            state.extend(&label, choices, rows.as_chunks_mut().0, message)
        })
    }

    /// The tree check.
    fn prove_trees<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.0.prove_trees()))
    }

    /// Message, rows and state of one checked call.
    fn extend_checked<'py>(
        &mut self,
        py: Python<'py>,
        label: ByteString<'py>,
        choices: ByteString<'py>,
        n: usize,
        mask: ByteString<'py>,
    ) -> PyResult<(Bound<'py, PyBytes>, Bytes2<'py>, SoftSpokenPending)> {
        let (label, choices) = (label.exact(LABEL)?, choices.as_slice()?);
        let mask = mask.exact("mask must have 16 bytes")?;
        let state = &mut self.0;
        state.check(choices, n).map_err(Failure)?;
        let size = state.message_size(check::extended(n)).map_err(Failure)?;
        let mut pending = None;
        let (message, out) = fill_with_bytes(py, size, [n, ROW_BYTES], |message, rows| {
            let rows = rows.as_chunks_mut().0;
            pending = Some(state.extend_checked(&label, choices, &mask, rows, message)?);
            Ok(())
        })?;
        Ok((message, out, SoftSpokenPending(pending)))
    }
}

/// A checked call between its message and its answer.
#[pyclass(module = "tacit._kernel")]
pub struct SoftSpokenPending(Option<check::Pending>);

#[pymethods]
impl SoftSpokenPending {
    /// The answer to the challenge.
    fn answer<'py>(
        &mut self,
        py: Python<'py>,
        seed: ByteString<'py>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let seed = seed.exact(SEED)?;
        let state = taken(self.0.take())?;
        let answer = py.detach(|| state.answer(&seed));
        Ok(PyBytes::new(py, &answer))
    }
}

/// OT extension, party with delta.
#[pyclass(module = "tacit._kernel")]
pub struct SoftSpokenSender(softspoken_roy22::Sender);

#[pymethods]
impl SoftSpokenSender {
    /// From base OTs and the receiver's tree corrections.
    #[staticmethod]
    fn start<'py>(
        py: Python<'py>,
        k: usize,
        delta_choices: PyReadonlyArray1<'py, u8>,
        base: PyReadonlyArray2<'py, u8>,
        msg: ByteString<'py>,
    ) -> PyResult<Self> {
        let choices = slice(&delta_choices)?;
        let (base, message) = (rows(&base)?, msg.as_slice()?);
        let state = py
            .detach(|| softspoken_roy22::Sender::start(k, choices, base, message))
            .map_err(Failure)?;
        Ok(Self(state))
    }

    /// The global difference.
    #[getter]
    fn delta<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.delta())
    }

    /// Rows of one call.
    fn extend<'py>(
        &mut self,
        py: Python<'py>,
        label: ByteString<'py>,
        n: usize,
        msg: ByteString<'py>,
    ) -> PyResult<Bytes2<'py>> {
        let (label, message) = (label.exact(LABEL)?, msg.as_slice()?);
        let state = &mut self.0;
        state.check(message, n).map_err(Failure)?;
        fill(py, [n, ROW_BYTES], |rows| {
            state.extend(&label, message, rows.as_chunks_mut().0)
        })
    }

    /// Checks the trees.
    fn verify_trees(&self, py: Python<'_>, msg: ByteString<'_>) -> PyResult<()> {
        let message = msg.as_slice()?;
        py.detach(|| self.0.verify_trees(message))
            .map_err(Failure)?;
        Ok(())
    }

    /// Rows of one checked call.
    fn extend_checked<'py>(
        &mut self,
        py: Python<'py>,
        label: ByteString<'py>,
        n: usize,
        msg: ByteString<'py>,
        seed: ByteString<'py>,
        answer: ByteString<'py>,
    ) -> PyResult<Bytes2<'py>> {
        let (label, seed) = (label.exact(LABEL)?, seed.exact(SEED)?);
        let (message, answer) = (msg.as_slice()?, answer.as_slice()?);
        let state = &mut self.0;
        state.check(message, check::extended(n)).map_err(Failure)?;
        fill(py, [n, ROW_BYTES], |rows| {
            state.extend_checked(&label, message, &seed, answer, rows.as_chunks_mut().0)
        })
    }
}

/// Bytes of the extension message.
#[pyfunction]
pub fn softspoken_message_size(k: usize, n: usize) -> PyResult<usize> {
    Ok(softspoken_roy22::message_size(k, n).map_err(Failure)?)
}

/// OTs of the extension under a checked call, and bytes of a tree check.
#[pyfunction]
pub fn softspoken_checked_sizes(k: usize, n: usize) -> PyResult<(usize, usize)> {
    softspoken_roy22::message_size(k, n).map_err(Failure)?;
    Ok((check::extended(n), check::trees_size(k)))
}

/// Bit products, sender.
#[pyfunction]
pub fn bit_ole_sender<'py>(
    py: Python<'py>,
    q: PyReadonlyArray2<'py, u8>,
    delta: ByteString<'py>,
    label: ByteString<'py>,
    width: usize,
) -> PyResult<(Words2<'py>, Words2<'py>)> {
    let (q, delta, label) = (rows(&q)?, delta.exact(DELTA)?, label.exact(LABEL)?);
    let shape = [width, plane_words(q.len())];
    fill_two(py, shape, shape, |b, c| {
        ole::sender(q, &delta, &label, width, b, c)
    })
}

/// Bit products, receiver.
#[pyfunction]
pub fn bit_ole_receiver<'py>(
    py: Python<'py>,
    t: PyReadonlyArray2<'py, u8>,
    label: ByteString<'py>,
    width: usize,
) -> PyResult<Words2<'py>> {
    let (t, label) = (rows(&t)?, label.exact(LABEL)?);
    fill(py, [width, plane_words(t.len())], |out| {
        ole::receiver(t, &label, width, out)
    })
}

/// Correlated OT, sender.
#[pyfunction]
pub fn cot_send<'py>(
    py: Python<'py>,
    q: PyReadonlyArray2<'py, u8>,
    delta: ByteString<'py>,
    label: ByteString<'py>,
    y: PyReadonlyArray2<'py, u64>,
    bits: usize,
) -> PyResult<Sent<'py, u64>> {
    let (q, delta, label) = (rows(&q)?, delta.exact(DELTA)?, label.exact(LABEL)?);
    let (n, m) = y.as_array().dim();
    if n != q.len() {
        return Err(mismatch("y must have one row per OT"));
    }
    let y = slice(&y)?;
    let size = cot::payload_size(n, m, bits).map_err(Failure)?;
    fill_two(py, [size], [n, m], |payload, share| {
        cot::send(q, &delta, &label, y, m, bits, payload, share)
    })
}

/// Correlated OT, receiver.
#[pyfunction]
pub fn cot_recv<'py>(
    py: Python<'py>,
    t: PyReadonlyArray2<'py, u8>,
    label: ByteString<'py>,
    choices: ByteString<'py>,
    payload: ByteString<'py>,
    m: usize,
    bits: usize,
) -> PyResult<Words2<'py>> {
    let (t, label) = (rows(&t)?, label.exact(LABEL)?);
    let (choices, payload) = (choices.as_slice()?, payload.as_slice()?);
    cot::payload_size(t.len(), m, bits).map_err(Failure)?;
    fill(py, [t.len(), m], |out| {
        cot::receive(t, &label, choices, payload, m, bits, out)
    })
}

/// Bytes of a product's payload.
#[pyfunction]
pub fn gilboa_payload_size(batch: usize, m: usize, d: usize, bits: usize) -> PyResult<usize> {
    Ok(Shape { batch, m, d, bits }
        .payload_size()
        .map_err(Failure)?)
}

/// Matrix-vector products, holder of the matrix.
#[pyfunction]
pub fn gilboa_send<'py>(
    py: Python<'py>,
    q: PyReadonlyArray2<'py, u8>,
    delta: ByteString<'py>,
    label: ByteString<'py>,
    x: PyReadonlyArray3<'py, u64>,
    batch: usize,
    bits: usize,
) -> PyResult<Sent<'py, u64>> {
    let (q, delta, label) = (rows(&q)?, delta.exact(DELTA)?, label.exact(LABEL)?);
    let (matrices, m, d) = x.as_array().dim();
    if matrices != 1 && matrices != batch {
        return Err(mismatch("x must have one matrix or one per vector"));
    }
    let shape = Shape { batch, m, d, bits };
    let x = slice(&x)?;
    let size = shape.payload_size().map_err(Failure)?;
    fill_two(py, [size], [batch, m], |payload, share| {
        gilboa99::send(q, &delta, &label, x, shape, payload, share)
    })
}

/// Matrix-vector products, holder of the vectors.
#[pyfunction]
pub fn gilboa_recv<'py>(
    py: Python<'py>,
    t: PyReadonlyArray2<'py, u8>,
    label: ByteString<'py>,
    w: PyReadonlyArray2<'py, u64>,
    payload: ByteString<'py>,
    m: usize,
    bits: usize,
) -> PyResult<Words2<'py>> {
    let (t, label, payload) = (rows(&t)?, label.exact(LABEL)?, payload.as_slice()?);
    let (batch, d) = w.as_array().dim();
    let shape = Shape { batch, m, d, bits };
    shape.payload_size().map_err(Failure)?;
    let w = slice(&w)?;
    fill(py, [batch, m], |out| {
        gilboa99::receive(t, &label, w, payload, shape, out)
    })
}
