//! RLWE products: layouts, keys, matrices, slots.

use crate::arguments::{ByteString, Failure, fill, fill_two, mismatch, slice};
use numpy::{Ix1, Ix2, PyArray1, PyArray2, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tacit_kernel::rlwe::{self, slots};

const SEED: &str = "seed must have 32 bytes";
const MULTIPLY_SEED: &str = "seed must have 16 bytes";

fn modulus(bits: usize) -> PyResult<rlwe::Modulus> {
    Ok(rlwe::Modulus::of_bits(bits).map_err(Failure)?)
}

/// Bytes of an encoded public key.
#[pyfunction]
pub fn rlwe_public_key_size(modulus_bits: usize) -> PyResult<usize> {
    Ok(rlwe::public_key_size(modulus(modulus_bits)?))
}

/// How a product is cut into polynomials.
#[pyclass(module = "tacit._kernel", frozen)]
pub struct RlweLayout(rlwe::Layout);

#[pymethods]
impl RlweLayout {
    /// The cheapest plan within the noise budget.
    #[staticmethod]
    fn plan(m: usize, d: usize, k: usize, x_bits: usize, modulus_bits: usize) -> PyResult<Self> {
        let layout = rlwe::Layout::plan((m, d, k), x_bits, modulus(modulus_bits)?);
        Ok(Self(layout.map_err(Failure)?))
    }

    /// Bytes of the encrypted W.
    #[getter]
    fn fresh_size(&self) -> usize {
        self.0.fresh_size()
    }

    /// Bytes of the answer.
    #[getter]
    fn answer_size(&self) -> usize {
        self.0.answer_size()
    }

    /// Bytes of a kept matrix.
    #[getter]
    fn kept_size(&self) -> usize {
        self.0.kept_size()
    }
}

/// Key of W's owner.
#[pyclass(module = "tacit._kernel", frozen)]
pub struct RlweKey(rlwe::SecretKey);

#[pymethods]
impl RlweKey {
    /// A key and its encoded public key.
    #[staticmethod]
    fn generate<'py>(
        py: Python<'py>,
        seed: ByteString<'py>,
        modulus_bits: usize,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let (seed, modulus) = (seed.exact(SEED)?, modulus(modulus_bits)?);
        let (key, public) = py.detach(|| rlwe::SecretKey::generate(modulus, &seed));
        Ok((Self(key), PyBytes::new(py, &public)))
    }

    /// Encrypts the columns of W.
    fn encrypt<'py>(
        &self,
        py: Python<'py>,
        layout: &RlweLayout,
        seed: ByteString<'py>,
        w: PyReadonlyArray2<'py, u64>,
    ) -> PyResult<Bound<'py, PyArray1<u8>>> {
        let (_, d, k) = layout.0.shape();
        if w.shape() != [k, d] {
            return Err(mismatch("w must have the shape (k, d)"));
        }
        let (seed, w) = (seed.exact(SEED)?, slice(&w)?);
        fill(py, [layout.0.fresh_size()], |message| {
            self.0.encrypt(&layout.0, &seed, w, message)
        })
    }

    /// The share of W's owner.
    fn decrypt<'py>(
        &self,
        py: Python<'py>,
        layout: &RlweLayout,
        answer: ByteString<'py>,
    ) -> PyResult<Bound<'py, PyArray2<u64>>> {
        let (m, _, k) = layout.0.shape();
        let answer = answer.as_slice()?;
        fill(py, [k, m], |share| self.0.decrypt(&layout.0, answer, share))
    }

    /// Encrypts factors of products in slots.
    fn encrypt_slots<'py>(
        &self,
        py: Python<'py>,
        seed: ByteString<'py>,
        factors: PyReadonlyArray2<'py, u64>,
    ) -> PyResult<Bound<'py, PyArray1<u8>>> {
        let (terms, products) = (factors.shape()[0], factors.shape()[1]);
        let size = slots::fresh_size(products, terms).map_err(Failure)?;
        let (seed, factors) = (seed.exact(SEED)?, slice(&factors)?);
        fill(py, [size], |message| {
            slots::encrypt(&self.0, &seed, factors, terms, message)
        })
    }

    /// The share of the factors' owner.
    fn decrypt_slots<'py>(
        &self,
        py: Python<'py>,
        answer: ByteString<'py>,
        products: usize,
        tops: bool,
    ) -> PyResult<Bound<'py, PyArray2<u64>>> {
        slots::answer_size(products).map_err(Failure)?;
        let answer = answer.as_slice()?;
        fill(py, [rows(tops), products], |share| {
            slots::decrypt(&self.0, answer, products, share)
        })
    }
}

