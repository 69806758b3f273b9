//! Checks of single values, which know where they are.

use alloc::{collections::BTreeSet, format};
use core::fmt::Display;

use super::Violation;
use crate::{
    SegmentId, Timestamp, TraceId,
    decode::{
        decimal::{Scaled, scaled},
        json::{Items, Json, Member},
        path::Path,
    },
};

/// Keeps the path to the value at hand, and the ids that were met.
#[derive(Debug, Default)]
pub(super) struct Checker {
    pub(super) path: Path,
    pub(super) ids: BTreeSet<SegmentId>,
}

/// Nothing, or what is wrong.
pub(super) type Checked<T = ()> = Result<T, Violation>;

impl Checker {
    /// That something else was expected of the value at hand.
    pub(super) fn fail<T>(&self, expected: impl Display, found: impl Display) -> Checked<T> {
        Err(Violation { field: self.path.field(), reason: format!("expected {expected}, but found {found}") })
    }

    /// An object, each member of which passes `check`. One that is `null` is absent, as `decode` reads it: SDKs write
    /// it for what they do not know, and the service takes it.
    pub(super) fn fields<'t, 'a>(
        &mut self,
        json: Json<'t, 'a>,
        mut check: impl FnMut(&mut Self, &'t str, Json<'t, 'a>) -> Checked,
    ) -> Checked {
        let Json::Object(members) = json else { return self.fail("an object", json.kind()) };
        for Member { key, value, .. } in members {
            if matches!(value, Json::Null) {
                continue;
            }
            let mark = self.path.enter_key(key);
            check(self, key, value)?;
            self.path.leave(mark);
        }
        Ok(())
    }

    /// An array, each element of which passes `check`.
    pub(super) fn list<'t, 'a>(
        &mut self,
        json: Json<'t, 'a>,
        mut check: impl FnMut(&mut Self, Json<'t, 'a>) -> Checked,
    ) -> Checked {
        for (index, item) in self.array(json)?.enumerate() {
            let mark = self.path.enter_index(index);
            check(self, item)?;
            self.path.leave(mark);
        }
        Ok(())
    }

    /// A member that has to be there.
    pub(super) fn required<'t, 'a, T>(
        &mut self,
        json: Json<'t, 'a>,
        key: &str,
        expected: &str,
        check: impl FnOnce(&mut Self, Json<'t, 'a>) -> Checked<T>,
    ) -> Checked<T> {
        let mark = self.path.enter_key(key);
        let Some(value) = json.member(key) else { return self.fail(expected, "nothing") };
        let checked = check(self, value)?;
        self.path.leave(mark);
        Ok(checked)
    }

    pub(super) fn array<'t, 'a>(&self, json: Json<'t, 'a>) -> Checked<Items<'t, 'a>> {
        let Json::Array(items) = json else { return self.fail("an array", json.kind()) };
        Ok(items)
    }

    pub(super) fn text<'t>(&mut self, json: Json<'t, '_>) -> Checked<&'t str> {
        let Json::Str(text) = json else { return self.fail("a string", json.kind()) };
        Ok(text)
    }

    /// Text of any length.
    pub(super) fn any_text(&mut self, json: Json<'_, '_>) -> Checked {
        self.text(json).map(drop)
    }

    /// Text of at most so many characters.
    pub(super) fn text_within(&mut self, json: Json<'_, '_>, max_chars: usize) -> Checked {
        let text = self.text(json)?;
        self.within(max_chars, text.chars().count(), "characters")
    }

    /// No more than is allowed.
    pub(super) fn within(&self, max: usize, found: usize, what: &str) -> Checked {
        if found > max { self.fail(format_args!("at most {max} {what}"), found) } else { Ok(()) }
    }

    pub(super) fn bool(&mut self, json: Json<'_, '_>) -> Checked<bool> {
        let Json::Bool(value) = json else { return self.fail("a truth value", json.kind()) };
        Ok(value)
    }

    pub(super) fn flag(&mut self, json: Json<'_, '_>) -> Checked {
        self.bool(json).map(drop)
    }

    /// A whole number from zero to `max`.
    pub(super) fn whole(&mut self, json: Json<'_, '_>, max: u64) -> Checked {
        let Json::Number(text) = json else { return self.fail("a number", json.kind()) };
        match scaled(text, 0) {
            Ok(Scaled { value, exact: true }) if value <= max => Ok(()),
            _ => self.fail(format_args!("a whole number from 0 to {max}"), "another number"),
        }
    }

    /// A whole number, which may be negative.
    pub(super) fn integer(&mut self, json: Json<'_, '_>) -> Checked {
        let Json::Number(text) = json else { return self.fail("a number", json.kind()) };
        let is_integer = is_whole(text.strip_prefix('-').unwrap_or(text));
        if is_integer { Ok(()) } else { self.fail("a whole number", "another number") }
    }

    /// A count of bytes as SDKs write it: in quotes or not, and −1 where they do not know it.
    pub(super) fn length(&mut self, json: Json<'_, '_>) -> Checked {
        let text = match json {
            Json::Number(text) => text,
            Json::Str(text) => text,
            _ => return self.fail("a number", json.kind()),
        };
        let is_length = text == "-1" || is_whole(text);
        if is_length { Ok(()) } else { self.fail("a whole number from -1", "another value") }
    }

    pub(super) fn timestamp(&mut self, json: Json<'_, '_>) -> Checked<Timestamp> {
        let Json::Number(text) = json else { return self.fail("epoch seconds as a number", json.kind()) };
        match scaled(text, 9) {
            Ok(Scaled { value, .. }) => Ok(Timestamp::from_nanos(value)),
            Err(_) => self.fail("epoch seconds", "a number that is negative or too large"),
        }
    }

    pub(super) fn segment_id(&mut self, json: Json<'_, '_>) -> Checked<SegmentId> {
        const EXPECTED: &str = "16 hex digits, not all zero";
        let Json::Str(text) = json else { return self.fail(EXPECTED, json.kind()) };
        SegmentId::parse(text.as_bytes()).or_else(|_| self.other_text(EXPECTED, text))
    }

    pub(super) fn trace_id(&mut self, json: Json<'_, '_>) -> Checked<TraceId> {
        const EXPECTED: &str = "`1-` + 8 + `-` + 24 hex digits, not all zero";
        let Json::Str(text) = json else { return self.fail(EXPECTED, json.kind()) };
        TraceId::parse(text.as_bytes()).or_else(|_| self.other_text(EXPECTED, text))
    }

    fn other_text<T>(&self, expected: &str, text: &str) -> Checked<T> {
        self.fail(expected, format_args!("other text of length {}", text.chars().count()))
    }
}

fn is_whole(text: &str) -> bool {
    matches!(scaled(text, 0), Ok(Scaled { exact: true, .. }))
}
