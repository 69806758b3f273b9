//! The metadata of a node: entries of its own, and those of its resource.

use alloc::vec::Vec;
use core::ops::Range;

use super::{
    ResourceBlocks,
    json::{self, Object},
    text,
};
use crate::segment::{MetadataEntry, Value};

/// Metadata in the making, all of it in the namespace `default`: entries are written as they come.
///
/// ```
/// use xray_wire::{encode::Body, segment::Value};
///
/// let mut json = Vec::new();
/// let mut body = Body::new(None, &mut json);
/// body.name("api");
/// let mut metadata = body.default_metadata();
/// metadata.text("thread", "main");
/// metadata.entry("items", &Value::I64(3));
/// metadata.close();
/// assert!(json.ends_with(br#","metadata":{"default":{"thread":"main","items":3}}"#));
/// ```
#[derive(Debug)]
pub struct DefaultMetadata<'b> {
    out: &'b mut Vec<u8>,
    resource: Option<&'b ResourceBlocks>,
    /// Where the block began, to take it back if it stays empty.
    start: usize,
    /// Where the namespace began.
    namespace: usize,
}

const DEFAULT: &str = "default";

impl<'b> DefaultMetadata<'b> {
    #[inline]
    pub(super) fn open(out: &'b mut Vec<u8>, resource: Option<&'b ResourceBlocks>) -> Self {
        let start = out.len();
        out.extend_from_slice(br#","metadata":{"default":"#);
        Self { namespace: out.len(), out, resource, start }
    }

    /// Appends an entry, and answers where its value stands. Its key has to be a new one.
    #[inline]
    pub fn entry(&mut self, key: &str, value: &Value<'_>) -> Range<usize> {
        self.out.extend_from_slice(b",\"");
        text::rest_of_string(key, self.out);
        self.out.push(b':');
        let start = self.out.len();
        json::value(value, self.out);
        start..self.out.len()
    }

    /// The same for a text, which stands behind its first quote.
    #[inline]
    pub fn text(&mut self, key: &str, text: &str) -> Range<usize> {
        self.out.extend_from_slice(b",\"");
        text::rest_of_string(key, self.out);
        self.out.extend_from_slice(b":\"");
        let start = self.out.len();
        text::rest_of_string(text, self.out);
        start..self.out.len()
    }

    /// Appends what the resource says, and closes the block.
    #[inline]
    pub fn close(self) {
        let Self { out, resource, start, namespace } = self;
        match out.get_mut(namespace) {
            Some(comma) => *comma = b'{',
            None => {
                out.truncate(start);
                return field(&[], resource, out);
            }
        }
        match resource.filter(|blocks| !blocks.metadata.is_empty()) {
            Some(blocks) if blocks.metadata_namespace == DEFAULT => out.extend_from_slice(&blocks.metadata),
            Some(blocks) => {
                out.push(b'}');
                resource_namespace(blocks, out);
                return out.push(b'}');
            }
            None => {}
        }
        out.extend_from_slice(b"}}");
    }
}

/// Appends the field, if there is anything in it.
pub(super) fn field(entries: &[MetadataEntry<'_>], resource: Option<&ResourceBlocks>, out: &mut Vec<u8>) {
    let resource = resource.filter(|blocks| !blocks.metadata.is_empty());
    if !entries.is_empty() || resource.is_some() {
        out.extend_from_slice(br#","metadata":"#);
        write(entries, resource, out);
    }
}

/// Metadata entries are flat; here they become a map of namespaces. The entries of a namespace usually stand
/// together, and where they do not, they are gathered where its first one stands.
fn write(entries: &[MetadataEntry<'_>], mut resource: Option<&ResourceBlocks>, out: &mut Vec<u8>) {
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
        resource_namespace(blocks, block.fields());
    }
    block.close();
}

fn resource_namespace(blocks: &ResourceBlocks, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    text::rest_of_string(&blocks.metadata_namespace, out);
    out.push(b':');
    let mut namespace = Object::open(out);
    namespace.encoded(&blocks.metadata);
    namespace.close();
}

/// Whether two texts are equal. Those of most namespaces are the same place in memory.
#[inline]
fn is_same(one: &str, other: &str) -> bool {
    core::ptr::eq(one, other) || one == other
}
