//! Half-gates garbling of many instances of one circuit, streamed in chunks.
//!
//! Source: Zahur, Rosulek, Evans 2015 (ePrint 2014/756) §5; gates and hash in [`super::gate`].
//! Setting: semi-honest garbler and evaluator; the tables are only as right as who made them.
//! Differs: instances run side by side, up to [`LANES`] in a block, block after block; ANDs that do not
//! depend on each other share one call of the hash.
//! Notation: a *unit* is one AND in all instances of a block; chunks are whole units.
//! Cost: 32 bytes and 4 or 2 AES per AND and instance; memory `16·LANES·slots`.

use super::circuit::{Circuit, Free, Role};
use super::gate::{self, Table};
use crate::aes::{Block, xor};
use crate::error::{Error, Result, ensure};
use crate::simd::multiversion;
use crate::wipe::{Wiped, wipe};
use core::cell::Cell;
use std::sync::Arc;

/// Instances side by side.
const LANES: usize = 32;
/// Items that share a call of the hash, at least.
const BATCH: usize = 64;
/// Units of a chunk: 1 MiB of tables when a block is full.
const CHUNK_UNITS: usize = (1 << 20) / (32 * LANES);
/// Bytes of a table.
const TABLE_BYTES: usize = 32;
/// Slots of a wire are whole vectors.
const VECTOR: usize = 4;

/// Bytes of all tables.
///
/// # Errors
/// `Range` if the number overflows.
pub fn tables_size(circuit: &Circuit, instances: usize) -> Result<usize> {
    let size = circuit
        .ands()
        .checked_mul(instances)
        .and_then(|items| items.checked_mul(TABLE_BYTES));
    size.ok_or(Error::Range("the tables would be too large"))
}

type Vector = [Block; VECTOR];

#[inline(always)]
fn sum(x: &Vector, y: &Vector) -> Vector {
    let mut sum = *x;
    let bytes = sum.as_flattened_mut().iter_mut();
    bytes.zip(y.as_flattened()).for_each(|(x, y)| *x ^= y);
    sum
}

multiversion! {
    /// The free gates of a layer; a wire has `stride` vectors, a not adds `offset`.
    fn run_free(gates: &[Free], stride: usize, offset: &Vector, slots: &mut [Vector]) {
        // A gate may write where it reads.
        let cells = Cell::from_mut(slots).as_slice_of_cells();
        let wire = |slot: u32| &cells[slot as usize * stride..][..stride];
        for gate in gates {
            let (a, b, out) = (wire(gate.a), wire(gate.b), wire(gate.out));
            if gate.is_not {
                for (out, a) in out.iter().zip(a) {
                    out.set(sum(&a.get(), offset));
                }
            } else {
                for (out, (a, b)) in out.iter().zip(a.iter().zip(b)) {
                    out.set(sum(&a.get(), &b.get()));
                }
            }
        }
    }
}

/// Where a run stands, and the labels of its wires.
struct Walk {
    circuit: Arc<Circuit>,
    instances: usize,
    start: Block,
    /// Labels of all inputs, the garbler's first: `[input][instance]`.
    inputs: Wiped<Block>,
    slots: Wiped<Vector>,
    /// Lowest bits of the output labels: `[output][instance]`.
    outputs: Vec<u8>,
    first_instance: usize,
    layer: usize,
    entered: bool,
    and: usize,
    item: u64,
    offset: Block,
    a: Wiped<Block>,
    b: Wiped<Block>,
    c: Wiped<Block>,
}

impl Walk {
    fn new(
        circuit: Arc<Circuit>,
        instances: usize,
        start: Block,
        offset: Block,
        inputs: [&[Block]; 2],
    ) -> Result<Self> {
        tables_size(&circuit, instances)?;
        ensure(instances > 0, Error::Range("instances must be positive"))?;
        for (role, labels) in [Role::Garbler, Role::Evaluator].into_iter().zip(inputs) {
            ensure(
                circuit.inputs(role).checked_mul(instances) == Some(labels.len()),
                Error::Mismatch("there must be one label for each input bit of each instance"),
            )?;
        }
        let mut all = Wiped::filled([0; 16], inputs[0].len() + inputs[1].len());
        all[..inputs[0].len()].copy_from_slice(inputs[0]);
        all[inputs[0].len()..].copy_from_slice(inputs[1]);
        let stride = instances.min(LANES).div_ceil(VECTOR);
        let room = || Wiped::filled([0; 16], BATCH + LANES);
        let mut walk = Self {
            slots: Wiped::filled([[0; 16]; VECTOR], circuit.slots * stride),
            outputs: vec![0; circuit.outputs() * instances],
            inputs: all,
            circuit,
            instances,
            start,
            first_instance: 0,
            layer: 0,
            entered: false,
            and: 0,
            item: 0,
            offset,
            a: room(),
            b: room(),
            c: room(),
        };
        walk.settle();
        Ok(walk)
    }

