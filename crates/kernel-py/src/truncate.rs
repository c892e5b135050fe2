//! Local steps of truncation among three parties; coins added to an array.

use crate::arguments::{ByteString, Failure, Pair, fill_two, mismatch, slice};
use numpy::{Ix1, Ix2, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray1};
use pyo3::prelude::*;
use tacit_kernel::bits::plane_words;
use tacit_kernel::prg::Prg;
use tacit_kernel::truncate::{self, Carried, Coins, Helped, HelperOut, Opened, Shift};

const KEY: &str = "key must have 16 bytes";

fn elements<'a>(x: &'a mut PyReadwriteArray1<'_, u64>) -> PyResult<&'a mut [u64]> {
    x.as_slice_mut()
        .map_err(|_| mismatch("arrays written to must be C-contiguous"))
}

/// Adds a key stream to an array.
#[pyfunction]
pub fn prg_add(
    py: Python<'_>,
    key: ByteString<'_>,
    start_block: u128,
    mut x: PyReadwriteArray1<'_, u64>,
) -> PyResult<()> {
    let (key, x) = (key.exact(KEY)?, elements(&mut x)?);
    py.detach(|| Prg::new(&key).add(start_block, x));
    Ok(())
}

/// Subtracts a key stream from an array.
#[pyfunction]
pub fn prg_subtract(
    py: Python<'_>,
    key: ByteString<'_>,
    start_block: u128,
    mut x: PyReadwriteArray1<'_, u64>,
) -> PyResult<()> {
    let (key, x) = (key.exact(KEY)?, elements(&mut x)?);
    py.detach(|| Prg::new(&key).subtract(start_block, x));
    Ok(())
}

/// The helper's step.
#[pyfunction]
#[pyo3(signature = (bits, first, second, keys, blocks, ring_bits=64))]
pub fn trunc_helper<'py>(
    py: Python<'py>,
    bits: usize,
    first: PyReadonlyArray1<'py, u64>,
    second: Option<PyReadonlyArray1<'py, u64>>,
    keys: (ByteString<'py>, ByteString<'py>),
    blocks: (u128, u128),
    ring_bits: usize,
) -> PyResult<Pair<'py, u64, Ix1, u64, Ix1>> {
    let shift = Shift::new(ring_bits, bits).map_err(Failure)?;
    let prgs = [Prg::new(&keys.0.exact(KEY)?), Prg::new(&keys.1.exact(KEY)?)];
    let from = match &second {
        None => Helped::Product(slice(&first)?),
        Some(second) => Helped::Addends(slice(&first)?, slice(second)?),
    };
    let n = from.len();
    let planes = bits * plane_words(n);
    let more = if second.is_some() { planes } else { 0 };
    fill_two(py, [n + planes], [n + more], |to_1, with_0| {
        let coins = [
            Coins::new(&prgs[0], blocks.0),
            Coins::new(&prgs[1], blocks.1),
        ];
        let ((z_2, for_1), (z_0, for_0)) = (to_1.split_at_mut(n), with_0.split_at_mut(n));
        truncate::helper(
            shift,
            from,
            coins,
            HelperOut {
                z_2,
                z_0,
                for_1,
                for_0,
            },
        )
    })
}

/// An evaluator's step.
#[pyfunction]
#[pyo3(signature = (bits, own, received, given, key, block, ring_bits=64))]
#[allow(clippy::too_many_arguments)] // each is an array or a number of its own
pub fn trunc_evaluator<'py>(
    py: Python<'py>,
    bits: usize,
    own: PyReadonlyArray1<'py, u64>,
    received: Option<PyReadonlyArray1<'py, u64>>,
    given: Option<PyReadonlyArray1<'py, u64>>,
    key: ByteString<'py>,
    block: u128,
    ring_bits: usize,
) -> PyResult<Pair<'py, u64, Ix1, u64, Ix2>> {
    let shift = Shift::new(ring_bits, bits).map_err(Failure)?;
    let prg = Prg::new(&key.exact(KEY)?);
    let own = slice(&own)?;
    let given = given.as_ref().map(slice).transpose()?;
    let from = match &received {
        None => Opened::Alone(own),
        Some(received) => Opened::Product(own, slice(received)?, given),
    };
    let n = own.len();
    fill_two(py, [n], [bits, plane_words(n)], |part, planes| {
        truncate::evaluator(shift, from, &Coins::new(&prg, block), part, planes)
    })
}

/// An evaluator's last step, in place.
#[pyfunction]
#[pyo3(signature = (bits, part, received, c=None, given=None, ring_bits=64))]
pub fn trunc_finish<'py>(
    py: Python<'py>,
    bits: usize,
    mut part: PyReadwriteArray1<'py, u64>,
    received: PyReadonlyArray2<'py, u64>,
    c: Option<PyReadonlyArray1<'py, u64>>,
    given: Option<PyReadonlyArray1<'py, u64>>,
    ring_bits: usize,
) -> PyResult<()> {
    let shift = Shift::new(ring_bits, bits).map_err(Failure)?;
    let (part, received) = (elements(&mut part)?, slice(&received)?);
    let alone = match (&c, &given) {
        (Some(c), Some(given)) => Some((slice(c)?, slice(given)?)),
        (None, None) => None,
        _ => return Err(mismatch("c and given go together")),
    };
    py.detach(|| truncate::finish(shift, part, received, alone))
        .map_err(Failure)?;
    Ok(())
}

/// One part of a truncated value whose carries are known in parts.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // each is an array or a number of its own
pub fn trunc_carried<'py>(
    py: Python<'py>,
    bits: usize,
    one: u64,
    x: PyReadonlyArray1<'py, u64>,
    product: PyReadonlyArray1<'py, u64>,
    both: PyReadonlyArray1<'py, u64>,
    k: PyReadonlyArray1<'py, u8>,
    w: PyReadonlyArray1<'py, u8>,
    t: PyReadonlyArray1<'py, u8>,
) -> PyResult<Pair<'py, u64, Ix1, u64, Ix1>> {
    let shift = Shift::new(64, bits).map_err(Failure)?;
    let part = Carried {
        x: slice(&x)?,
        product: slice(&product)?,
        both: slice(&both)?,
        k: slice(&k)?,
        w: slice(&w)?,
        t: slice(&t)?,
    };
    let n = part.x.len();
    fill_two(py, [n], [n], |linear, factor| {
        truncate::carried(shift, one, part, linear, factor)
    })
}
