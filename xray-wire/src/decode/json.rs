//! JSON as a tape: flat, borrowed from the text, numbers as they were written.
//!
//! `serde_json` does the reading, but a document's numbers are needed to the last digit, and its nesting may be
//! hostile. So each array and object is opened on its own, from a work list: reading, walking and dropping a
//! tape recurse nowhere. Opening a level reads all that is inside it once more, which the cap on levels bounds.

use alloc::{borrow::Cow, vec::Vec};

use serde_json::value::RawValue;

use super::{
    level::{self, Level, RawMember},
    path::Path,
};
use crate::limits::MAX_DECODE_DEPTH;

/// A JSON document, every value behind the one before it.
#[derive(Debug)]
pub(crate) struct Tape<'a> {
    tokens: Vec<Token<'a>>,
}

#[derive(Debug)]
enum Token<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Str(Cow<'a, str>),
    /// Stands before its value. `repeated`: the object has had this key before.
    Key {
        text: Cow<'a, str>,
        repeated: bool,
    },
    /// Followed by so many tokens that are inside.
    Array(usize),
    /// Followed by so many tokens that are inside.
    Object(usize),
    /// An array or object with too many others around it.
    TooDeep,
}

/// An array or object whose inside is being put on the tape.
struct Open<'a> {
    /// Where its token is.
    container: usize,
    /// What is still to come.
    rest: Level<'a>,
}

/// A value on a tape.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Json<'t, 'a> {
    Null,
    Bool(bool),
    /// As written, which is JSON's grammar for numbers.
    Number(&'a str),
    Str(&'t Cow<'a, str>),
    Array(Items<'t, 'a>),
    Object(Members<'t, 'a>),
    /// An array or object inside [`MAX_DECODE_DEPTH`] others. It is JSON, but not known in more detail.
    TooDeep,
}

/// The values of an array.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Items<'t, 'a>(&'t [Token<'a>]);

/// The members of an object, in their order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members<'t, 'a>(&'t [Token<'a>]);

/// One member of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'t, 'a> {
    pub(crate) key: &'t Cow<'a, str>,
    /// The object has had this key before.
    pub(crate) repeated: bool,
    pub(crate) value: Json<'t, 'a>,
}

impl<'a> Tape<'a> {
    /// Reads one JSON value with white space around it.
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Self> {
        let mut tape = Self { tokens: Vec::new() };
        let mut open = Vec::new();
        tape.push(serde_json::from_str(text)?, &mut open)?;
        while let Some(Open { container, rest }) = open.last_mut() {
            let value = match rest {
                Level::Elements(elements) => elements.next(),
                Level::Members(members) => members.next().map(|RawMember { key, repeated, value }| {
                    tape.tokens.push(Token::Key { text: key, repeated });
                    value
                }),
            };
            match value {
                Some(value) => tape.push(value, &mut open)?,
                None => {
                    tape.close(*container);
                    open.pop();
                }
            }
        }
        Ok(tape)
    }

    /// Puts a value on the tape, and on the work list if something is inside.
    fn push(&mut self, value: &'a RawValue, open: &mut Vec<Open<'a>>) -> serde_json::Result<()> {
        let text = value.get();
        let token = match text.as_bytes().first() {
            Some(b'[' | b'{') if open.len() == MAX_DECODE_DEPTH => Token::TooDeep,
            Some(b'[') => {
                open.push(Open { container: self.tokens.len(), rest: Level::elements(value)? });
                Token::Array(0)
            }
            Some(b'{') => {
                open.push(Open { container: self.tokens.len(), rest: Level::members(value)? });
                Token::Object(0)
            }
            Some(b'"') => Token::Str(level::text(value)?),
            Some(b't') => Token::Bool(true),
            Some(b'f') => Token::Bool(false),
            Some(b'n') => Token::Null,
            _ => Token::Number(text),
        };
        self.tokens.push(token);
        Ok(())
    }

    /// Notes how much is inside a container, all of which is on the tape now.
    fn close(&mut self, container: usize) {
        let inside = self.tokens.len() - container - 1;
        if let Token::Array(len) | Token::Object(len) = &mut self.tokens[container] {
            *len = inside;
        }
    }

    /// The value.
    pub(crate) fn root(&self) -> Json<'_, 'a> {
        // A tape that was parsed has one value.
        split(&self.tokens).map_or(Json::Null, |(root, _)| root)
    }

    /// Where a key stands that its object has had before.
    pub(crate) fn repeated_key(&self) -> Option<Path> {
        self.path_to(|token| matches!(token, Token::Key { repeated: true, .. }))
    }

    /// Where an array or object stands that is [`Json::TooDeep`].
    pub(crate) fn too_deep(&self) -> Option<Path> {
        self.path_to(|token| matches!(token, Token::TooDeep))
    }