/// Bytes of the key owner's message, bytes of the answer, and masked coefficients of products in slots.
#[pyfunction]
pub fn rlwe_slots_size(products: usize, terms: usize) -> PyResult<(usize, usize, usize)> {
    let fresh = slots::fresh_size(products, terms).map_err(Failure)?;
    let answer = slots::answer_size(products).map_err(Failure)?;
    Ok((fresh, answer, slots::outputs(products).map_err(Failure)?))
}

/// The shape of a share: with the tops as a second row, or without.
fn rows(tops: bool) -> usize {
    1 + usize::from(tops)
}

/// Public key of the peer.
#[pyclass(module = "tacit._kernel", frozen)]
pub struct RlwePublicKey(rlwe::PublicKey);

#[pymethods]
impl RlwePublicKey {
    /// Checks and expands an encoded key.
    #[staticmethod]
    fn decode(py: Python<'_>, encoded: ByteString<'_>, modulus_bits: usize) -> PyResult<Self> {
        let (encoded, modulus) = (encoded.as_slice()?, modulus(modulus_bits)?);
        let key = py.detach(|| rlwe::PublicKey::decode(modulus, encoded));
        Ok(Self(key.map_err(Failure)?))
    }

    /// The answer and the share of the party without the key.
    fn multiply_slots<'py>(
        &self,
        py: Python<'py>,
        fresh: ByteString<'py>,
        seed: ByteString<'py>,
        factors: PyReadonlyArray2<'py, u64>,
        tops: bool,
    ) -> PyResult<crate::arguments::Pair<'py, u8, Ix1, u64, Ix2>> {
        let (terms, products) = (factors.shape()[0], factors.shape()[1]);
        let size = slots::answer_size(products).map_err(Failure)?;
        let (fresh, seed) = (fresh.as_slice()?, seed.exact(MULTIPLY_SEED)?);
        let factors = slice(&factors)?;
        fill_two(py, [size], [rows(tops), products], |answer, share| {
            slots::multiply(&self.0, fresh, &seed, factors, terms, answer, share)
        })
    }
}

/// X, ready for products.
#[pyclass(module = "tacit._kernel", frozen)]
pub struct RlweMatrix(rlwe::Matrix);

#[pymethods]
impl RlweMatrix {
    /// Checks the range of X and, if it is to be kept, transforms it.
    #[staticmethod]
    fn prepare<'py>(
        py: Python<'py>,
        layout: &RlweLayout,
        x: PyReadonlyArray2<'py, u64>,
        keep: bool,
    ) -> PyResult<Self> {
        let (m, d, _) = layout.0.shape();
        if x.shape() != [m, d] {
            return Err(mismatch("x must have the shape (m, d)"));
        }
        let x = slice(&x)?;
        let matrix = py.detach(|| rlwe::Matrix::new(layout.0, x, keep));
        Ok(Self(matrix.map_err(Failure)?))
    }

    /// The answer and the share of X's owner.
    fn multiply<'py>(
        &self,
        py: Python<'py>,
        key: &RlwePublicKey,
        fresh: ByteString<'py>,
        seed: ByteString<'py>,
    ) -> PyResult<crate::arguments::Pair<'py, u8, Ix1, u64, Ix2>> {
        let layout = self.0.layout();
        let (m, _, k) = layout.shape();
        let (fresh, seed) = (fresh.as_slice()?, seed.exact(MULTIPLY_SEED)?);
        fill_two(py, [layout.answer_size()], [k, m], |answer, share| {
            self.0.multiply(&key.0, fresh, &seed, answer, share)
        })
    }
}
