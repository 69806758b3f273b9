//! Entries of metadata on their way into the document.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use xray_wire::{
    encode::DefaultMetadata,
    segment::{MetadataEntry, Value},
};

use super::{metadata::DEFAULT, texts::Texts};

/// Where entries go.
pub(super) enum Entries<'e, 'a> {
    /// Into the document, since nothing can change them any more: all are in the default namespace, with different keys.
    /// With how many there are.
    Written(DefaultMetadata<'e>, usize),
    /// Into a list, from which they are written when all are known.
    Listed(&'e mut Vec<MetadataEntry<'a>>),
}

impl<'a> Entries<'_, 'a> {
    #[inline]
    pub(super) fn push(&mut self, entry: MetadataEntry<'a>) {
        match self {
            Self::Written(metadata, len) => {
                metadata.entry(&entry.key, &entry.value);
                *len += 1;
            }
            Self::Listed(entries) => entries.push(entry),
        }
    }

    /// The same for a value of the default namespace. The answer is where it was written, nowhere if that comes later. What is
    /// written needs its list no longer.
    pub(super) fn push_value(
        &mut self,
        key: Cow<'a, str>,
        value: Value<'a>,
        texts: &mut Texts,
    ) -> Range<usize> {
        match self {
            Self::Written(metadata, len) => {
                let place = metadata.entry(&key, &value);
                *len += 1;
                if let Value::List(list) = value {
                    texts.take_list_back(list);
                }
                place
            }
            Self::Listed(entries) => {
                entries.push(entry(key, value));
                0..0
            }
        }
    }

    /// The same for a text of the default namespace.
    #[inline]
    pub(super) fn push_text(&mut self, key: Cow<'a, str>, text: Cow<'a, str>) -> Range<usize> {
        match self {
            Self::Written(metadata, len) => {
                *len += 1;
                metadata.text(&key, &text)
            }
            Self::Listed(entries) => {
                entries.push(entry(key, Value::Str(text)));
                0..0
            }
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Written(_, len) => *len,
            Self::Listed(entries) => entries.len(),
        }
    }

    /// Whether there is such an entry in the list.
    pub(super) fn hold(&self, namespace: &str, key: &str) -> bool {
        let Self::Listed(entries) = self else { return false };
        entries.iter().any(|entry| entry.namespace == namespace && entry.key == key)
    }

    /// Closes what was written.
    #[inline]
    pub(super) fn close(self) {
        if let Self::Written(metadata, _) = self {
            metadata.close();
        }
    }
}

/// An entry of the default namespace.
pub(super) fn entry<'a>(key: impl Into<Cow<'a, str>>, value: Value<'a>) -> MetadataEntry<'a> {
    MetadataEntry { namespace: Cow::Borrowed(DEFAULT), key: key.into(), value }
}

/// Gives keys that were cut, moved or handed over another name where they have become the same.
pub(super) fn tell_apart(entries: &mut [MetadataEntry<'_>]) {
    let mut seen = HashSet::with_capacity(entries.len());
    for entry in entries {
        let mut n = 1;
        let original = entry.key.clone();
        while !seen.insert((entry.namespace.clone(), entry.key.clone())) {
            n += 1;
            entry.key = Cow::Owned(format!("{original}#{n}"));
        }
    }
}
