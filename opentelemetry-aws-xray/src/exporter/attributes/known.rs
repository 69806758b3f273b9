//! What is known of attribute names, found out once for each name of a batch.

use std::ptr;

use super::{
    Slot,
    table::{Bucket, bucket},
};
use crate::redact;

/// Names that were met in this batch. Instrumentation names attributes by constants, so that spans share them: a name
/// of the same length at the same place in memory is the same one, as long as both are borrowed.
#[derive(Debug, Default)]
pub(super) struct Known<'a>(Vec<KnownName<'a>>);

/// A name, and what matters of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownName<'a> {
    text: &'a str,
    pub(super) slot: Option<Slot>,
    pub(super) bucket: Bucket,
    pub(super) tells: Name,
}

/// What a name tells of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// Nothing.
    Plain,
    /// It is a URL's.
    Url,
    /// It is ours, another address's or a message's: some values need more than to be written.
    Special,
    /// It is a secret by all appearances.
    Secret,
}

/// More than the instrumentation of a program has names; each is kept at a place of its own or evicts another.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 7;

impl<'a> Known<'a> {
    /// What is known of a name.
    #[inline]
    pub(super) fn name(&mut self, text: &'a str) -> &KnownName<'a> {
        let place = place(text);
        if place >= self.0.len() {
            self.0.resize(PLACES, KnownName::of(""));
        }
        let known = &mut self.0[place];
        if !ptr::eq(known.text, text) {
            *known = KnownName::of(text);
        }
        known
    }

    /// The same room for names of another batch. Nothing is kept: what stands at their places then may be other names.
    pub(super) fn recycle<'b>(mut self) -> Known<'b> {
        self.0.clear();
        // Collecting from a `Vec`'s own iterator reuses its memory.
        Known(self.0.into_iter().map(|_| KnownName::of("")).collect())
    }
}

/// Constants stand close to each other, so that the low bits of their addresses tell them apart.
#[inline]
fn place(text: &str) -> usize {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let bits = (text.as_ptr().addr() as u64).wrapping_mul(SPREAD);
    (bits >> (u64::BITS - PLACE_BITS)) as usize
}

impl<'a> KnownName<'a> {
    #[inline(never)]
    fn of(text: &'a str) -> Self {
        let slot = Slot::of(text);
        // No slot is a secret.
        let tells = if slot.is_none() && redact::is_secret_name(text) {
            Name::Secret
        } else if is_ours(text) {
            Name::Special
        } else if redact::is_url_name(text) {
            Name::Url
        } else if redact::is_quoting_name(text) {
            Name::Special
        } else {
            Name::Plain
        };
        Self { text, slot, bucket: bucket(text.as_bytes()), tells }
    }
}

/// Whether a name begins like those that handlers hand over, or like our own in metadata.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with("aws.xray.") || name.starts_with("otel.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_slot_is_a_secret() {
        for (slot, name) in Slot::ALL {
            assert!(!redact::is_secret_name(name), "{slot:?}");
        }
    }

    #[test]
    fn names_that_share_a_place_are_told_apart() {
        let text = "session_token.http.request.method";
        let mut known = Known::default();
        for _ in 0..2 {
            for (name, slot, is_secret) in [
                (&text[..13], None, true),
                (&text[..8], None, false),
                (&text[14..], Some(Slot::HttpRequestMethod), false),
                (text, None, false),
            ] {
                let found = known.name(name);
                assert_eq!((found.slot, found.tells == Name::Secret), (slot, is_secret), "{name}");
            }
        }
    }

    #[test]
    fn what_stands_at_the_same_place_later_is_looked_at_anew() {
        let mut text = String::from("session_token");
        let mut known = Known::default();
        assert_eq!(known.name(&text).tells, Name::Secret);
        let mut known = known.recycle();
        text.replace_range(.., "order.details");
        assert_eq!(known.name(&text).tells, Name::Plain);
    }
}
