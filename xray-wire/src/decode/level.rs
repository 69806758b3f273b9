//! One level of a JSON text: what is directly inside an array or object, each value as it was written.

use alloc::{
    borrow::Cow,
    string::String,
    vec::{self, Vec},
};
use core::{fmt, str};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// What is directly inside an array or object, in its order.
pub(super) enum Level<'a> {
    Elements(vec::IntoIter<&'a RawValue>),
    Members(vec::IntoIter<RawMember<'a>>),
}

/// A member of an object.
pub(super) struct RawMember<'a> {
    pub(super) key: Cow<'a, str>,
    /// The object has had this key before.
    pub(super) repeated: bool,
    pub(super) value: &'a RawValue,
}

impl<'a> Level<'a> {
    /// Opens an array.
    pub(super) fn elements(array: &'a RawValue) -> serde_json::Result<Self> {
        let elements: Vec<&RawValue> = serde_json::from_str(array.get())?;
        Ok(Self::Elements(elements.into_iter()))
    }

    /// Opens an object.
    pub(super) fn members(object: &'a RawValue) -> serde_json::Result<Self> {
        let RawMembers(mut members) = serde_json::from_str(object.get())?;
        mark_repeated(&mut members);
        Ok(Self::Members(members.into_iter()))
    }
}

/// The text of a string, borrowed if it has no escapes.
pub(super) fn text(string: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    serde_json::from_str(string.get()).map(|Text(text)| text)
}

/// Marks each key that was there before. Sorts, since a hostile object may have thousands of keys.
fn mark_repeated(members: &mut [RawMember<'_>]) {
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by(|a, b| members[*a].key.cmp(&members[*b].key));
    for pair in order.windows(2) {
        members[pair[1]].repeated = members[pair[0]].key == members[pair[1]].key;
    }
}

struct RawMembers<'a>(Vec<RawMember<'a>>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = RawMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(key), value)) = map.next_entry()? {
                    members.push(RawMember { key, repeated: false, value });
                }
                Ok(RawMembers(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Text that is asked for as bytes: `serde_json` then lets pass `\ud83d` without its other half, which SDKs write
/// that cut at UTF-16 units. It becomes one U+FFFD, as it was one unit, and does not cost the document.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Text(str::from_utf8(bytes).map_or_else(|_| Cow::Owned(whole(bytes)), Cow::Borrowed)))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(whole(bytes))))
            }
        }

        deserializer.deserialize_bytes(TextVisitor)
    }
}

/// The text of bytes that are UTF-8 but for halves of surrogate pairs, of three bytes each.
fn whole(bytes: &[u8]) -> String {
    /// What the first of the three is.
    const HALF: &[u8] = &[0xed];

    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // The other two bytes are chunks of their own.
        if chunk.invalid() == HALF {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}
