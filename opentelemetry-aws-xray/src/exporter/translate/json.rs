//! JSON that an attribute holds as text, read into metadata.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use xray_wire::{limits::MAX_DOCUMENT_BYTES, segment::Value};

use crate::redact;

type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The members of a JSON object, the last of each key; `None` for anything else, for what is larger than a document or
/// too deep, and for integers that would lose digits. Values that are named like secrets are replaced.
pub(super) fn object(text: &str) -> Option<Members<'_>> {
    Some(parsed(text)?.0)
}

/// Text that holds a JSON object, with the values replaced that are named like secrets. What can't be read as one is left out
/// whole if it looks like JSON and names a secret.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    let Some((_, secrets)) = parsed(text) else {
        return Cow::Borrowed(if may_tell_secret(text) { redact::REDACTED } else { text });
    };
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut kept = 0;
    for Range { start, end } in secrets {
        clean.extend([&text[kept..start], "\"", redact::REDACTED, "\""]);
        kept = end;
    }
    clean.push_str(&text[kept..]);
    Cow::Owned(clean)
}

/// Whether text looks like an object or a list.
pub(super) fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Any word of it may be a name, and any letter of a name may be escaped.
fn may_tell_secret(text: &str) -> bool {
    let words = || text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')));
    looks_like_json(text) && (text.contains("\\u") || words().any(redact::is_secret_name))
}

/// The members of an object, and where in the text values stand that are named like secrets.
fn parsed(text: &str) -> Option<(Members<'_>, Vec<Range<usize>>)> {
    if text.len() > MAX_DOCUMENT_BYTES || !text.trim_start().starts_with('{') {
        return None;
    }
    let mut reader = Reader { text, rest: text, secrets: Vec::new() };
    let Value::Map(members) = reader.value(MAX_DEPTH)? else { return None };
    reader.skip_space();
    reader.rest.is_empty().then_some((members, reader.secrets))
}

/// Deeper than people nest, and nothing to a stack.
const MAX_DEPTH: usize = 32;

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    secrets: Vec<Range<usize>>,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// How much was read.
    fn position(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// Notes that what was read since is a secret, with all that is in it.
    fn note_secret(&mut self, start: usize) {
        while self.secrets.pop_if(|inner| inner.start >= start).is_some() {}
        self.secrets.push(start..self.position());
    }

    /// Whether a piece of text comes next; it is then read.
    fn is_next(&mut self, expected: &str) -> bool {
        let behind = self.rest.strip_prefix(expected);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        self.skip_space();
        let depth = depth.checked_sub(1)?;
        match self.rest.bytes().next()? {
            b'{' => self.map(depth),
            b'[' => self.list(depth),
            b'"' => self.string().map(Value::Str),
            b'-' | b'0'..=b'9' => self.number(),
            _ if self.is_next("true") => Some(Value::Bool(true)),
            _ if self.is_next("false") => Some(Value::Bool(false)),
            _ if self.is_next("null") => Some(Value::Null),
            _ => None,
        }
    }

    fn map(&mut self, depth: usize) -> Option<Value<'a>> {
        let mut members = Vec::new();
        self.items("{", "}", |reader| {
            let key = reader.string()?;
            reader.skip_space();
            if !reader.is_next(":") {
                return None;
            }
            reader.skip_space();
            let start = reader.position();
            let mut value = reader.value(depth)?;
            if redact::is_secret_name(&key) {
                reader.note_secret(start);
                value = Value::Str(Cow::Borrowed(redact::REDACTED));
            }
            members.push((key, value));
            Some(())
        })?;
        let mut later = HashSet::new();
        let mut is_last: Vec<_> = members.iter().rev().map(|(key, _)| later.insert(key.clone())).collect();
        members.retain(|_| is_last.pop().unwrap_or(true));
        Some(Value::Map(members))
    }

    fn list(&mut self, depth: usize) -> Option<Value<'a>> {
        let mut items = Vec::new();
        self.items("[", "]", |reader| {
            items.push(reader.value(depth)?);
            Some(())
        })?;
        Some(Value::List(items))
    }

    /// What stands between two brackets, with commas.
    fn items(
        &mut self,
        open: &str,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        if !self.is_next(open) {
            return None;
        }
        self.skip_space();
        if self.is_next(close) {
            return Some(());
        }
        loop {
            self.skip_space();
            item(self)?;
            self.skip_space();
            if self.is_next(close) {
                return Some(());
            }
            if !self.is_next(",") {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        let text = self.rest.strip_prefix('"')?;
        let plain = text.find(|c: char| c == '"' || c == '\\' || c < ' ')?;
        if text[plain..].starts_with('"') {
            self.rest = &text[plain + 1..];
            return Some(Cow::Borrowed(&text[..plain]));
        }
        let mut unescaped = text[..plain].to_owned();
        let mut chars = text[plain..].chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => unescaped.push(escape(&mut chars)?),
                c if c < ' ' => return None,
                c => unescaped.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(Cow::Owned(unescaped))
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let (text, rest) = self.rest.split_at(self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len()));
        self.rest = rest;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let has_leading_zero = whole > 1 && digits.starts_with('0');
        // Rust reads `1.` and `.5` as well.
        let is_fraction = |point: usize| digits[point + 1..].starts_with(|c: char| c.is_ascii_digit());
        if whole == 0 || has_leading_zero || !digits.find('.').is_none_or(is_fraction) {
            return None;
        }
        if whole == digits.len() {
            let signed = text.parse().map(Value::I64);
            return signed.ok().or_else(|| text.parse().map(Value::U64).ok());
        }
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::F64)
    }
}

