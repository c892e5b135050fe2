//! Function secret sharing.

use crate::arguments::{ByteString, Failure, Pair, fill, fill_two, mismatch, slice};
use numpy::{Ix2, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use tacit_kernel::Error;
use tacit_kernel::fss::{Output, Shape, dcf, dpf};

const LABEL: &str = "label must have 16 bytes";
const SEED: &str = "seed must have 16 bytes";

/// Which function, on which domain.
struct Function {
    points: bool,
    shape: Shape,
}

impl Function {
    fn new(kind: &str, n: usize, bits: usize) -> PyResult<Self> {
        let points = match kind {
            "dpf" => true,
            "dcf" => false,
            _ => return Err(Failure(Error::Range("kind must be dpf or dcf")).into()),
        };
        let output = match bits {
            1 => Output::Bit,
            64 => Output::Word,
            _ => return Err(Failure(Error::Range("outputs have 1 or 64 bits")).into()),
        };
        let shape = Shape::new(n, output).map_err(Failure)?;
        Ok(Self { points, shape })
    }

    fn key_size(&self) -> usize {
        if self.points {
            dpf::key_size(self.shape)
        } else {
            dcf::key_size(self.shape)
        }
    }
}

/// Bytes of a key.
#[pyfunction]
pub fn fss_key_size(kind: &str, n: usize, bits: usize) -> PyResult<usize> {
    Ok(Function::new(kind, n, bits)?.key_size())
}

/// Keys of both parties.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn fss_generate<'py>(
    py: Python<'py>,
    kind: &str,
    n: usize,
    bits: usize,
    label: ByteString<'py>,
    seed: ByteString<'py>,
    alphas: PyReadonlyArray1<'py, u64>,
    betas: PyReadonlyArray1<'py, u64>,
) -> PyResult<Pair<'py, u8, Ix2, u8, Ix2>> {
    let function = Function::new(kind, n, bits)?;
    let (label, seed) = (label.exact(LABEL)?, seed.exact(SEED)?);
    let (alphas, betas) = (slice(&alphas)?, slice(&betas)?);
    if alphas.len() != betas.len() {
        return Err(mismatch("there must be one beta for every alpha"));
    }
    let generate = if function.points {
        dpf::generate
    } else {
        dcf::generate
    };
    let room = [alphas.len(), function.key_size()];
    fill_two(py, room, room, |zero, one| {
        generate(function.shape, &label, &seed, alphas, betas, [zero, one])
    })
}

/// Shares of values at points.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn fss_evaluate<'py>(
    py: Python<'py>,
    kind: &str,
    n: usize,
    bits: usize,
    party: u8,
    label: ByteString<'py>,
    keys: ByteString<'py>,
    points: PyReadonlyArray1<'py, u64>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let function = Function::new(kind, n, bits)?;
    let (label, keys, points) = (label.exact(LABEL)?, keys.as_slice()?, slice(&points)?);
    let evaluate = if function.points {
        dpf::evaluate
    } else {
        dcf::evaluate
    };
    fill(py, points.len(), |out| {
        evaluate(function.shape, party, &label, keys, points, out)
    })
}

/// Shares of all values of one key.
#[pyfunction]
pub fn fss_evaluate_all<'py>(
    py: Python<'py>,
    kind: &str,
    n: usize,
    bits: usize,
    party: u8,
    label: ByteString<'py>,
    key: ByteString<'py>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let function = Function::new(kind, n, bits)?;
    let (label, key) = (label.exact(LABEL)?, key.as_slice()?);
    let (words, evaluate): (_, fn(_, _, &_, &_, &mut _) -> _) = if function.points {
        (dpf::all_words(function.shape), dpf::evaluate_all)
    } else {
        (dcf::all_words(function.shape), dcf::evaluate_all)
    };
    fill(py, words.map_err(Failure)?, |out| {
        evaluate(function.shape, party, &label, key, out)
    })
}
