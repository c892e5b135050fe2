//! Circuits and their garbling.

use crate::arguments::{ByteString, Failure, Pair, fill, fill_two, mismatch, rows, slice};
use numpy::{Ix2, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use std::sync::Arc;
use tacit_kernel::Error;
use tacit_kernel::garble::sha256::{INITIAL, Word, constant};
use tacit_kernel::garble::{
    Builder, Circuit, Evaluator, Garbler, Role, Wire, aes128, arithmetic, labels, sha256,
    tables_size,
};

const START: &str = "start must have 16 bytes";
const DELTA: &str = "delta must have 16 bytes";
const LABEL: &str = "label must have 16 bytes";
const BLOCK: usize = 16;

type Labels<'py> = Bound<'py, PyArray2<u8>>;

fn used_up() -> PyErr {
    Failure(Error::Abort("finish was called before")).into()
}

/// Collects the gates of a circuit.
#[pyclass(module = "tacit._kernel")]
pub struct CircuitBuilder(Option<Builder>);

impl CircuitBuilder {
    fn open(&mut self) -> PyResult<&mut Builder> {
        self.0.as_mut().ok_or_else(used_up)
    }

    /// The builder and the wires with these numbers.
    fn with<const N: usize>(
        &mut self,
        lists: [&[u32]; N],
    ) -> PyResult<(&mut Builder, [Vec<Wire>; N])> {
        let builder = self.open()?;
        let mut wires = [const { Vec::new() }; N];
        for (wires, numbers) in wires.iter_mut().zip(lists) {
            for number in numbers {
                wires.push(builder.wire(*number).map_err(Failure)?);
            }
        }
        Ok((builder, wires))
    }

    /// As [`Self::with`] for two operands of one length.
    fn with_pair(&mut self, a: &[u32], b: &[u32]) -> PyResult<(&mut Builder, [Vec<Wire>; 2])> {
        if a.len() != b.len() {
            return Err(mismatch("operands must have one length"));
        }
        self.with([a, b])
    }
}

fn numbers(wires: &[Wire]) -> Vec<u32> {
    wires.iter().map(|wire| wire.number()).collect()
}

fn exactly<const N: usize>(wires: &[Wire], message: &'static str) -> PyResult<[Wire; N]> {
    wires.try_into().map_err(|_| mismatch(message))
}

#[pymethods]
impl CircuitBuilder {
    #[new]
    fn new() -> Self {
        Self(Some(Builder::default()))
    }

    /// Input bits of the garbler (0) or the evaluator (1).
    fn inputs(&mut self, role: usize, n: usize) -> PyResult<Vec<u32>> {
        let role = match role {
            0 => Role::Garbler,
            1 => Role::Evaluator,
            _ => return Err(Failure(Error::Range("role must be 0 or 1")).into()),
        };
        let builder = self.open()?;
        Ok((0..n).map(|_| builder.input(role).number()).collect())
    }

    /// Free.
    fn xor(&mut self, a: u32, b: u32) -> PyResult<u32> {
        let (builder, [a, b]) = self.with([&[a], &[b]])?;
        Ok(builder.xor(a[0], b[0]).number())
    }

    /// One table.
    fn and_(&mut self, a: u32, b: u32) -> PyResult<u32> {
        let (builder, [a, b]) = self.with([&[a], &[b]])?;
        Ok(builder.and(a[0], b[0]).number())
    }

    /// Free.
    fn not_(&mut self, a: u32) -> PyResult<u32> {
        let (builder, [a]) = self.with([&[a]])?;
        Ok(builder.not(a[0]).number())
    }

    /// Sum modulo a power of two.
    fn add(&mut self, a: Vec<u32>, b: Vec<u32>) -> PyResult<Vec<u32>> {
        let (builder, [a, b]) = self.with_pair(&a, &b)?;
        Ok(numbers(&arithmetic::add(builder, &a, &b)))
    }

    /// Difference modulo a power of two.
    fn subtract(&mut self, a: Vec<u32>, b: Vec<u32>) -> PyResult<Vec<u32>> {
        let (builder, [a, b]) = self.with_pair(&a, &b)?;
        Ok(numbers(&arithmetic::subtract(builder, &a, &b)))
    }

    /// Unsigned comparison.
    fn less(&mut self, a: Vec<u32>, b: Vec<u32>) -> PyResult<u32> {
        let (builder, [a, b]) = self.with_pair(&a, &b)?;
        Ok(arithmetic::less(builder, &a, &b).number())
    }

    /// Equality.
    fn equal(&mut self, a: Vec<u32>, b: Vec<u32>) -> PyResult<u32> {
        let (builder, [a, b]) = self.with_pair(&a, &b)?;
        Ok(arithmetic::equal(builder, &a, &b).number())
    }

    /// `one` where `choice` is 1, else `zero`.
    fn select(&mut self, choice: u32, one: Vec<u32>, zero: Vec<u32>) -> PyResult<Vec<u32>> {
        if one.len() != zero.len() {
            return Err(mismatch("operands must have one length"));
        }
        let (builder, [choice, one, zero]) = self.with([&[choice], &one, &zero])?;
        Ok(numbers(&arithmetic::select(
            builder, choice[0], &one, &zero,
        )))
    }

    /// AES-128.
    fn aes128(&mut self, key: Vec<u32>, block: Vec<u32>) -> PyResult<Vec<u32>> {
        let (builder, [key, block]) = self.with([&key, &block])?;
        let key = exactly(&key, "an AES key has 128 bits")?;
        let block = exactly(&block, "an AES block has 128 bits")?;
        Ok(numbers(&aes128::encrypt(builder, &key, &block)))
    }

    /// SHA-256 of a padded block.
    fn sha256(&mut self, block: Vec<u32>) -> PyResult<Vec<u32>> {
        let (builder, [block]) = self.with([&block])?;
        let block: [Wire; 512] = exactly(&block, "a block of SHA-256 has 512 bits")?;
        let words: [Word; 16] =
            core::array::from_fn(|word| core::array::from_fn(|bit| block[32 * word + bit]));
        let digest = sha256::compress(builder, &INITIAL.map(constant), &words);
        Ok(numbers(digest.as_flattened()))
    }

    /// The circuit.
    fn finish(&mut self, outputs: Vec<u32>) -> PyResult<PublicCircuit> {
        let (_, [outputs]) = self.with([&outputs])?;
        let builder = self.0.take().ok_or_else(used_up)?;
        let circuit = builder.finish(&outputs).map_err(Failure)?;
        Ok(PublicCircuit(Arc::new(circuit)))
    }
}

/// A circuit, ready to run.
#[pyclass(module = "tacit._kernel", name = "Circuit", frozen)]
pub struct PublicCircuit(Arc<Circuit>);

#[pymethods]
impl PublicCircuit {
    /// Input bits of the garbler and of the evaluator.
    #[getter]
    fn inputs(&self) -> (usize, usize) {
        (self.0.inputs(Role::Garbler), self.0.inputs(Role::Evaluator))
    }

    /// Output bits.
    #[getter]
    fn outputs(&self) -> usize {
        self.0.outputs()
    }

    /// AND gates.
    #[getter]
    fn ands(&self) -> usize {
        self.0.ands()
    }

    /// Longest chain of AND gates.
    #[getter]
    fn depth(&self) -> usize {
        self.0.depth()
    }

    /// Bytes of all tables.
    fn tables_size(&self, instances: usize) -> PyResult<usize> {
        Ok(tables_size(&self.0, instances).map_err(Failure)?)
    }
}

/// Half gates, the party that makes the tables.
#[pyclass(module = "tacit._kernel")]
pub struct HalfGatesGarbler {
    state: Option<Garbler>,
    shape: [usize; 2],
}

#[pymethods]
impl HalfGatesGarbler {
    /// From labels of both parties' inputs.
    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn start<'py>(
        py: Python<'py>,
        circuit: &PublicCircuit,
        instances: usize,
        delta: ByteString<'py>,
        start: ByteString<'py>,
        own: PyReadonlyArray2<'py, u8>,
        bits: PyReadonlyArray1<'py, u8>,
        evaluator: PyReadonlyArray2<'py, u8>,
    ) -> PyResult<Self> {
        let (delta, start) = (delta.exact(DELTA)?, start.exact(START)?);
        let (own, bits, evaluator) = (rows(&own)?, slice(&bits)?, rows(&evaluator)?);
        let shape = [circuit.0.outputs(), instances];
        let circuit = Arc::clone(&circuit.0);
        let state = py
            .detach(|| Garbler::start(circuit, instances, &delta, &start, own, bits, evaluator))
            .map_err(Failure)?;
        Ok(Self {
            state: Some(state),
            shape,
        })
    }

    /// Bytes of the next chunk.
    #[getter]
    fn next_size(&self) -> PyResult<usize> {
        Ok(self.state.as_ref().ok_or_else(used_up)?.next_size())
    }

    /// The next chunk.
    fn garble<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u8>>> {
        let state = self.state.as_mut().ok_or_else(used_up)?;
        fill(py, [state.next_size()], |tables| state.garble(tables))
    }

    /// Decoding bits.
    fn finish<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<u8>>> {
        let state = self.state.take().ok_or_else(used_up)?;
        let bits = state.finish().map_err(Failure)?;
        fill(py, self.shape, |out: &mut [u8]| {
            out.copy_from_slice(&bits);
            Ok(())
        })
    }
}