    /// The way to the first such token.
    fn path_to(&self, is_target: impl FnMut(&Token<'a>) -> bool) -> Option<Path> {
        let target = self.tokens.iter().position(is_target)?;
        let mut path = Path::default();
        // From the value that holds the target to the one inside it that does, over those in front of it.
        let mut holder = 0;
        while holder < target {
            let is_object = matches!(self.tokens[holder], Token::Object(_));
            let mut index = 0;
            let mut value = holder + 1 + usize::from(is_object);
            while behind(&self.tokens, value) <= target {
                value = behind(&self.tokens, value) + usize::from(is_object);
                index += 1;
            }
            match &self.tokens[value - 1] {
                Token::Key { text, .. } if is_object => path.enter_key(text),
                _ => path.enter_index(index),
            };
            holder = value;
        }
        Some(path)
    }
}

/// The place behind the value at a place.
fn behind(tokens: &[Token<'_>], at: usize) -> usize {
    match tokens.get(at) {
        Some(Token::Array(len) | Token::Object(len)) => at + 1 + len,
        _ => at + 1,
    }
}

/// Takes the first value from the front.
fn split<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(Json<'t, 'a>, &'t [Token<'a>])> {
    let (first, rest) = tokens.split_first()?;
    let scalar = match first {
        Token::Null => Json::Null,
        Token::Bool(value) => Json::Bool(*value),
        Token::Number(text) => Json::Number(text),
        Token::Str(text) => Json::Str(text),
        Token::TooDeep => Json::TooDeep,
        Token::Array(len) => {
            let (inside, rest) = rest.split_at(*len);
            return Some((Json::Array(Items(inside)), rest));
        }
        Token::Object(len) => {
            let (inside, rest) = rest.split_at(*len);
            return Some((Json::Object(Members(inside)), rest));
        }
        // Only `Members` meets keys, and takes them itself.
        Token::Key { .. } => return None,
    };
    Some((scalar, rest))
}

impl<'t, 'a> Json<'t, 'a> {
    /// The value of a key, the first if it is repeated; `None` if it is absent or `null`, or this no object.
    pub(crate) fn member(self, key: &str) -> Option<Self> {
        let Self::Object(mut members) = self else { return None };
        let value = members.find(|member| member.key == key)?.value;
        (!matches!(value, Self::Null)).then_some(value)
    }

    /// What kind of value this is, for a message.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Number(_) => "a number",
            Self::Str(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::TooDeep => "one nested too deeply",
        }
    }
}

impl<'t, 'a> Iterator for Items<'t, 'a> {
    type Item = Json<'t, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (item, rest) = split(self.0)?;
        self.0 = rest;
        Some(item)
    }
}

impl<'t, 'a> Iterator for Members<'t, 'a> {
    type Item = Member<'t, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (Token::Key { text: key, repeated }, rest) = self.0.split_first()? else { return None };
        let (value, rest) = split(rest)?;
        self.0 = rest;
        Some(Member { key, repeated: *repeated, value })
    }
}

#[cfg(test)]
mod tests {
    use std::{format, string::String};

    use proptest::prelude::*;

    use super::*;

    /// What `serde_json` makes of the same text.
    fn same(ours: Json<'_, '_>, theirs: &serde_json::Value) -> bool {
        match (ours, theirs) {
            (Json::Null, serde_json::Value::Null) => true,
            (Json::Bool(ours), serde_json::Value::Bool(theirs)) => ours == *theirs,
            (Json::Str(ours), serde_json::Value::String(theirs)) => ours == theirs,
            (Json::Number(ours), serde_json::Value::Number(theirs)) => {
                let (ours, theirs) = (ours.parse::<f64>().unwrap(), theirs.as_f64().unwrap());
                (ours - theirs).abs() <= ours.abs() * 1e-12
            }
            (Json::Array(ours), serde_json::Value::Array(theirs)) => {
                ours.count() == theirs.len() && ours.zip(theirs).all(|(ours, theirs)| same(ours, theirs))
            }
            (Json::Object(mut ours), serde_json::Value::Object(theirs)) => {
                let distinct = ours.filter(|member| !member.repeated).count();
                distinct == theirs.len()
                    && ours.all(|member| member.repeated || theirs.contains_key(&**member.key))
                    && ours.filter(|member| !member.repeated).all(|member| {
                        ours.filter(|other| other.key == member.key).count() > 1
                            || same(member.value, &theirs[&**member.key])
                    })
            }
            _ => false,
        }
    }

