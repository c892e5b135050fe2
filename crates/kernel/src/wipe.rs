//! Vectors of secrets that are overwritten when dropped.
//!
//! `zeroize` writes byte by byte, which costs more than the cryptography on scratch space of 100 KiB;
//! here the overwriting is a plain `fill` that an optimisation barrier keeps alive.

use core::ops::{Deref, DerefMut};

/// A vector of secrets; never reallocates.
pub(crate) struct Wiped<T: Copy + Default>(Vec<T>);

impl<T: Copy + Default> Wiped<T> {
    pub(crate) fn filled(value: T, len: usize) -> Self {
        Self(vec![value; len])
    }

    /// Empty, with room for `capacity` values.
    pub(crate) fn reserved(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Appends as much of `values` as there is reserved room for: growing would leave a copy behind.
    pub(crate) fn append(&mut self, values: &[T]) {
        let room = self.0.capacity() - self.0.len();
        self.0.extend_from_slice(&values[..values.len().min(room)]);
    }
}

/// Overwrites `values` in a way that is not optimised away.
pub(crate) fn wipe<T: Copy + Default>(values: &mut [T]) {
    values.fill(T::default());
    core::hint::black_box(values);
}

impl<T: Copy + Default> Drop for Wiped<T> {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl<T: Copy + Default> Deref for Wiped<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Copy + Default> DerefMut for Wiped<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}
