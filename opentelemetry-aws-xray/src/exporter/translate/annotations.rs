//! Annotations: attributes that the user wants to search by (docs/mapping.md).

use std::borrow::Cow;

use opentelemetry::{KeyValue, Value};
use xray_wire::{
    limits::MAX_ANNOTATION_VALUE_CHARS,
    sanitize,
    segment::{Annotation, AnnotationValue, Kind},
};

use super::{
    super::{
        attributes::{Attributes, Leftover, Met, Name, Slot},
        index::Index,
    },
    budget::Budget,
    handed,
    local_root::{Role, is_of_the_call},
    resource::ResourceView,
    texts::Texts,
};
use crate::{
    annotate::{ANNOTATION_PREFIX, METADATUM_PREFIX, OBJECT_PREFIX},
    redact,
};

/// Fills the annotations of a document: first what handlers handed over, then what the configuration names, then what the span itself names, then, if asked
/// for, the rest. What finds no place, or is no text, number or truth value, stays for metadata.
#[inline]
pub(super) fn annotations<'a>(
    index: &'a Index,
    (document, role): (Kind, Role),
    resource: &'a ResourceView,
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    texts: &mut Texts,
    annotations: &mut Vec<Annotation<'a>>,
) {
    let is_nothing = !attributes.has_ours()
        && index.names_nothing()
        && !index.all
        && !attributes.has(Slot::AwsXrayAnnotations)
        && resource.annotations.is_empty();
    if is_nothing {
        return;
    }
    let mut room = Room {
        annotations: &mut *annotations,
        met: Met::default(),
        most: budget.annotations,
        text_chars: budget.text_chars,
        without_dots: index.without_dots,
        texts,
    };
    // What handlers chose themselves comes first.
    if attributes.has_ours() {
        attributes.take_leftovers(|Leftover { attribute, name, .. }| {
            handed::annotation_key(attribute.key.as_str())
                .is_some_and(|key| room.take(key, attribute, name == Name::Secret))
        });
    }
    if !index.names_nothing() {
        // What landed in a field can be an annotation as well.
        attributes.take_all(|attribute, name| {
            index.annotation_of(attribute.key.as_str()).is_some_and(|key| {
                !is_settled(attribute.key.as_str()) && room.take(key, attribute, name == Name::Secret)
            })
        });
    }
    let named: Vec<Cow<'_, str>> = attributes.texts(Slot::AwsXrayAnnotations);
    if !named.is_empty() {
        attributes.consume(Slot::AwsXrayAnnotations);
        attributes.take_leftovers(|Leftover { attribute, name, .. }| {
            let key = attribute.key.as_str();
            let is_named = named.iter().any(|named| named == key) && !is_settled(key);
            is_named && room.take(key, attribute, name == Name::Secret)
        });
    }
    if index.all {
        attributes.take_leftovers(|Leftover { attribute, name, .. }| {
            let key = attribute.key.as_str();
            !is_settled(key) && room.take(key, attribute, name == Name::Secret)
        });
    }
    if document == Kind::Segment {
        for attribute in &resource.annotations {
            room.take(attribute.key.as_str(), attribute, false);
        }
    }
    if role == Role::Service {
        annotations.retain(|annotation| !is_of_the_call(&annotation.key));
    }
}

/// Whether a name says itself what becomes of its value, whatever is indexed: what handlers hand over, whole namespaces of
/// metadata, and that the span goes on.
fn is_settled(name: &str) -> bool {
    const PREFIXES: [&str; 3] = [ANNOTATION_PREFIX, METADATUM_PREFIX, OBJECT_PREFIX];
    name.starts_with("aws.xray.")
        && (name == "aws.xray.inprogress" || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// The annotations so far, and how many more there may be.
struct Room<'r, 'a> {
    annotations: &'r mut Vec<Annotation<'a>>,
    met: Met,
    most: usize,
    text_chars: usize,
    without_dots: bool,
    texts: &'r mut Texts,
}

impl<'a> Room<'_, 'a> {
    /// Adds an annotation if it can be one; true if all of the attribute is in it.
    fn take(&mut self, name: &'a str, attribute: &'a KeyValue, is_secret: bool) -> bool {
        let mut key = sanitize::annotation_key(name);
        if self.without_dots && key.contains('.') {
            key = Cow::Owned(key.replace('.', "_"));
        }
        let is_taken = self.met.insert(&key) && self.annotations.iter().any(|other| other.key == key);
        if self.annotations.len() >= self.most {
            self.texts.count_cut();
            return false;
        }
        if is_taken || key.is_empty() || is_secret {
            return false;
        }
        let (value, whole) = match &attribute.value {
            Value::Bool(value) => (AnnotationValue::Bool(*value), true),
            Value::I64(value) => (AnnotationValue::I64(*value), true),
            Value::F64(value) if value.is_finite() => (AnnotationValue::F64(*value), true),
            Value::String(text) if !text.as_str().is_empty() => {
                let limit = MAX_ANNOTATION_VALUE_CHARS.min(self.text_chars);
                let (text, whole) =
                    self.texts.cut(redact::named(attribute.key.as_str(), text.as_str()), limit);
                (AnnotationValue::Str(text), whole)
            }
            _ => return false,
        };
        self.annotations.push(Annotation { key, value });
        whole
    }
}