    #[test]
    fn escapes() {
        for (text, expected) in [
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""caf\u00E9 \ud83d\ude00!""#, "café 😀!"),
            // Halves of pairs, which SDKs that cut at UTF-16 units write.
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00A""#, "\u{fffd}A"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ude00\ud83d\udbff\ud800""#, "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            (r#""\ud83d퟿\ud83dé""#, "\u{fffd}\u{d7ff}\u{fffd}é"),
        ] {
            let tape = Tape::parse(text).unwrap();
            let Json::Str(read) = tape.root() else { panic!("{text}") };
            assert_eq!(read, expected, "{text}");
            let object = format!("{{{text}:1}}");
            let tape = Tape::parse(&object).unwrap();
            let Json::Object(mut members) = tape.root() else { panic!("{text}") };
            assert_eq!(members.next().unwrap().key, expected, "{text} as a key");
        }
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let tape = Tape::parse(r#"{"key":"text","e\u0041":1}"#).unwrap();
        let Json::Object(mut members) = tape.root() else { panic!() };
        let member = members.next().unwrap();
        assert!(matches!(
            (member.key, member.value),
            (Cow::Borrowed("key"), Json::Str(Cow::Borrowed("text")))
        ));
        assert_eq!(members.next().unwrap().key, "eA");
    }

    #[test]
    fn repeated_keys_are_found() {
        for (text, expected) in [
            (r#"{"a":1,"b":{"a":2},"a":3}"#, Some("a")),
            (r#"{"a":[0,{"b":{},"c":[{"x":1,"y":2,"x":3}]}]}"#, Some("a[1].c[0].x")),
            (r#"[[],[{"b":{"b":1},"a":{"b":1,"\u0062":2}}]]"#, Some("[1][0].a.b")),
            (r#"{"a":{"b":1},"b":{"a":1}}"#, None),
            ("1", None),
        ] {
            let path = Tape::parse(text).unwrap().repeated_key().map(|path| path.field());
            assert_eq!(path.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_keep_every_digit() {
        for text in ["1700000000.123456789", "-0", "1.499473411677E+09", "18446744073709551616", "1e999"] {
            let tape = Tape::parse(text).unwrap();
            assert!(matches!(tape.root(), Json::Number(read) if read == text), "{text}");
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_marked_and_its_siblings_stay() {
        for (open, close) in [("[0,", ",2]"), ("{\"a\":0,\"b\":", ",\"c\":2}")] {
            for (levels, cut) in [(MAX_DECODE_DEPTH, false), (MAX_DECODE_DEPTH + 1, true), (20_000, true)] {
                let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                let tape = Tape::parse(&text).unwrap();
                assert_eq!(tape.too_deep().is_some(), cut, "{levels} of {open}");
                let mut depth = 0;
                let mut value = tape.root();
                loop {
                    let inside: Vec<_> = match value {
                        Json::Array(items) => items.collect(),
                        Json::Object(members) => members.map(|member| member.value).collect(),
                        _ => break,
                    };
                    assert!(matches!(inside[..], [Json::Number("0"), _, Json::Number("2")]));
                    value = inside[1];
                    depth += 1;
                }
                assert_eq!(depth, MAX_DECODE_DEPTH.min(levels));
                assert_eq!(matches!(value, Json::TooDeep), cut);
                assert!(
                    Tape::parse(&text[..text.len() - 1]).is_err(),
                    "what is not followed is JSON all the same"
                );
            }
        }
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".into()),
            Just("true".into()),
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,4})?([eE][+-]?[0-9])?",
            "\"([a-c é]|\\\\[nt\"\\\\/bfr]|\\\\u00[0-9a-f]{2}|\\\\ud83d\\\\ude00){0,5}\"",
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[{}]", items.join(" ,"))),
                prop::collection::vec(("[a-c]", inner), 0..5).prop_map(|members| {
                    let members: Vec<_> =
                        members.iter().map(|(key, value)| format!("\"{key}\" : {value}")).collect();
                    format!("{{{}}}", members.join(",\n"))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn each_half_of_a_pair_is_one_character(
            units in prop::collection::vec(prop_oneof![0xd7fe..0xe002_u16, any::<u16>()], 0..8),
        ) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let text = format!("\"{escapes}\"");
            let tape = Tape::parse(&text).map_err(|error| TestCaseError::fail(format!("{error}")))?;
            let Json::Str(read) = tape.root() else { panic!("{text}") };
            prop_assert_eq!(&**read, String::from_utf16_lossy(&units), "{}", text);
        }

        #[test]
        fn reads_what_serde_json_reads(text in json()) {
            let tape = Tape::parse(&text).map_err(|error| TestCaseError::fail(format!("{error}")))?;
            prop_assert!(same(tape.root(), &serde_json::from_str(&text).unwrap()), "{}", text);
        }

        #[test]
        fn no_level_refuses_what_the_whole_is(
            valid in json(),
            at: prop::sample::Index,
            edit in prop_oneof!["[\\[\\]{}:,\"0-9.eE+\\\\u -]{0,2}", ".{0,2}"],
        ) {
            let mut text: Vec<char> = valid.chars().collect();
            let at = at.index(text.len());
            text.splice(at..=at, edit.chars());
            let text: String = text.into_iter().collect();
            let accepted = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(Tape::parse(&text).is_ok(), accepted, "{}", text);
        }
    }
}
