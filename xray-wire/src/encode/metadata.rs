//! The metadata of a node: entries of its own, and those of its resource.

use alloc::vec::Vec;

use super::{
    ResourceBlocks,
    json::{self, Object},
};
use crate::segment::MetadataEntry;

/// Metadata entries are flat; here they become a map of namespaces. The entries of a namespace usually stand
/// together, and where they do not, they are gathered where its first one stands.
pub(super) fn write(entries: &[MetadataEntry<'_>], mut resource: Option<&ResourceBlocks>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    let mut previous: Option<&str> = None;
    for (index, first) in entries.iter().enumerate() {
        if previous.is_some_and(|previous| is_same(previous, &first.namespace)) {
            continue;
        }
        previous = Some(&first.namespace);
        if entries[..index].iter().any(|earlier| earlier.namespace == first.namespace) {
            continue;
        }
        let mut namespace = Object::open(block.field_named(&first.namespace));
        for entry in entries[index..].iter().filter(|entry| is_same(&entry.namespace, &first.namespace)) {
            json::value(&entry.value, namespace.field_named(&entry.key));
        }
        if let Some(blocks) = resource.take_if(|blocks| blocks.metadata_namespace == first.namespace) {
            namespace.encoded(&blocks.metadata);
        }
        namespace.close();
    }
    if let Some(blocks) = resource {
        let mut namespace = Object::open(block.field_named(&blocks.metadata_namespace));
        namespace.encoded(&blocks.metadata);
        namespace.close();
    }
    block.close();
}

/// Whether two texts are equal. Those of most namespaces are the same place in memory.
#[inline]
fn is_same(one: &str, other: &str) -> bool {
    core::ptr::eq(one, other) || one == other
}