    /// Instances of the current block.
    fn lanes(&self) -> usize {
        LANES.min(self.instances - self.first_instance)
    }

    fn stride(&self) -> usize {
        self.instances.min(LANES).div_ceil(VECTOR)
    }

    /// Items of the next chunk.
    fn next_items(&self) -> usize {
        let (mut units, mut items) = (CHUNK_UNITS, 0);
        let (mut first, mut and) = (self.first_instance, self.and);
        while units > 0 && first < self.instances {
            let lanes = LANES.min(self.instances - first);
            let take = units.min(self.circuit.ands() - and);
            if self.circuit.ands() == 0 {
                break;
            }
            (units, items, and) = (units - take, items + take * lanes, and + take);
            if and == self.circuit.ands() {
                (first, and) = (first + lanes, 0);
            }
        }
        items
    }

    /// Works off what needs no table, up to the next AND or the end.
    fn settle(&mut self) {
        let circuit = Arc::clone(&self.circuit);
        let (stride, offset) = (self.stride(), [self.offset; VECTOR]);
        while self.first_instance < self.instances {
            if !self.entered {
                if self.layer == 0 {
                    self.load();
                }
                let begin = self
                    .layer
                    .checked_sub(1)
                    .map_or(0, |before| circuit.layers[before].free_end);
                let gates = &circuit.free[begin..circuit.layers[self.layer].free_end];
                run_free(gates, stride, &offset, &mut self.slots);
                self.entered = true;
            }
            if self.and < circuit.layers[self.layer].and_end {
                return;
            }
            (self.layer, self.entered) = (self.layer + 1, false);
            if self.layer == circuit.layers.len() {
                self.collect();
                self.first_instance += self.lanes();
                (self.layer, self.and) = (0, 0);
            }
        }
    }

    fn load(&mut self) {
        let (stride, lanes) = (VECTOR * self.stride(), self.lanes());
        let slots = self.slots.as_flattened_mut();
        for (index, slot) in self.circuit.inputs.iter().flatten().enumerate() {
            let from = index * self.instances + self.first_instance;
            let to = *slot as usize * stride;
            slots[to..to + lanes].copy_from_slice(&self.inputs[from..from + lanes]);
        }
    }

    fn collect(&mut self) {
        let (stride, lanes) = (VECTOR * self.stride(), self.lanes());
        let slots = self.slots.as_flattened();
        for (index, slot) in self.circuit.outputs.iter().enumerate() {
            let to = index * self.instances + self.first_instance;
            let from = *slot as usize * stride;
            for (bit, label) in self.outputs[to..to + lanes].iter_mut().zip(&slots[from..]) {
                *bit = label[0] & 1;
            }
        }
    }

    /// Works off the ANDs of `items`; `work(start, a, b, c, items before)` computes output labels.
    fn advance(
        &mut self,
        items: usize,
        mut work: impl FnMut(&Block, &[Block], &[Block], &mut [Block], usize),
    ) {
        let circuit = Arc::clone(&self.circuit);
        let (stride, mut done) = (VECTOR * self.stride(), 0);
        while done < items {
            let lanes = self.lanes();
            let gates = BATCH.div_ceil(lanes).min((items - done) / lanes);
            let gates = gates.min(circuit.layers[self.layer].and_end - self.and);
            let batch = &circuit.ands[self.and..self.and + gates];
            let slots = self.slots.as_flattened_mut();
            for (i, gate) in batch.iter().enumerate() {
                let (a, b) = (gate.a as usize * stride, gate.b as usize * stride);
                self.a[i * lanes..(i + 1) * lanes].copy_from_slice(&slots[a..a + lanes]);
                self.b[i * lanes..(i + 1) * lanes].copy_from_slice(&slots[b..b + lanes]);
            }
            let n = gates * lanes;
            let start = advanced(&self.start, 2 * self.item);
            work(&start, &self.a[..n], &self.b[..n], &mut self.c[..n], done);
            for (i, gate) in batch.iter().enumerate() {
                let out = gate.out as usize * stride;
                slots[out..out + lanes].copy_from_slice(&self.c[i * lanes..(i + 1) * lanes]);
            }
            (self.and, self.item, done) = (self.and + gates, self.item + n as u64, done + n);
            self.settle();
        }
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        ensure(
            self.first_instance >= self.instances,
            Error::Abort("tables are still missing"),
        )?;
        Ok(core::mem::take(&mut self.outputs))
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        wipe(core::slice::from_mut(&mut self.offset));
        wipe(&mut self.outputs);
    }
}

