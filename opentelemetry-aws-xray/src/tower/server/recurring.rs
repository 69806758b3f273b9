//! Texts that come again with request after request, such as who calls over a connection that is kept: read once, and shared by
//! the spans instead of copied for each.

use std::{borrow::Cow, cell::Cell, sync::Arc};

use super::hash::place;

/// Bytes of the longest text that is kept: browsers' user agents take less. With it, a thread keeps 6 KiB at most, whatever
/// callers send.
const MAX_BYTES: usize = 256;

/// Texts of each kind that a thread keeps: those of a few callers in turns. A power of two.
const PLACES: usize = 8;

/// A header, in which different texts stand than in others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recurring {
    Client,
    Host,
    UserAgent,
}

const KINDS: usize = 3;

thread_local! {
    static MET: [Cell<Option<Arc<str>>>; KINDS * PLACES] =
        const { [const { Cell::new(None) }; KINDS * PLACES] };
}

impl Recurring {
    /// The text that `read` finds in `raw`, which depends on nothing else. It is not asked where a thread has met the very bytes
    /// lately, and they were the text.
    pub(super) fn text<'t>(
        self,
        raw: &[u8],
        read: impl FnOnce() -> Option<Cow<'t, str>>,
    ) -> Option<Arc<str>> {
        let is_short = raw.len() <= MAX_BYTES;
        let place = is_short.then(|| self as usize * PLACES + place(raw, PLACES));
        if let Some(met) = place.and_then(|place| recall(place, raw)) {
            return Some(met);
        }
        let text = Arc::<str>::from(read()?);
        if let Some(place) = place.filter(|_| text.as_bytes() == raw) {
            keep(place, Arc::clone(&text));
        }
        Some(text)
    }
}

fn recall(place: usize, raw: &[u8]) -> Option<Arc<str>> {
    let recalled = MET.try_with(|met| {
        let text = met[place].take()?;
        let found = (text.as_bytes() == raw).then(|| Arc::clone(&text));
        met[place].set(Some(text));
        found
    });
    // A thread that ends knows nothing any more.
    recalled.ok().flatten()
}

fn keep(place: usize, text: Arc<str>) {
    let _ = MET.try_with(|met| met[place].set(Some(text)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [Recurring; super::KINDS] = [Recurring::Client, Recurring::Host, Recurring::UserAgent];

    #[test]
    fn what_was_met_is_not_read_again() {
        let read = |text: &'static str| move || Some(Cow::Borrowed(text));
        let never = || -> Option<Cow<'static, str>> { panic!("read again") };
        let host = |raw: &str, text| Recurring::Host.text(raw.as_bytes(), read(text)).unwrap();
        assert_eq!(&*host("a.example.com", "a.example.com"), "a.example.com");
        assert_eq!(Recurring::Host.text(b"a.example.com", never).as_deref(), Some("a.example.com"));
        // Other kinds, and other texts.
        assert_eq!(Recurring::Client.text(b"a.example.com", || None), None);
        assert_eq!(Recurring::Host.text(b"b.example.com", || None), None);
        // What is not all of it has to be read.
        assert_eq!(&*host("c.example.com:80", "c.example.com"), "c.example.com");
        assert_eq!(&*host("c.example.com:80", "other"), "other");
        let long = "h".repeat(MAX_BYTES + 1);
        assert_eq!(
            Recurring::Host.text(long.as_bytes(), || Some(long.as_str().into())).as_deref(),
            Some(long.as_str())
        );
        assert_eq!(Recurring::Host.text(long.as_bytes(), || None), None);
    }

    proptest! {
        #[test]
        fn both_roads_lead_to_the_same_text(
            met in prop::collection::vec(("[ab:]{0,3}|[ -~é]{4,9}", prop::sample::select(&KINDS)), 0..20),
        ) {
            let read = |kind: Recurring, raw: &str| match kind {
                Recurring::Client => raw.strip_suffix('b').map(str::to_owned),
                Recurring::Host => raw.split(':').next().map(str::to_owned),
                Recurring::UserAgent => Some(raw.chars().take(3).collect()),
            };
            for (raw, kind) in &met {
                let text = kind.text(raw.as_bytes(), || read(*kind, raw).map(Cow::Owned));
                prop_assert_eq!(text, read(*kind, raw).map(Arc::from));
            }
        }
    }
}
