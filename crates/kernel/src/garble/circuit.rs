//! Boolean circuits: a builder that folds constants, and the order in which gates are worked off.
//!
//! Source: free xor and not as in Kolesnikov–Schneider 2008. Setting: local; a circuit is public.
//! Notation: a *layer* is some free gates and then ANDs that do not depend on each other; a *slot* is
//! the place of a value, reused after its last reading.
//! Cost: one pass over the gates; memory of a run is `slots`, not wires.

use crate::error::{Error, Result, ensure};

/// Most wires of a circuit.
const MAX_WIRES: usize = 1 << 30;

/// A wire of a [`Builder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire(u32);

impl Wire {
    /// The constant 0.
    pub const ZERO: Self = Self(0);
    /// The constant 1.
    pub const ONE: Self = Self(1);

    /// Its number; 0 and 1 are the constants.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// Whose input a wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The party that makes the tables.
    Garbler,
    /// The party that reads them.
    Evaluator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Constant,
    Input(Role),
    Xor(u32, u32),
    And(u32, u32),
    Not(u32),
}

impl Gate {
    /// The wires that it reads.
    fn operands(self) -> impl Iterator<Item = usize> {
        let (a, b) = match self {
            Self::Constant | Self::Input(_) => (None, None),
            Self::Not(a) => (Some(a), None),
            Self::Xor(a, b) | Self::And(a, b) => (Some(a), Some(b)),
        };
        a.into_iter().chain(b).map(|wire| wire as usize)
    }
}

/// Collects gates; operands come before their gate, so the order is topological.
#[derive(Clone, Debug)]
pub struct Builder {
    gates: Vec<Gate>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            gates: vec![Gate::Constant; 2],
        }
    }
}

impl Builder {
    /// The wire with this number.
    ///
    /// # Errors
    /// `Range` if there is none.
    pub fn wire(&self, number: u32) -> Result<Wire> {
        ensure(
            (number as usize) < self.gates.len(),
            Error::Range("there is no wire with this number"),
        )?;
        Ok(Wire(number))
    }

    fn push(&mut self, gate: Gate) -> Wire {
        // Beyond the limit `finish` refuses the circuit, whatever the number is.
        let number = self.gates.len().min(MAX_WIRES) as u32;
        if self.gates.len() <= MAX_WIRES {
            self.gates.push(gate);
        }
        Wire(number)
    }

    /// An input bit.
    pub fn input(&mut self, role: Role) -> Wire {
        self.push(Gate::Input(role))
    }

    /// Input bits, as many as the array has.
    pub fn inputs<const N: usize>(&mut self, role: Role) -> [Wire; N] {
        core::array::from_fn(|_| self.input(role))
    }

    /// `a ⊕ b`; free.
    pub fn xor(&mut self, a: Wire, b: Wire) -> Wire {
        match (a, b) {
            (Wire::ZERO, other) | (other, Wire::ZERO) => other,
            (Wire::ONE, other) | (other, Wire::ONE) => self.not(other),
            (a, b) if a == b => Wire::ZERO,
            (a, b) => self.push(Gate::Xor(a.0, b.0)),
        }
    }

    /// `a ∧ b`; one table.
    pub fn and(&mut self, a: Wire, b: Wire) -> Wire {
        match (a, b) {
            (Wire::ZERO, _) | (_, Wire::ZERO) => Wire::ZERO,
            (Wire::ONE, other) | (other, Wire::ONE) => other,
            (a, b) if a == b => a,
            (a, b) => self.push(Gate::And(a.0, b.0)),
        }
    }

    /// `¬a`; free.
    pub fn not(&mut self, a: Wire) -> Wire {
        match (a, self.gates.get(a.0 as usize)) {
            (Wire::ZERO, _) => Wire::ONE,
            (Wire::ONE, _) => Wire::ZERO,
            (_, Some(Gate::Not(inner))) => Wire(*inner),
            _ => self.push(Gate::Not(a.0)),
        }
    }

