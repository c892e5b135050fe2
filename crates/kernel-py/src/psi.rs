//! Set intersection: keys of items, key-value stores, tags and lists of them.

use crate::arguments::{ByteString, Failure, fill, mismatch, rows, slice};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tacit_kernel::okvs::{Keys, Layout};
use tacit_kernel::psi::tag::{self, Tag};
use tacit_kernel::psi::tag_list::{Low, TagList};
use tacit_kernel::psi::{digest, distinct};
use tacit_kernel::scalar::Scalars;
use tacit_kernel::{Error, Result, cuckoo};

type Bytes1<'py> = PyReadonlyArray1<'py, u8>;
type Bytes2<'py> = PyReadonlyArray2<'py, u8>;
type Rows<'py> = PyResult<Bound<'py, PyArray2<u8>>>;
type Block = [u8; 16];

const SEED: &str = "a seed has 16 bytes";
const LABEL: &str = "a label has 16 bytes";
const FACTOR: &str = "delta has 16 bytes";
const OFFSET: &str = "an offset has 16 bytes";

/// Keys of items.
#[pyfunction]
pub fn psi_keys<'py>(
    py: Python<'py>,
    data: Bytes1<'py>,
    offsets: PyReadonlyArray1<'py, i64>,
    label: ByteString<'py>,
    strong: bool,
    threads: usize,
) -> Rows<'py> {
    let (data, offsets, label) = (slice(&data)?, slice(&offsets)?, label.exact(LABEL)?);
    let make = if strong {
        digest::hashed
    } else {
        digest::keyed
    };
    fill(py, [offsets.len().saturating_sub(1), 16], |out| {
        make(&label, data, offsets, threads, out.as_chunks_mut().0)
    })
}

/// Hashes of values with their keys.
#[pyfunction]
pub fn psi_blocks<'py>(
    py: Python<'py>,
    label: ByteString<'py>,
    values: Bytes2<'py>,
    keys: Bytes2<'py>,
) -> Rows<'py> {
    let (label, values, keys) = (label.exact(LABEL)?, rows(&values)?, rows(&keys)?);
    fill(py, [keys.len(), 16], |out| {
        tag::blocks(&label, values, keys, out.as_chunks_mut().0)
    })
}

/// Numbers of the items that equal none before them.
#[pyfunction]
pub fn first_appearances<'py>(
    py: Python<'py>,
    data: Bytes1<'py>,
    offsets: PyReadonlyArray1<'py, i64>,
    key: ByteString<'py>,
) -> PyResult<Bound<'py, PyArray1<u32>>> {
    let (data, offsets, key) = (slice(&data)?, slice(&offsets)?, key.exact(SEED)?);
    let first = py.detach(|| distinct::first_appearances(&key, data, offsets));
    Ok(first.map_err(Failure)?.into_pyarray(py))
}

/// Bins of a cuckoo table.
#[pyfunction]
pub fn cuckoo_bins(n: usize) -> PyResult<usize> {
    Ok(cuckoo::bins(n).map_err(Failure)?)
}

/// The three bins of every key.
#[pyfunction]
pub fn cuckoo_places<'py>(
    py: Python<'py>,
    keys: Bytes2<'py>,
    seed: ByteString<'py>,
    bins: usize,
) -> PyResult<Bound<'py, PyArray2<u32>>> {
    let (keys, seed) = (rows::<16>(&keys)?, seed.exact(SEED)?);
    fill(py, [keys.len(), cuckoo::FUNCTIONS], |out| {
        cuckoo::places(keys, &seed, bins, out.as_chunks_mut().0)
    })
}

/// Which key is in each bin.
#[pyfunction]
pub fn cuckoo_fill<'py>(
    py: Python<'py>,
    places: PyReadonlyArray2<'py, u32>,
    bins: usize,
) -> PyResult<Bound<'py, PyArray1<u32>>> {
    if places.shape()[1] != cuckoo::FUNCTIONS {
        return Err(mismatch("places must have three columns"));
    }
    let places = slice(&places)?.as_chunks().0;
    fill(py, [bins], |table| cuckoo::fill(places, table))
}

/// Blocks of a table.
#[pyfunction]
pub fn okvs_size(n: usize) -> PyResult<usize> {
    Ok(Layout::new(n).map_err(Failure)?.size())
}

