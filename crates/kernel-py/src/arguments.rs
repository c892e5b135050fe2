//! Python arguments to slices, kernel output to arrays, and the one error map.

use numpy::ndarray::{Dimension, IntoDimension};
use numpy::{
    Element, PyArray, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyType};
use tacit_kernel::Error;

/// A byte string: `bytes` and contiguous `uint8` arrays without a copy, other buffers with one.
pub enum ByteString<'py> {
    /// `bytes` or `bytearray`.
    Bytes(PyBackedBytes),
    /// `ndarray[u8]`.
    Array(PyReadonlyArray1<'py, u8>),
    /// Anything else with a buffer of bytes.
    Copy(Vec<u8>),
}

impl<'py> FromPyObject<'_, 'py> for ByteString<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.extract::<PyBackedBytes>() {
            return Ok(Self::Bytes(bytes));
        }
        if let Ok(array) = object.extract::<PyReadonlyArray1<'py, u8>>()
            && array.is_c_contiguous()
        {
            return Ok(Self::Array(array));
        }
        let buffer = PyBuffer::<u8>::get(&object)?;
        Ok(Self::Copy(buffer.to_vec(object.py())?))
    }
}

impl ByteString<'_> {
    /// The bytes.
    pub fn as_slice(&self) -> PyResult<&[u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Array(array) => slice(array),
            Self::Copy(bytes) => Ok(bytes),
        }
    }

    /// The bytes, exactly `N` of them.
    pub fn exact<const N: usize>(&self, message: &'static str) -> PyResult<[u8; N]> {
        self.as_slice()?
            .try_into()
            .map_err(|_| Failure(Error::Range(message)).into())
    }
}

/// The elements of an array, if they are C-contiguous.
pub fn slice<'a, T: Element, D: Dimension>(
    array: &'a PyReadonlyArray<'_, T, D>,
) -> PyResult<&'a [T]> {
    // `as_slice` alone would also take Fortran order.
    let elements = if array.is_c_contiguous() {
        array.as_slice().ok()
    } else {
        None
    };
    elements.ok_or_else(|| PyTypeError::new_err("arrays must be C-contiguous"))
}

/// A zeroed array; `MemoryError` where numpy would have none.
fn zeros<T: Element, D: Dimension>(py: Python<'_>, shape: D) -> PyResult<Bound<'_, PyArray<T, D>>> {
    let count = shape
        .slice()
        .iter()
        .try_fold(1usize, |count, side| count.checked_mul(*side));
    let mut trial = Vec::<T>::new();
    let room = count.is_some_and(|count| trial.try_reserve_exact(count).is_ok());
    // Without the barrier the unused allocation is optimised away and always succeeds.
    drop(std::hint::black_box(trial));
    if room {
        Ok(PyArray::zeros(py, shape, false))
    } else {
        Err(PyMemoryError::new_err(()))
    }
}

/// A new array that `work` fills without the GIL.
pub fn fill<'py, T: Element + Send, D: Dimension>(
    py: Python<'py>,
    shape: impl IntoDimension<Dim = D>,
    work: impl FnOnce(&mut [T]) -> Result<(), Error> + Send,
) -> PyResult<Bound<'py, PyArray<T, D>>> {
    let out = zeros(py, shape.into_dimension())?;
    let mut view = out.readwrite();
    let elements = view.as_slice_mut()?;
    py.detach(|| work(elements)).map_err(Failure)?;
    drop(view);
    Ok(out)
}

/// Two arrays.
pub type Pair<'py, T, D, U, E> = (Bound<'py, PyArray<T, D>>, Bound<'py, PyArray<U, E>>);

/// Two new arrays that `work` fills without the GIL.
pub fn fill_two<'py, T: Element + Send, D: Dimension, U: Element + Send, E: Dimension>(
    py: Python<'py>,
    first: impl IntoDimension<Dim = D>,
    second: impl IntoDimension<Dim = E>,
    work: impl FnOnce(&mut [T], &mut [U]) -> Result<(), Error> + Send,
) -> PyResult<Pair<'py, T, D, U, E>> {
    let out = (
        zeros(py, first.into_dimension())?,
        zeros(py, second.into_dimension())?,
    );
    let (mut first, mut second) = (out.0.readwrite(), out.1.readwrite());
    let elements = (first.as_slice_mut()?, second.as_slice_mut()?);
    py.detach(|| work(elements.0, elements.1))
        .map_err(Failure)?;
    drop((first, second));
    Ok(out)
}

/// A byte string and an array.
pub type WithBytes<'py, T, D> = (Bound<'py, PyBytes>, Bound<'py, PyArray<T, D>>);

/// A new byte string and a new array that `work` fills without the GIL.
pub fn fill_with_bytes<'py, T: Element + Send, D: Dimension>(
    py: Python<'py>,
    size: usize,
    shape: impl IntoDimension<Dim = D>,
    work: impl FnOnce(&mut [u8], &mut [T]) -> Result<(), Error> + Send,
) -> PyResult<WithBytes<'py, T, D>> {
    let out = zeros(py, shape.into_dimension())?;
    let mut view = out.readwrite();
    let elements = view.as_slice_mut()?;
    let bytes = PyBytes::new_with(py, size, |bytes| {
        Ok(py.detach(|| work(bytes, elements)).map_err(Failure)?)
    })?;
    drop(view);
    Ok((bytes, out))
}

/// Rows of `N` bytes of an array `u8[n, N]`.
pub fn rows<'a, const N: usize>(array: &'a PyReadonlyArray2<'_, u8>) -> PyResult<&'a [[u8; N]]> {
    if array.shape()[1] == N {
        Ok(slice(array)?.as_chunks::<N>().0)
    } else {
        Err(mismatch("an array of rows has the wrong number of columns"))
    }
}

/// A `Mismatch` as a Python error.
pub fn mismatch(message: &'static str) -> PyErr {
    Failure(Error::Mismatch(message)).into()
}

/// A kernel error on its way to Python.
pub struct Failure(pub Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

static KERNEL_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The exception class; the stable ABI of 3.11 cannot subclass it in Rust.
pub fn kernel_error(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    let class = KERNEL_ERROR.get_or_try_init(py, || {
        let source = c"class KernelError(Exception):
    def __init__(self, kind, message):
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self):
        return f'{self.kind}: {self.message}'
";
        let names = PyDict::new(py);
        names.set_item("__name__", "tacit._kernel")?;
        py.run(source, Some(&names), None)?;
        let class = names
            .as_any()
            .get_item("KernelError")?
            .cast_into::<PyType>()?;
        PyResult::Ok(class.unbind())
    })?;
    Ok(class.bind(py))
}

impl From<Failure> for PyErr {
    fn from(Failure(error): Failure) -> Self {
        Python::attach(|py| match kernel_error(py) {
            Ok(class) => Self::from_type(class.clone(), (error.kind(), error.message())),
            Err(error) => error,
        })
    }
}