    /// The circuit with these outputs, ordered and without gates that no output needs.
    ///
    /// # Errors
    /// `Range` if an output is a constant or no wire, if there is none, or if there are too many wires.
    pub fn finish(self, outputs: &[Wire]) -> Result<Circuit> {
        ensure(
            self.gates.len() <= MAX_WIRES,
            Error::Range("a circuit has at most 2^30 wires"),
        )?;
        ensure(
            !outputs.is_empty(),
            Error::Range("a circuit needs an output"),
        )?;
        for output in outputs {
            ensure(
                output.0 > 1 && (output.0 as usize) < self.gates.len(),
                Error::Range("an output must be a wire and not a constant"),
            )?;
        }
        Ok(Schedule::of(&self.gates, outputs).place(outputs))
    }
}

/// A free gate on slots; `b` is `a` for a not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Free {
    pub(super) is_not: bool,
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) out: u32,
}

/// An AND on slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct And {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) out: u32,
}

/// Ends of a layer in the lists of gates; it starts where the one before ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    pub(super) free_end: usize,
    pub(super) and_end: usize,
}

/// A circuit that is ready to run: gates on slots, in layers. Only the last layer has no AND.
#[derive(Debug)]
pub struct Circuit {
    pub(super) inputs: [Vec<u32>; 2],
    pub(super) outputs: Vec<u32>,
    pub(super) free: Vec<Free>,
    pub(super) ands: Vec<And>,
    pub(super) layers: Vec<Layer>,
    pub(super) slots: usize,
}

impl Circuit {
    /// Number of input bits of a role.
    #[must_use]
    pub fn inputs(&self, role: Role) -> usize {
        self.inputs[role as usize].len()
    }

    /// Number of output bits.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Number of AND gates.
    #[must_use]
    pub fn ands(&self) -> usize {
        self.ands.len()
    }

    /// Longest chain of AND gates.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.layers.len() - 1
    }
}

/// Live gates in the order of work, before slots are given out.
struct Schedule<'gates> {
    gates: &'gates [Gate],
    /// For each level its free gates and its ANDs.
    layers: Vec<[Vec<usize>; 2]>,
    inputs: [Vec<usize>; 2],
    /// For each wire how often it is read; an output is read once more, at the end.
    readings: Vec<u32>,
}

impl<'gates> Schedule<'gates> {
    fn of(gates: &'gates [Gate], outputs: &[Wire]) -> Self {
        let mut readings = vec![0u32; gates.len()];
        for output in outputs {
            readings[output.0 as usize] += 1;
        }
        for (wire, gate) in gates.iter().enumerate().rev() {
            if readings[wire] > 0 {
                gate.operands().for_each(|operand| readings[operand] += 1);
            }
        }
        // The level of a wire: ANDs on the longest way to it.
        let mut levels = vec![0usize; gates.len()];
        let mut schedule = Self {
            gates,
            layers: vec![Default::default()],
            inputs: Default::default(),
            readings,
        };
        for (wire, gate) in gates.iter().enumerate() {
            let level = gate
                .operands()
                .map(|operand| levels[operand])
                .max()
                .unwrap_or(0);
            levels[wire] = level;
            if let Gate::Input(role) = gate {
                schedule.inputs[*role as usize].push(wire);
                continue;
            }
            if schedule.readings[wire] == 0 {
                continue;
            }
            let is_and = matches!(gate, Gate::And(..));
            if is_and {
                levels[wire] = level + 1;
            }
            schedule.layers.resize(
                schedule.layers.len().max(levels[wire] + 1),
                Default::default(),
            );
            schedule.layers[level][usize::from(is_and)].push(wire);
        }
        schedule
    }

    /// Gives out slots: a value's slot is free after its last reading.
    fn place(mut self, outputs: &[Wire]) -> Circuit {
        let mut slots = Slots {
            of_wire: vec![0; self.gates.len()],
            free: Vec::new(),
            count: 0,
        };
        let mut inputs: [Vec<u32>; 2] = Default::default();
        for (slot_list, wires) in inputs.iter_mut().zip(&self.inputs) {
            slot_list.extend(wires.iter().map(|wire| slots.take(*wire)));
        }
        for wire in self.inputs.iter().flatten() {
            if self.readings[*wire] == 0 {
                slots.release(*wire);
            }
        }
        let mut circuit = Circuit {
            inputs,
            outputs: Vec::new(),
            free: Vec::new(),
            ands: Vec::new(),
            layers: Vec::new(),
            slots: 0,
        };
        for layer in core::mem::take(&mut self.layers) {
            for wire in layer.into_iter().flatten() {
                let mut operands = self.gates[wire].operands();
                let first = operands.next().map_or(0, |a| slots.of_wire[a]);
                let second = operands.next().map_or(first, |b| slots.of_wire[b]);
                for operand in self.gates[wire].operands() {
                    self.readings[operand] -= 1;
                    if self.readings[operand] == 0 {
                        slots.release(operand);
                    }
                }
                let (a, b, out) = (first, second, slots.take(wire));
                match self.gates[wire] {
                    Gate::And(..) => circuit.ands.push(And { a, b, out }),
                    gate => circuit.free.push(Free {
                        is_not: matches!(gate, Gate::Not(_)),
                        a,
                        b,
                        out,
                    }),
                }
            }
            circuit.layers.push(Layer {
                free_end: circuit.free.len(),
                and_end: circuit.ands.len(),
            });
        }
        circuit.outputs = outputs
            .iter()
            .map(|output| slots.of_wire[output.0 as usize])
            .collect();
        circuit.slots = slots.count as usize;
        circuit
    }
}

