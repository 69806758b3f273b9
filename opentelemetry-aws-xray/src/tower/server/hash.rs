//! A quick hash of short texts, for tables in which a wrong place costs nothing but time.

/// Spreads over all bits what differs in a few of them: 2⁶⁴ divided by the golden ratio (Knuth, The Art of Computer Programming,
/// volume 3, section 6.4).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// One of `places`, which is a power of two.
pub(super) fn place(text: &[u8], places: usize) -> usize {
    hash(text) as usize & (places - 1)
}

/// Eight bytes at a time; the last eight may overlap those before them.
fn hash(text: &[u8]) -> u64 {
    let length = text.len() as u64;
    match text.last_chunk() {
        Some(last) => {
            let words = text.as_chunks().0.iter().chain([last]);
            words.fold(length, |hash, word| mixed(hash ^ u64::from_le_bytes(*word)))
        }
        None => text.iter().fold(length, |hash, byte| mixed(hash ^ u64::from(*byte))),
    }
}

/// Both halves of the product, so that the upper bits have a say in the lower ones.
fn mixed(bits: u64) -> u64 {
    let product = u128::from(bits) * u128::from(MULTIPLIER);
    product as u64 ^ (product >> u64::BITS) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn texts_that_are_alike_are_spread() {
        let makers: [fn(usize) -> String; 3] =
            [|n| format!("/api/v1/things/{n}/parts"), |n| format!("192.0.2.{n}"), |n| n.to_string()];
        for make in makers {
            let places: HashSet<_> = (0..64).map(|n| place(make(n).as_bytes(), 64)).collect();
            // As many as chance would take, within reason: 40 of 64.
            assert!(places.len() >= 30, "{} {}", make(1), places.len());
        }
    }
}
