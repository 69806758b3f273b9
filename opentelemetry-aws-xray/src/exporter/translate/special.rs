//! Attributes that become metadata in another way than most: their names tell that they are a secret, an address, handed
//! over or an object, or that their key is one of ours.

use std::borrow::Cow;

use opentelemetry::{KeyValue, Value as Otel};
use xray_wire::segment::{MetadataEntry, Value};

use super::{
    Options,
    budget::Budget,
    entries::Entries,
    handed, json,
    metadata::{DEFAULT, RESERVED_PREFIX, cut_key},
    texts::Texts,
    values,
};
use crate::annotate::OBJECT_PREFIX;

/// What stands before a key that would be taken for ours.
const ATTRIBUTE_PREFIX: &str = "attribute.";

/// Adds such an attribute; true if it has another key or namespace now.
pub(super) fn add<'a>(
    attribute: &'a KeyValue,
    is_secret: bool,
    options: &Options,
    budget: &Budget,
    texts: &mut Texts,
    entries: &mut Entries<'_, 'a>,
) -> bool {
    let key = attribute.key.as_str();
    let mut may_hold_denied = false;
    if let (Some(namespace), Otel::String(text)) = (key.strip_prefix(OBJECT_PREFIX), &attribute.value) {
        if add_members(namespace, text.as_str(), budget, texts, entries) {
            return true;
        }
        may_hold_denied = options.redaction.has_metadata_rules() && json::looks_like_json(text.as_str());
    }
    let is_secret = is_secret || may_hold_denied;
    let value = values::named_value(key, is_secret, &attribute.value, budget, texts);
    if let Some((namespace, key)) = handed::metadata_place(key, DEFAULT) {
        if !key.starts_with(RESERVED_PREFIX) && !entries.hold(&namespace, key) {
            let key = cut_key(Cow::Borrowed(key), budget, texts);
            let namespace = cut_key(namespace, budget, texts);
            entries.push(MetadataEntry { namespace, key, value });
            return true;
        }
        // In another place, it would not be known as denied.
        if !options.lets_through_metadata(&namespace, key) {
            return false;
        }
    }
    let is_reserved = key.starts_with(RESERVED_PREFIX);
    let key = if is_reserved { Cow::Owned(format!("{ATTRIBUTE_PREFIX}{key}")) } else { Cow::Borrowed(key) };
    entries.push_value(cut_key(key, budget, texts), value, texts);
    is_reserved
}

/// Takes over the members of a JSON object, as many as there is room for; false if the text is none.
fn add_members<'a>(
    namespace: &'a str,
    text: &'a str,
    budget: &Budget,
    texts: &mut Texts,
    entries: &mut Entries<'_, 'a>,
) -> bool {
    if namespace.is_empty() || handed::is_reserved(namespace) {
        return false;
    }
    let Some(members) = json::object(text) else { return false };
    let room = budget.entries.saturating_sub(entries.len());
    texts.count_cuts(members.len().saturating_sub(room));
    let mut cut = Cut { budget, room: budget.entries, texts };
    for (key, value) in members.into_iter().take(room) {
        let is_ours = namespace == DEFAULT && key.starts_with(RESERVED_PREFIX);
        let key = if is_ours { Cow::Owned(format!("{ATTRIBUTE_PREFIX}{key}")) } else { key };
        let key = cut_key(key, budget, cut.texts);
        entries.push(MetadataEntry { namespace: Cow::Borrowed(namespace), key, value: cut.value(value) });
    }
    true
}

/// Cuts values to a budget, which holds for all of an object.
struct Cut<'c> {
    budget: &'c Budget,
    /// How many more items of lists and objects there may be.
    room: usize,
    texts: &'c mut Texts,
}

impl Cut<'_> {
    fn value<'a>(&mut self, value: Value<'a>) -> Value<'a> {
        match value {
            Value::Str(text) => Value::Str(self.texts.cut(text, self.budget.text_chars).0),
            Value::List(items) => Value::List(self.items(items, Self::value)),
            Value::Map(members) => {
                Value::Map(self.items(members, |cut, (key, value)| {
                    (cut_key(key, cut.budget, cut.texts), cut.value(value))
                }))
            }
            other => other,
        }
    }

    fn items<T>(&mut self, items: Vec<T>, mut cut: impl FnMut(&mut Self, T) -> T) -> Vec<T> {
        let length = items.len();
        let mut kept = Vec::with_capacity(length.min(self.room));
        for item in items {
            if self.room == 0 {
                break;
            }
            self.room -= 1;
            kept.push(cut(self, item));
        }
        self.texts.count_cuts(length - kept.len());
        kept
    }
}
