//! Entries of metadata on their way into the document.

use std::{borrow::Cow, collections::HashSet};

use xray_wire::{encode::DefaultMetadata, segment::MetadataEntry};

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
