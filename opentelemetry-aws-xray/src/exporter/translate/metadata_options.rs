//! What users may change of metadata: the name of its first namespace, and what of it stays in the process.

use std::borrow::Cow;

use xray_wire::segment::MetadataEntry;

use super::{handed::is_reserved, metadata::DEFAULT};
use crate::redaction::Redaction;

/// How metadata is written. By default it is left as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct MetadataOptions {
    /// Another name for the namespace `default`.
    namespace: Option<String>,
}

impl MetadataOptions {
    /// Without a name, or with one of X-Ray's own, it stays.
    pub(crate) fn set_namespace(&mut self, name: String) {
        self.namespace = Some(name).filter(|name| !name.is_empty() && !is_reserved(name));
    }

    /// The namespace of what has no other.
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(DEFAULT)
    }

    /// Whether all is left as it is.
    pub(super) fn is_default(&self) -> bool {
        self.namespace.is_none()
    }

    /// Names the first namespace, takes out what is denied, and answers whether keys may have become the same.
    pub(super) fn finish<'a>(&'a self, entries: &mut Vec<MetadataEntry<'a>>, redaction: &Redaction) -> bool {
        if let Some(name) = &self.namespace {
            let unnamed = entries.iter_mut().filter(|entry| entry.namespace == DEFAULT);
            unnamed.for_each(|entry| entry.namespace = Cow::Borrowed(name));
        }
        if redaction.has_metadata_rules() {
            entries.retain(|entry| redaction.lets_through_metadata(&entry.namespace, &entry.key));
        }
        // Another namespace may have had that name.
        self.namespace.is_some()
    }
}
