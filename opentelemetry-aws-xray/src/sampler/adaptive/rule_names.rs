//! The names of rules as they travel from service to service.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, PoisonError, RwLock},
};

use sha2::{Digest, Sha256};
use xray_wire::sampling::{Entry, Table};

use super::super::published::Published;

/// A rule's name in the trace state: the first eight bytes of its SHA-256, in lower-case hex, as AWS's agents write it.
pub(super) fn hash(rule_name: &str) -> String {
    let digest = Sha256::digest(rule_name.as_bytes());
    digest.iter().take(8).fold(String::with_capacity(16), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The rules in force by such names. They are put together once for each table.
#[derive(Debug, Default)]
pub(super) struct RuleNames {
    known: RwLock<Arc<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of the table in force. None has zero.
    version: u64,
    rules: HashMap<String, Entry>,
}

impl RuleNames {
    /// The rule in force that goes by this name.
    pub(super) fn find(&self, hash: &str, published: &Published) -> Option<Entry> {
        self.known(published).rules.get(hash).cloned()
    }

    fn known(&self, published: &Published) -> Arc<Known> {
        let version = published.version();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if known.version == version {
            return known;
        }
        let known = Arc::new(Known {
            version,
            rules: published.read(|table| table.map(by_hash)).unwrap_or_default(),
        });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known.clone();
        known
    }
}

fn by_hash(table: &Table) -> HashMap<String, Entry> {
    table.entries().iter().map(|entry| (hash(&entry.rule.name), entry.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hashed_as_aws_s_agents_do() {
        // echo -n Default | sha256sum | head -c16
        for (name, expected) in [("", "e3b0c44298fc1c14"), ("abc", "ba7816bf8f01cfea")] {
            assert_eq!(hash(name), expected);
        }
    }
}