/// What stands behind a backslash.
fn escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        c @ ('"' | '\\' | '/') => c,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let first = hex(chars)?;
            let is_high = (0xd800..0xdc00).contains(&first);
            if !is_high {
                return char::from_u32(first);
            }
            if (chars.next()?, chars.next()?) != ('\\', 'u') {
                return None;
            }
            let second = hex(chars).filter(|second| (0xdc00..0xe000).contains(second))?;
            return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        }
        _ => return None,
    })
}

fn hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |number, _| Some(number * 16 + chars.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xray_wire::{
        Segment, SegmentId, Timestamp, encode,
        segment::{Kind, MetadataEntry},
    };

    use super::*;

    /// What a document says of the object.
    fn written(text: &str) -> Option<serde_json::Value> {
        let entry = |(key, value)| MetadataEntry { namespace: Cow::Borrowed("n"), key, value };
        let id = SegmentId::from_bytes([1; 8]).unwrap();
        let mut segment = Segment::new(Kind::Segment, "s", id, Timestamp::default());
        segment.metadata = object(text)?.into_iter().map(entry).collect();
        let mut out = b"{".to_vec();
        encode::body(&segment, None, &mut out);
        encode::close(&mut out);
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        Some(document["metadata"].get("n").cloned().unwrap_or_else(|| serde_json::json!({})))
    }

    #[test]
    fn objects_and_what_is_none() {
        for (text, expected) in [
            ("{}", Some("{}")),
            (
                " { \"a\" : [ 1 , -2.5e3, true, null, {\"b\":\"\"} ] } ",
                Some(r#"{"a":[1,-2500.0,true,null,{"b":""}]}"#),
            ),
            (r#"{"a":"\n\u00e9\ud83d\ude00\/"}"#, Some(r#"{"a":"\né😀/"}"#)),
            (r#"{"a":1,"b":2,"a":3}"#, Some(r#"{"b":2,"a":3}"#)),
            (r#"{"a":18446744073709551615}"#, Some(r#"{"a":18446744073709551615}"#)),
            (r#"{"a":{"password":{"b":1}}}"#, Some(r#"{"a":{"password":"REDACTED"}}"#)),
            // None, or one that would change.
            (r#"{"a":18446744073709551616}"#, None),
            (r#"{"a":1e999}"#, None),
            (r#"{"a":01}"#, None),
            (r#"{"a":1.}"#, None),
            (r#"{"a":-}"#, None),
            (r#"{"a":"\ud800"}"#, None),
            (r#"{"a":1,}"#, None),
            (r#"{"a":1} x"#, None),
            ("{\"a\":\"\n\"}", None),
            ("[1]", None),
            ("text", None),
            ("{", None),
            ("", None),
        ] {
            let expected = expected.map(|json| serde_json::from_str(json).unwrap());
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn text_without_secrets() {
        for (text, expected) in [
            (r#"{"a":1, "password" : "x" ,"b":2}"#, r#"{"a":1, "password" : "REDACTED" ,"b":2}"#),
            (r#"{"a":[{"session_token":{"secret":[1]}}]}"#, r#"{"a":[{"session_token":"REDACTED"}]}"#),
            (r#"{"pass\u0077ord":1,"password":2}"#, r#"{"pass\u0077ord":"REDACTED","password":"REDACTED"}"#),
            (r#"{"a":"about a password"}"#, r#"{"a":"about a password"}"#),
            // No object, or none that is taken.
            (r#"{"session_token":"x","n":1e999}"#, "REDACTED"),
            (r#"[{"session_token":"x"}]"#, "REDACTED"),
            (r#"{'session-token':'x'}"#, "REDACTED"),
            (r#" {"pass\u0077ord":"#, "REDACTED"),
            (r#"{"a":1e999}"#, r#"{"a":1e999}"#),
            ("the password is wrong", "the password is wrong"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(text), expected, "{text}");
        }
        let long = format!(r#"{{"password":"x","a":"{}"}}"#, "x".repeat(MAX_DOCUMENT_BYTES));
        assert_eq!(without_secrets(&long), "REDACTED");
        let deep = format!(r#"{{"password":"x","a":{}{}}}"#, "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert_eq!(without_secrets(&deep), "REDACTED");
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(object(&deep(MAX_DEPTH - 1)).is_some());
        assert!(object(&deep(MAX_DEPTH)).is_none());
        assert!(object(&deep(30_000)).is_none());
        assert!(object(&format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_DOCUMENT_BYTES))).is_none());
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<i32>().prop_map(|eighths| (f64::from(eighths) / 8.0).into()),
            "\\PC{0,8}|[\"\\\\\n\t/]{0,4}".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::hash_map("[a-f\"é]{0,3}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(value in json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            prop_assert_eq!(written(&text.unwrap()), value.is_object().then_some(value));
        }

        #[test]
        fn no_secret_stays_and_all_else_does(value in json(), secret in json(), key in "[a-c]{0,2}(password|[-_]token)") {
            let hide = |secret| serde_json::json!({"a": value, "b": [{key.clone(): secret}], "c": 1});
            let clean = without_secrets(&hide(secret).to_string()).into_owned();
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&clean).unwrap(), hide("REDACTED".into()));
        }

        #[test]
        fn no_text_is_taken_that_is_no_json(text in r#"\{("[a-z\\"]{0,3}"|[:,{}\[\]0-9.eE+-]|true| ){0,8}\}"#) {
            if object(&text).is_some() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
