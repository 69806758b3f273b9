//! Name → slot: a hash table that the compiler makes.

use super::Slot;

impl Slot {
    pub(super) const COUNT: usize = Self::ALL.len();

    /// The slot of that name. The only place where attribute names are told apart.
    #[inline]
    pub(super) fn of(name: &str) -> Option<Self> {
        let mut at = usize::from(bucket(name.as_bytes()));
        loop {
            let (slot, slot_name) = Self::ALL.get(usize::from(BUCKETS[at]))?;
            if is_same(name.as_bytes(), slot_name.as_bytes()) {
                return Some(*slot);
            }
            at = (at + 1) % BUCKETS.len();
        }
    }
}

/// A hash table of the slots' names, made by the compiler: each stands in its own bucket or in the next that was free.
static BUCKETS: [u8; 1 << BUCKET_BITS] = {
    let mut buckets = [NO_SLOT; 1 << BUCKET_BITS];
    let mut slot = 0;
    while slot < Slot::COUNT {
        let mut at = bucket(Slot::ALL[slot].1.as_bytes()) as usize;
        while buckets[at] != NO_SLOT {
            at = (at + 1) % buckets.len();
        }
        buckets[at] = slot as u8;
        slot += 1;
    }
    buckets
};

/// So many that most names which are no slot's find an empty bucket.
const BUCKET_BITS: u32 = 9;

/// Not the index of a slot.
const NO_SLOT: u8 = u8::MAX;

/// The bucket in which a name is looked for first. The ends tell names apart, as the length does.
#[inline]
pub(crate) const fn bucket(name: &[u8]) -> Bucket {
    /// An odd number with its bits in no order, so that each bit of a name comes to bear on the highest of the product.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (first, last) = ends(name);
    let bits = (first ^ last.rotate_left(23) ^ name.len() as u64).wrapping_mul(SPREAD);
    (bits >> (u64::BITS - BUCKET_BITS)) as Bucket
}

/// The index of a bucket.
pub(crate) type Bucket = u16;

/// The first eight bytes and the last, as words. All that is shorter has the same ends, but for its own last byte.
#[inline]
const fn ends(name: &[u8]) -> (u64, u64) {
    match (name.first_chunk(), name.last_chunk(), name.last()) {
        (Some(first), Some(last), _) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        (_, _, Some(last)) => (0, *last as u64),
        _ => (0, 0),
    }
}

/// Whether two names are the same. Of all but few, two overlapping pieces tell it, which are compared at once.
#[inline]
fn is_same(name: &[u8], other: &[u8]) -> bool {
    if name.len() != other.len() {
        return false;
    }
    match name.len() {
        8..=16 => ends(name) == ends(other),
        17..=32 => {
            name.first_chunk::<16>() == other.first_chunk() && name.last_chunk::<16>() == other.last_chunk()
        }
        _ => name == other,
    }
}

/// Names that were met, by their buckets: it is sure of what is new.
#[derive(Debug, Default)]
pub(crate) struct Met([u64; (1 << BUCKET_BITS) / 64]);

impl Met {
    /// Adds a name, and answers whether it may have been met before.
    #[inline]
    pub(crate) fn insert(&mut self, name: &str) -> bool {
        self.insert_bucket(bucket(name.as_bytes()))
    }

    /// The same for a name whose bucket is known.
    #[inline]
    pub(super) fn insert_bucket(&mut self, bucket: Bucket) -> bool {
        let (word, bit) = (usize::from(bucket) / 64, 1 << (bucket % 64));
        let was_met = self.0[word] & bit != 0;
        self.0[word] |= bit;
        was_met
    }
}