/// `start + by` in the low word.
fn advanced(start: &Block, by: u64) -> Block {
    let value = u128::from_le_bytes(*start);
    let low = (value as u64).wrapping_add(by);
    (value >> 64 << 64 | u128::from(low)).to_le_bytes()
}

/// The party that makes the tables.
pub struct Garbler(Walk);

impl Garbler {
    /// From a secret difference (its lowest bit is set here), a random `start` known to both, and labels
    /// `[input][instance]`: of its own inputs those that the evaluator will hold, with their bits; of the
    /// evaluator's inputs those for the value 0.
    ///
    /// # Errors
    /// `Mismatch` if a length does not follow from the circuit; `Range` for no or too many instances.
    pub fn start(
        circuit: Arc<Circuit>,
        instances: usize,
        delta: &Block,
        start: &Block,
        own: &[Block],
        bits: &[u8],
        evaluator: &[Block],
    ) -> Result<Self> {
        let delta = odd(delta);
        ensure(
            bits.len() == own.len(),
            Error::Mismatch("there must be one bit for each of the garbler's labels"),
        )?;
        let mut zero = Wiped::filled([0; 16], own.len());
        for (zero, (label, bit)) in zero.iter_mut().zip(own.iter().zip(bits)) {
            let mask = u128::from(bit & 1).wrapping_neg();
            let shift = (u128::from_le_bytes(delta) & mask).to_le_bytes();
            *zero = xor(*label, shift);
        }
        let walk = Walk::new(circuit, instances, *start, delta, [&zero, evaluator])?;
        Ok(Self(walk))
    }

    /// Bytes of the next chunk; 0 when all tables are made.
    #[must_use]
    pub fn next_size(&self) -> usize {
        TABLE_BYTES * self.0.next_items()
    }

    /// Writes the next chunk.
    ///
    /// # Errors
    /// `Mismatch` if `tables` has not the next size.
    pub fn garble(&mut self, tables: &mut [u8]) -> Result<()> {
        ensure(
            tables.len() == self.next_size(),
            Error::Mismatch("tables must have the next size"),
        )?;
        let tables: &mut [Table] = tables.as_chunks_mut().0.as_chunks_mut().0;
        let delta = self.0.offset;
        self.0.advance(tables.len(), |start, a, b, c, done| {
            let tables = &mut tables[done..done + c.len()];
            gate::garble(&delta, start, a, b, c, tables);
        });
        Ok(())
    }

    /// Decoding bits `[output][instance]`: an output is its label's lowest bit, xor this.
    ///
    /// # Errors
    /// `Abort` if chunks are still missing.
    pub fn finish(self) -> Result<Vec<u8>> {
        self.0.finish()
    }
}

/// A difference whose lowest bit is 1, so that the lowest bits of both labels of a wire differ.
pub(super) fn odd(delta: &Block) -> Block {
    let mut delta = *delta;
    delta[0] |= 1;
    delta
}

/// The party that reads the tables.
pub struct Evaluator(Walk);

impl Evaluator {
    /// From `start` and the labels `[input][instance]` of the garbler's and of its own inputs.
    ///
    /// # Errors
    /// `Mismatch` if a length does not follow from the circuit; `Range` for no or too many instances.
    pub fn start(
        circuit: Arc<Circuit>,
        instances: usize,
        start: &Block,
        garbler: &[Block],
        own: &[Block],
    ) -> Result<Self> {
        Ok(Self(Walk::new(
            circuit,
            instances,
            *start,
            [0; 16],
            [garbler, own],
        )?))
    }

    /// Bytes of the next chunk; 0 when all tables are read.
    #[must_use]
    pub fn next_size(&self) -> usize {
        TABLE_BYTES * self.0.next_items()
    }

    /// Reads the next chunk.
    ///
    /// # Errors
    /// `Malformed` if `tables` has not the next size.
    pub fn evaluate(&mut self, tables: &[u8]) -> Result<()> {
        ensure(
            tables.len() == self.next_size(),
            Error::Malformed("a chunk of tables has the wrong size"),
        )?;
        let tables: &[Table] = tables.as_chunks().0.as_chunks().0;
        self.0.advance(tables.len(), |start, a, b, c, done| {
            gate::evaluate(start, a, b, &tables[done..done + c.len()], c);
        });
        Ok(())
    }

    /// Lowest bits of the output labels, `[output][instance]`.
    ///
    /// # Errors
    /// `Abort` if chunks are still missing.
    pub fn finish(self) -> Result<Vec<u8>> {
        self.0.finish()
    }
}