struct Slots {
    of_wire: Vec<u32>,
    free: Vec<u32>,
    count: u32,
}

impl Slots {
    fn take(&mut self, wire: usize) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        });
        self.of_wire[wire] = slot;
        slot
    }

    fn release(&mut self, wire: usize) {
        self.free.push(self.of_wire[wire]);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The outputs in the clear, by the definition of the gates: inputs of the garbler, then of the evaluator.
    pub(in crate::garble) fn clear(
        builder: &Builder,
        outputs: &[Wire],
        inputs: [&[u8]; 2],
    ) -> Vec<u8> {
        let mut values = vec![0u8, 1];
        let mut next = [0; 2];
        for gate in &builder.gates[2..] {
            let value = match gate {
                Gate::Constant => unreachable!(),
                Gate::Input(role) => {
                    let index = &mut next[*role as usize];
                    *index += 1;
                    inputs[*role as usize][*index - 1]
                }
                Gate::Xor(a, b) => values[*a as usize] ^ values[*b as usize],
                Gate::And(a, b) => values[*a as usize] & values[*b as usize],
                Gate::Not(a) => 1 ^ values[*a as usize],
            };
            values.push(value);
        }
        outputs.iter().map(|wire| values[wire.0 as usize]).collect()
    }

    #[test]
    fn constants_are_folded_and_dead_gates_dropped() {
        let mut builder = Builder::default();
        let [x, y] = builder.inputs(Role::Garbler);
        let (zero, one) = (Wire::ZERO, Wire::ONE);
        assert_eq!(builder.xor(x, zero), x);
        assert_eq!(builder.xor(x, x), zero);
        assert_eq!(builder.and(zero, y), zero);
        assert_eq!(builder.and(one, y), y);
        assert_eq!(builder.and(y, y), y);
        assert_eq!(builder.not(one), zero);
        let inverse = builder.xor(one, x);
        assert_eq!(builder.not(inverse), x);
        let _dead = builder.and(x, y);
        let sum = builder.xor(inverse, y);
        let circuit = builder.finish(&[sum]).unwrap();
        assert_eq!(
            (circuit.ands(), circuit.depth(), circuit.outputs()),
            (0, 0, 1)
        );
        assert_eq!(
            (
                circuit.inputs(Role::Garbler),
                circuit.inputs(Role::Evaluator)
            ),
            (2, 0)
        );
        assert!(circuit.slots <= 3);
    }

    #[test]
    fn slots_are_reused() {
        let mut builder = Builder::default();
        let [x, y] = builder.inputs(Role::Garbler);
        let mut sum = x;
        for _ in 0..1000 {
            let product = builder.and(sum, y);
            sum = builder.xor(product, x);
        }
        let circuit = builder.finish(&[sum]).unwrap();
        assert_eq!((circuit.ands(), circuit.depth()), (1000, 1000));
        assert!(circuit.slots <= 4);
    }

    #[test]
    fn wrong_circuits_are_refused() {
        let mut builder = Builder::default();
        let x = builder.input(Role::Evaluator);
        assert_eq!(builder.wire(2).unwrap(), x);
        assert!(builder.wire(3).is_err());
        assert!(builder.clone().finish(&[]).is_err());
        assert!(builder.clone().finish(&[Wire::ONE]).is_err());
        assert!(builder.finish(&[Wire(9)]).is_err());
    }
}