/// Half gates, the party that reads the tables.
#[pyclass(module = "tacit._kernel")]
pub struct HalfGatesEvaluator {
    state: Option<Evaluator>,
    shape: [usize; 2],
}

#[pymethods]
impl HalfGatesEvaluator {
    /// From labels of both parties' inputs.
    #[staticmethod]
    fn start<'py>(
        py: Python<'py>,
        circuit: &PublicCircuit,
        instances: usize,
        start: ByteString<'py>,
        garbler: PyReadonlyArray2<'py, u8>,
        own: PyReadonlyArray2<'py, u8>,
    ) -> PyResult<Self> {
        let start = start.exact(START)?;
        let (garbler, own) = (rows(&garbler)?, rows(&own)?);
        let shape = [circuit.0.outputs(), instances];
        let circuit = Arc::clone(&circuit.0);
        let state = py
            .detach(|| Evaluator::start(circuit, instances, &start, garbler, own))
            .map_err(Failure)?;
        Ok(Self {
            state: Some(state),
            shape,
        })
    }

    /// Bytes of the next chunk.
    #[getter]
    fn next_size(&self) -> PyResult<usize> {
        Ok(self.state.as_ref().ok_or_else(used_up)?.next_size())
    }

    /// Reads the next chunk.
    fn evaluate(&mut self, py: Python<'_>, tables: ByteString<'_>) -> PyResult<()> {
        let state = self.state.as_mut().ok_or_else(used_up)?;
        let tables = tables.as_slice()?;
        Ok(py.detach(|| state.evaluate(tables)).map_err(Failure)?)
    }

    /// Lowest bits of the output labels.
    fn finish<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<u8>>> {
        let state = self.state.take().ok_or_else(used_up)?;
        let bits = state.finish().map_err(Failure)?;
        fill(py, self.shape, |out: &mut [u8]| {
            out.copy_from_slice(&bits);
            Ok(())
        })
    }
}

