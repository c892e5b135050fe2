//! Working memory of a call: zeroed, wiped when it is given back, and kept for the next call of the thread.
//!
//! Setting: local. A call needs about 1 MiB; an allocator that returns that much to the system makes every call
//! wait for some 300 page faults. Kept memory holds zeros only.

use crate::wipe::wipe;
use core::cell::RefCell;
use core::ops::{Deref, DerefMut};

/// Words that a thread keeps: 4 MiB.
const KEPT_WORDS: usize = 1 << 19;

std::thread_local! {
    static KEPT: RefCell<Vec<Vec<u64>>> = const { RefCell::new(Vec::new()) };
}

/// Words that are zero at first.
pub(super) struct Room(Vec<u64>);

impl Room {
    pub(super) fn new(len: usize) -> Self {
        let kept = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            let at = kept.iter().rposition(|words| words.len() == len)?;
            Some(kept.swap_remove(at))
        });
        Self(kept.ok().flatten().unwrap_or_else(|| vec![0; len]))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        wipe(&mut self.0);
        let words = core::mem::take(&mut self.0);
        // A thread that ends has nothing to keep it in: then it is freed.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.iter().map(Vec::len).sum::<usize>() + words.len() <= KEPT_WORDS {
                kept.push(words);
            }
        });
    }
}

impl Deref for Room {
    type Target = [u64];
    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl DerefMut for Room {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Vec<Vec<u64>> {
        KEPT.with_borrow(Clone::clone)
    }

    fn on_a_new_thread(test: fn()) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn kept_words_are_zeros_that_come_back() {
        on_a_new_thread(|| {
            let mut room = Room::new(100);
            room.fill(7);
            let place = room.as_ptr();
            drop(room);
            assert_eq!(kept(), [vec![0; 100]]);
            assert_eq!(Room::new(99).len(), 99);
            let again = Room::new(100);
            assert_eq!((again.as_ptr(), &*again), (place, &[0; 100][..]));
        });
    }

    #[test]
    fn a_thread_keeps_a_bounded_number_of_words() {
        on_a_new_thread(|| {
            drop([100, KEPT_WORDS / 2, KEPT_WORDS / 2, KEPT_WORDS + 1].map(Room::new));
            let lengths: Vec<_> = kept().iter().map(Vec::len).collect();
            assert_eq!(lengths, [100, KEPT_WORDS / 2]);
        });
    }
}