/// Bytes of a list of tags.
#[pyfunction]
pub fn psi_list_size(n: usize, bits: u32) -> PyResult<usize> {
    let list = TagList::new::<u128>(n, bits).map_err(Failure)?;
    Ok(list.size())
}

/// Keys under a seed.
#[pyclass(module = "tacit._kernel", frozen)]
pub struct OkvsKeys {
    keys: Keys,
    layout: Layout,
    threads: usize,
}

#[pymethods]
impl OkvsKeys {
    #[new]
    #[pyo3(signature = (n, seed, keys, threads, bits=128))]
    fn new(
        py: Python<'_>,
        n: usize,
        seed: ByteString<'_>,
        keys: Bytes2<'_>,
        threads: usize,
        bits: usize,
    ) -> PyResult<Self> {
        let (seed, keys) = (seed.exact(SEED)?, rows(&keys)?);
        let made = py.detach(|| {
            let layout = Layout::new(n)?.over(Scalars::of_bits(bits)?);
            let keys = Keys::new(layout, &seed, keys)?;
            Ok(Self {
                keys,
                layout,
                threads,
            })
        });
        Ok(made.map_err(|error: Error| Failure(error))?)
    }

    /// A table; without values, every key has itself as value, or as much of it as a scalar holds.
    #[pyo3(signature = (seed, values=None))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        seed: ByteString<'py>,
        values: Option<Bytes2<'py>>,
    ) -> Rows<'py> {
        let seed = seed.exact(SEED)?;
        let values = values.as_ref().map(rows).transpose()?;
        let scalars = self.layout.scalars;
        fill(py, [self.layout.size(), scalars.bytes()], |table| {
            if scalars == Scalars::Whole && values.is_none() {
                let table = table.as_chunks_mut().0;
                return self
                    .keys
                    .encode(&seed, self.keys.keys(), table, self.threads);
            }
            let mut values = match values {
                None => self.keys.keys().to_vec(),
                Some(values) => self.keys.arrange(values)?,
            };
            scalars.truncate(&mut values);
            let mut wide = vec![[0; 16]; self.layout.size()];
            self.keys.encode(&seed, &values, &mut wide, self.threads)?;
            scalars.narrow(&wide, table)
        })
    }

    /// Values in the caller's order.
    fn decode<'py>(&self, py: Python<'py>, table: Bytes2<'py>) -> Rows<'py> {
        let table = rows(&table)?;
        fill(py, [self.keys.keys().len(), 16], |out| {
            let mut values = vec![[0; 16]; self.keys.keys().len()];
            self.keys.decode(table, &mut values, self.threads)?;
            let out: &mut [Block] = out.as_chunks_mut().0;
            for (value, number) in values.iter().zip(self.keys.order()) {
                out[*number as usize] = *value;
            }
            Ok(())
        })
    }

    /// Tags from a table of the receiver.
    #[pyo3(signature = (label, table, offset=None))]
    fn tags(
        &self,
        py: Python<'_>,
        label: ByteString<'_>,
        table: Bytes2<'_>,
        offset: Option<ByteString<'_>>,
    ) -> PyResult<PsiTags> {
        let (label, table) = (label.exact(LABEL)?, rows(&table)?);
        let offset = offset.map(|w| w.exact(OFFSET)).transpose()?;
        let tags = py.detach(|| {
            let mut values = vec![[0; 16]; self.keys.keys().len()];
            self.keys.decode(table, &mut values, self.threads)?;
            self.finish(&label, offset, &values)
        });
        Ok(tags.map_err(Failure)?)
    }

    /// Tags from rows of the sender and the receiver's corrections.
    #[pyo3(signature = (label, table, delta, corrections, offset=None))]
    fn corrected_tags(
        &self,
        py: Python<'_>,
        label: ByteString<'_>,
        table: Bytes2<'_>,
        delta: ByteString<'_>,
        corrections: Bytes2<'_>,
        offset: Option<ByteString<'_>>,
    ) -> PyResult<PsiTags> {
        let (label, table) = (label.exact(LABEL)?, rows(&table)?);
        let delta = delta.exact(FACTOR)?;
        let scalars = self.layout.scalars;
        if corrections.shape()[1] != scalars.bytes() {
            return Err(mismatch("corrections have the bytes of scalars"));
        }
        let corrections = slice(&corrections)?;
        let offset = offset.map(|w| w.exact(OFFSET)).transpose()?;
        let tags = py.detach(|| {
            let mut table = table.to_vec();
            match scalars {
                Scalars::Whole => {
                    let corrections = corrections.as_chunks().0;
                    tag::add_product(scalars, &mut table, corrections, &delta, self.threads)?;
                }
                Scalars::Half => {
                    let corrections = scalars.widen(corrections);
                    tag::add_product(scalars, &mut table, &corrections, &delta, self.threads)?;
                }
            }
            let mut values = vec![[0; 16]; self.keys.keys().len()];
            self.keys.decode(&table, &mut values, self.threads)?;
            tag::add_product(scalars, &mut values, self.keys.keys(), &delta, self.threads)?;
            self.finish(&label, offset, &values)
        });
        Ok(tags.map_err(Failure)?)
    }
}