/// Labels of the evaluator's inputs, garbler.
#[pyfunction]
pub fn garble_labels_send<'py>(
    py: Python<'py>,
    q: PyReadonlyArray2<'py, u8>,
    ot_delta: ByteString<'py>,
    label: ByteString<'py>,
    delta: ByteString<'py>,
) -> PyResult<Pair<'py, u8, Ix2, u8, Ix2>> {
    let (q, ot_delta) = (rows(&q)?, ot_delta.exact(DELTA)?);
    let (label, delta) = (label.exact(LABEL)?, delta.exact(DELTA)?);
    let shape = [q.len(), BLOCK];
    fill_two(py, shape, shape, |zero, message| {
        let (zero, message) = (zero.as_chunks_mut().0, message.as_chunks_mut().0);
        labels::send(q, &ot_delta, &label, &delta, zero, message)
    })
}

/// Labels of the evaluator's inputs, evaluator.
#[pyfunction]
pub fn garble_labels_receive<'py>(
    py: Python<'py>,
    t: PyReadonlyArray2<'py, u8>,
    label: ByteString<'py>,
    choices: ByteString<'py>,
    message: ByteString<'py>,
) -> PyResult<Labels<'py>> {
    let (t, label) = (rows(&t)?, label.exact(LABEL)?);
    let (choices, message) = (choices.as_slice()?, message.as_slice()?);
    fill(py, [t.len(), BLOCK], |out| {
        labels::receive(t, &label, choices, message, out.as_chunks_mut().0)
    })
}
