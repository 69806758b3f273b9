//! Slots that are asked for together.

use super::Slot;

/// A set of slots, to be asked for at once: one bit for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slots([u64; 2]);

impl Slots {
    pub(super) const NONE: Self = Self([0; 2]);

    /// These slots.
    pub(crate) const fn of(slots: &[Slot]) -> Self {
        let mut set = Self::NONE;
        let mut at = 0;
        while at < slots.len() {
            set.insert(slots[at]);
            at += 1;
        }
        set
    }

    #[inline]
    pub(super) const fn insert(&mut self, slot: Slot) {
        const { assert!(Slot::COUNT <= 128, "a bit for each slot") };
        self.0[slot as usize / 64] |= 1 << (slot as u32 % 64);
    }

    #[inline]
    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0[0] & other.0[0] | self.0[1] & other.0[1] != 0
    }
}
