//! Attributes that become metadata in another way than most: their names tell that they are a secret, an address, handed
//! over or an object, or that their key is one of ours.

use std::borrow::Cow;

use opentelemetry::{KeyValue, Value as Otel};
use xray_wire::segment::MetadataEntry;

use super::{
    budget::Budget,
    entries::Entries,
    handed, json,
    metadata::{DEFAULT, RESERVED_PREFIX, cut_key},
    texts::Texts,
    values,
};

/// What stands before a key that would be taken for ours.
const ATTRIBUTE_PREFIX: &str = "attribute.";

/// Adds such an attribute; true if it has another key or namespace now.
pub(super) fn add<'a>(
    attribute: &'a KeyValue,
    is_secret: bool,
    budget: &Budget,
    texts: &mut Texts,
    entries: &mut Entries<'_, 'a>,
) -> bool {
    let key = attribute.key.as_str();
    if let Some(namespace) = key.strip_prefix(OBJECT_PREFIX)
        && json_object(namespace, &attribute.value, budget, entries)
    {
        return true;
    }
    let value = values::named_value(key, is_secret, &attribute.value, budget, texts);
    if let Some((namespace, key)) = handed::metadata_place(key, DEFAULT)
        && !key.starts_with(RESERVED_PREFIX)
        && !entries.hold(&namespace, key)
    {
        let key = cut_key(Cow::Borrowed(key), budget, texts);
        let namespace = cut_key(namespace, budget, texts);
        entries.push(MetadataEntry { namespace, key, value });
        return true;
    }
    let is_reserved = key.starts_with(RESERVED_PREFIX);
    let key = if is_reserved { Cow::Owned(format!("{ATTRIBUTE_PREFIX}{key}")) } else { Cow::Borrowed(key) };
    entries.push_value(cut_key(key, budget, texts), value, texts);
    is_reserved
}

/// An attribute of this name, then a namespace, holds a JSON object: all of that namespace.
const OBJECT_PREFIX: &str = "aws.xray.metadata.";

/// Takes the members of such an object over; false if it is none, or too large for the document.
fn json_object<'a>(
    namespace: &'a str,
    value: &'a Otel,
    budget: &Budget,
    entries: &mut Entries<'_, 'a>,
) -> bool {
    let Otel::String(text) = value else { return false };
    let is_named = !namespace.is_empty() && !handed::is_reserved(namespace);
    if !is_named || text.as_str().len() > budget.text_chars {
        return false;
    }
    let Some(members) = json::object(text.as_str()) else { return false };
    if members.len() > budget.entries.saturating_sub(entries.len()) {
        return false;
    }
    for (key, value) in members {
        let is_ours = namespace == DEFAULT && key.starts_with(RESERVED_PREFIX);
        let key = if is_ours { Cow::Owned(format!("{ATTRIBUTE_PREFIX}{key}")) } else { key };
        entries.push(MetadataEntry { namespace: Cow::Borrowed(namespace), key, value });
    }
    true
}
