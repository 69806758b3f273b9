//! Reading single fields: each gives a value, or `None` and a line in the list of what was skipped.

use alloc::{borrow::Cow, vec::Vec};

use super::{
    SkipReason, Skipped,
    decimal::{DecimalError, Scaled, scaled},
    json::{Items, Json, Members},
    path::{Mark, Path},
};
use crate::{SegmentId, Timestamp, TraceId};

/// Keeps the path to the field at hand, and the list.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) path: Path,
    pub(super) skipped: Vec<Skipped>,
}

impl Reader {
    /// Lists the field at hand.
    pub(super) fn skip(&mut self, reason: SkipReason) {
        self.skipped.push(Skipped { field: self.path.field(), reason });
    }

    /// Calls `read` for each member that is not `null`; `None` if this is no object.
    pub(super) fn fields<'t, 'a>(
        &mut self,
        json: Json<'t, 'a>,
        mut read: impl FnMut(&mut Self, &'t Cow<'a, str>, Json<'t, 'a>),
    ) -> Option<()> {
        let members = self.object(json)?;
        self.members(members, |reader, key, value| {
            if !matches!(value, Json::Null) {
                read(reader, key, value);
            }
        });
        Some(())
    }

    /// Calls `read` for each member, those that are `null` too. Of a key that is repeated the first counts.
    pub(super) fn members<'t, 'a>(
        &mut self,
        members: Members<'t, 'a>,
        mut read: impl FnMut(&mut Self, &'t Cow<'a, str>, Json<'t, 'a>),
    ) {
        for member in members {
            let mark = self.path.enter_key(member.key);
            if member.repeated {
                self.skip(SkipReason::Repeated);
            } else {
                read(self, member.key, member.value);
            }
            self.path.leave(mark);
        }
    }

    /// The elements that `read` makes something of.
    pub(super) fn list<'t, 'a, T>(
        &mut self,
        json: Json<'t, 'a>,
        mut read: impl FnMut(&mut Self, Json<'t, 'a>) -> Option<T>,
    ) -> Vec<T> {
        let Some(items) = self.array(json) else { return Vec::new() };
        let mut list = Vec::new();
        for (index, item) in items.enumerate() {
            let mark = self.path.enter_index(index);
            if !matches!(item, Json::Null) {
                list.extend(read(self, item));
            }
            self.path.leave(mark);
        }
        list
    }

    /// A member that must be there.
    pub(super) fn required<'t, 'a, T>(
        &mut self,
        json: Json<'t, 'a>,
        key: &str,
        read: impl FnOnce(&mut Self, Json<'t, 'a>) -> Option<T>,
    ) -> Option<T> {
        let mark: Mark = self.path.enter_key(key);
        let value = match json.member(key) {
            Some(value) => read(self, value),
            None => {
                self.skip(SkipReason::Missing);
                None
            }
        };
        self.path.leave(mark);
        value
    }

    pub(super) fn object<'t, 'a>(&mut self, json: Json<'t, 'a>) -> Option<Members<'t, 'a>> {
        match json {
            Json::Object(members) => Some(members),
            other => self.keep(Err(wrong_type(other))),
        }
    }

    pub(super) fn array<'t, 'a>(&mut self, json: Json<'t, 'a>) -> Option<Items<'t, 'a>> {
        match json {
            Json::Array(items) => Some(items),
            other => self.keep(Err(wrong_type(other))),
        }
    }

    pub(super) fn text<'a>(&mut self, json: Json<'_, 'a>) -> Option<Cow<'a, str>> {
        match json {
            Json::Str(text) => Some(text.clone()),
            other => self.keep(Err(wrong_type(other))),
        }
    }

    pub(super) fn bool(&mut self, json: Json<'_, '_>) -> Option<bool> {
        match json {
            Json::Bool(value) => Some(value),
            other => self.keep(Err(wrong_type(other))),
        }
    }

    /// A truth value that is false unless stated.
    pub(super) fn flag(&mut self, json: Json<'_, '_>) -> bool {
        self.bool(json).unwrap_or(false)
    }

    /// A whole number, in quotes or not.
    pub(super) fn unsigned<T: TryFrom<u64>>(&mut self, json: Json<'_, '_>) -> Option<T> {
        let whole = number(json).and_then(|text| whole(text)?.try_into().map_err(|_| SkipReason::OutOfRange));
        self.keep(whole)
    }

    /// A whole number that may be negative, in quotes or not.
    pub(super) fn signed(&mut self, json: Json<'_, '_>) -> Option<i64> {
        let whole = number(json).and_then(|text| match text.strip_prefix('-') {
            Some(text) => 0i64.checked_sub_unsigned(whole(text)?).ok_or(SkipReason::OutOfRange),
            None => i64::try_from(whole(text)?).map_err(|_| SkipReason::OutOfRange),
        });
        self.keep(whole)
    }

    /// Epoch seconds, in quotes or not, to the nanosecond.
    pub(super) fn timestamp(&mut self, json: Json<'_, '_>) -> Option<Timestamp> {
        let nanos = number(json).and_then(|text| Ok(scaled(text, 9)?.value));
        self.keep(nanos.map(Timestamp::from_nanos))
    }

    pub(super) fn segment_id(&mut self, json: Json<'_, '_>) -> Option<SegmentId> {
        let text = self.text(json)?;
        self.keep(SegmentId::parse(text.as_bytes()).map_err(|_| SkipReason::Malformed))
    }

    /// A trace id in X-Ray's form or W3C's, which is 32 hex digits without a separator.
    pub(super) fn trace_id(&mut self, json: Json<'_, '_>) -> Option<TraceId> {
        let text = self.text(json)?;
        let id = TraceId::parse(text.as_bytes()).ok().or_else(|| w3c_trace_id(&text));
        self.keep(id.ok_or(SkipReason::Malformed))
    }

    fn keep<T>(&mut self, read: Result<T, SkipReason>) -> Option<T> {
        read.map_err(|reason| self.skip(reason)).ok()
    }
}

/// The text of a number, in quotes or not.
fn number<'t>(json: Json<'t, '_>) -> Result<&'t str, SkipReason> {
    match json {
        Json::Number(text) => Ok(text),
        Json::Str(text) => Ok(text.trim()),
        other => Err(wrong_type(other)),
    }
}

/// Why a value of another type than the field's is left out; of one nested too deeply the type does not matter.
fn wrong_type(json: Json<'_, '_>) -> SkipReason {
    match json {
        Json::TooDeep => SkipReason::TooDeep,
        _ => SkipReason::WrongType,
    }
}

fn whole(text: &str) -> Result<u64, SkipReason> {
    match scaled(text, 0)? {
        Scaled { value, exact: true } => Ok(value),
        Scaled { exact: false, .. } => Err(SkipReason::OutOfRange),
    }
}

fn w3c_trace_id(text: &str) -> Option<TraceId> {
    let is_w3c = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes = u128::from_str_radix(text, 16).ok().filter(|_| is_w3c)?.to_be_bytes();
    TraceId::from_bytes(bytes)
}

impl From<DecimalError> for SkipReason {
    fn from(error: DecimalError) -> Self {
        match error {
            DecimalError::Malformed => Self::Malformed,
            DecimalError::OutOfRange => Self::OutOfRange,
        }
    }
}
