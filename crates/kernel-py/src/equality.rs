//! Equality of private words from rows of OTs.

use crate::arguments::{ByteString, Pair, fill, fill_two, rows, slice};
use crate::transfer::{DELTA, LABEL};
use numpy::{Ix1, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use tacit_kernel::ot::equality;

type Bytes1<'py> = PyReadonlyArray1<'py, u8>;
type Bytes2<'py> = PyReadonlyArray2<'py, u8>;

/// Shared distances, sender.
#[pyfunction]
pub fn distance_send<'py>(
    py: Python<'py>,
    q: Bytes2<'py>,
    delta: ByteString<'py>,
    label: ByteString<'py>,
    planes: PyReadonlyArray2<'py, u64>,
) -> PyResult<Pair<'py, u8, Ix1, u8, Ix1>> {
    let (q, delta, label) = (rows(&q)?, delta.exact(DELTA)?, label.exact(LABEL)?);
    let n = 64 * planes.shape()[1];
    let planes = slice(&planes)?;
    fill_two(py, [q.len()], [n], |payload, share| {
        equality::distance_send(q, &delta, &label, planes, payload, share)
    })
}

/// Shared distances, receiver.
#[pyfunction]
pub fn distance_recv<'py>(
    py: Python<'py>,
    t: Bytes2<'py>,
    label: ByteString<'py>,
    planes: PyReadonlyArray2<'py, u64>,
    payload: ByteString<'py>,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let (t, label, payload) = (rows(&t)?, label.exact(LABEL)?, payload.as_slice()?);
    let n = 64 * planes.shape()[1];
    let planes = slice(&planes)?;
    fill(py, [n], |share| {
        equality::distance_receive(t, &label, planes, payload, share)
    })
}

/// Tables of 64 bits under pads.
#[pyfunction]
pub fn pick_send<'py>(
    py: Python<'py>,
    q: Bytes2<'py>,
    delta: ByteString<'py>,
    label: ByteString<'py>,
    places: Bytes1<'py>,
    coins: PyReadonlyArray1<'py, u64>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let (q, delta, label) = (rows(&q)?, delta.exact(DELTA)?, label.exact(LABEL)?);
    let (places, coins) = (slice(&places)?, slice(&coins)?);
    fill(py, [places.len()], |payload| {
        equality::pick_send(q, &delta, &label, places, coins, payload)
    })
}

/// What the tables have at the receiver's places.
#[pyfunction]
pub fn pick_recv<'py>(
    py: Python<'py>,
    t: Bytes2<'py>,
    label: ByteString<'py>,
    places: Bytes1<'py>,
    payload: PyReadonlyArray1<'py, u64>,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let (t, label) = (rows(&t)?, label.exact(LABEL)?);
    let (places, payload) = (slice(&places)?, slice(&payload)?);
    fill(py, [places.len()], |out| {
        equality::pick_receive(t, &label, places, payload, out)
    })
}