impl OkvsKeys {
    fn finish(&self, label: &Block, offset: Option<Block>, values: &[Block]) -> Result<PsiTags> {
        let order = self.keys.order().to_vec();
        let n = values.len();
        let tags = if let Some(w) = offset {
            let mut tags = vec![Tag::default(); n];
            tag::strong(label, &w, values, self.keys.keys(), self.threads, &mut tags)?;
            Tags::Long(tags)
        } else {
            let mut tags = vec![Tag::default(); n];
            tag::fast(label, values, self.keys.keys(), self.threads, &mut tags)?;
            Tags::Short(tags)
        };
        Ok(PsiTags { tags, order })
    }
}

enum Tags {
    Short(Vec<Tag<u64>>),
    Long(Vec<Tag<u128>>),
}

/// Tags of items, in the order of their bins, and whose they are.
#[pyclass(module = "tacit._kernel", frozen)]
pub struct PsiTags {
    tags: Tags,
    order: Vec<u32>,
}

/// A byte string and numbers of items.
type Written<'py> = (Bound<'py, PyBytes>, Bound<'py, PyArray1<u32>>);

impl PsiTags {
    fn write_as<'py, L: Low>(
        &self,
        py: Python<'py>,
        tags: &[Tag<L>],
        bits: u32,
    ) -> PyResult<Written<'py>> {
        let list = TagList::new::<L>(tags.len(), bits).map_err(Failure)?;
        let mut places = Vec::new();
        let message = PyBytes::new_with(py, list.size(), |message| {
            places = py.detach(|| list.write(tags, message)).map_err(Failure)?;
            Ok(())
        })?;
        let numbers: Vec<u32> = places
            .iter()
            .map(|place| self.order[*place as usize])
            .collect();
        Ok((message, numbers.into_pyarray(py)))
    }

    fn find_as<L: Low>(
        &self,
        tags: &[Tag<L>],
        message: &[u8],
        n: usize,
        bits: u32,
    ) -> Result<Vec<u32>> {
        let mut found = TagList::new::<L>(n, bits)?.find(message, tags)?;
        for number in &mut found {
            // What was not found stays so.
            *number = self
                .order
                .get(*number as usize)
                .copied()
                .unwrap_or(u32::MAX);
        }
        Ok(found)
    }
}

#[pymethods]
impl PsiTags {
    /// The message, and for each place in it the number of the item.
    fn write<'py>(&self, py: Python<'py>, bits: u32) -> PyResult<Written<'py>> {
        match &self.tags {
            Tags::Short(tags) => self.write_as(py, tags, bits),
            Tags::Long(tags) => self.write_as(py, tags, bits),
        }
    }

    /// For each place in the peer's message the number of my item, or 2^32 - 1.
    fn find<'py>(
        &self,
        py: Python<'py>,
        message: ByteString<'py>,
        n: usize,
        bits: u32,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let message = message.as_slice()?;
        let found = py.detach(|| match &self.tags {
            Tags::Short(tags) => self.find_as(tags, message, n, bits),
            Tags::Long(tags) => self.find_as(tags, message, n, bits),
        });
        Ok(found.map_err(Failure)?.into_pyarray(py))
    }
}
