//! A bounded reader for the members of a JSON object: those that were asked for, in one pass, without a tree.

use std::{fmt, mem};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text;

/// Bytes of one body that are read. The SDK writes what is called before what is said to it, and answers with counts
/// are mostly shorter; a body may have 400 KB (DynamoDB) or more. What is not whole by then is not recorded.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1_024;

/// Names kept of one list or map: more than DynamoDB takes in one batch.
const MAX_NAMES: usize = 100;

/// What one member of an object is, as far as it can be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member {
    Text(String),
    Integer(i64),
    Flag(bool),
    /// A list or a map: its length, and its strings or keys.
    Several {
        count: usize,
        names: Vec<String>,
    },
    /// A list or a map that was not read to its end: its strings or keys so far.
    Part(Vec<String>),
    /// `null` or a fraction.
    Other,
}

/// Bytes at the end of a body in which members that the SDK writes last are looked for: two ARNs, with room.
const MAX_TAIL_BYTES: usize = 512;

/// Hands the members for which `is_wanted` to `each`, in their order, as far as `json` goes.
pub(super) fn read(json: &[u8], is_wanted: impl Fn(&str) -> bool, each: impl FnMut(&str, Member)) {
    let json = &json[..json.len().min(MAX_BODY_BYTES)];
    let mut reader = serde_json::Deserializer::from_slice(json);
    // What came before an error has been handed over.
    let _ = reader.deserialize_map(Wanted { is_wanted, each });
}

/// The same of a body that is longer than what [`read`] reads, for members that come after a list of objects, at its end.
pub(super) fn read_tail(json: &[u8], is_wanted: impl Fn(&str) -> bool, each: impl FnMut(&str, Member)) {
    /// Stands in no text, where the quotation mark would be escaped.
    const END_OF_LIST: &[u8] = b"}],\"";
    let tail = &json[json.len().saturating_sub(MAX_TAIL_BYTES)..];
    let end = tail.windows(END_OF_LIST.len()).rposition(|at| at == END_OF_LIST);
    if let (true, Some(end)) = (json.len() > MAX_BODY_BYTES, end) {
        let members = [b"{\"", &tail[end + END_OF_LIST.len()..]].concat();
        read(&members, is_wanted, each);
    }
}

struct Wanted<W, E> {
    is_wanted: W,
    each: E,
}

impl<'de, W: Fn(&str) -> bool, E: FnMut(&str, Member)> Visitor<'de> for Wanted<W, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if (self.is_wanted)(&name) {
                let mut names = Vec::new();
                let member = members.next_value_seed(MemberVisitor { names: &mut names });
                if member.is_err() && !names.is_empty() {
                    (self.each)(&name, Member::Part(names));
                }
                (self.each)(&name, member?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Reads a member. Its names are there even if reading fails.
struct MemberVisitor<'n> {
    names: &'n mut Vec<String>,
}

impl MemberVisitor<'_> {
    fn keep(&mut self, name: Option<String>) {
        self.names.extend(name.filter(|_| self.names.len() < MAX_NAMES));
    }

    fn several(self, count: usize) -> Member {
        Member::Several { count, names: mem::take(self.names) }
    }
}

impl<'de> DeserializeSeed<'de> for MemberVisitor<'_> {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MemberVisitor<'_> {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Member, E> {
        Ok(Member::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Member, E> {
        Ok(Member::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Member, E> {
        Ok(i64::try_from(number).map_or(Member::Other, Member::Integer))
    }

    fn visit_f64<E>(self, _number: f64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<Member, E> {
        Ok(Member::Text(text::bounded(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Member, A::Error> {
        let mut count = 0;
        while let Some(Name(name)) = elements.next_element()? {
            count += 1;
            self.keep(name);
        }
        Ok(self.several(count))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Member, A::Error> {
        let mut count = 0;
        while let Some(Name(name)) = entries.next_key()? {
            count += 1;
            self.keep(name);
            entries.next_value::<IgnoredAny>()?;
        }
        Ok(self.several(count))
    }
}

/// A string; anything else is skipped.
struct Name(Option<String>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameVisitor).map(Self)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Some(text::bounded(name)))
    }

    fn visit_bool<E>(self, _flag: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _number: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _number: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _number: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while let Some(IgnoredAny) = elements.next_element()? {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while let Some((IgnoredAny, IgnoredAny)) = entries.next_entry()? {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(json: &[u8]) -> Vec<(String, Member)> {
        let mut found = Vec::new();
        read(json, |name| name != "Item", |name, member| found.push((name.to_owned(), member)));
        found
    }

    fn several(count: usize, names: &[&str]) -> Member {
        Member::Several { count, names: names.iter().map(|&name| name.to_owned()).collect() }
    }

    #[test]
    fn members_are_read_as_what_they_are() {
        for (json, expected) in [
            (
                r#"{"A":"a\u20ac","Item":{"A":{"S":"secret"}},"B":7}"#,
                vec![("A", Member::Text("a€".into())), ("B", Member::Integer(7))],
            ),
            (
                r#"{"A":true,"B":null,"C":1.5,"D":18446744073709551615}"#,
                vec![
                    ("A", Member::Flag(true)),
                    ("B", Member::Other),
                    ("C", Member::Other),
                    ("D", Member::Other),
                ],
            ),
            (
                r#"{"A":["x",{"y":["z"]},1,null,[2],-1,1.5,false],"B":{"k":{"x":1},"l":[]},"C":[]}"#,
                vec![("A", several(8, &["x"])), ("B", several(2, &["k", "l"])), ("C", several(0, &[]))],
            ),
            (r#"{"A":{"k":{"x":1},"l":[1,"#, vec![("A", Member::Part(vec!["k".into(), "l".into()]))]),
            (r#"{"A":["x","#, vec![("A", Member::Part(vec!["x".into()]))]),
            // Whatever else it is, it harms nobody.
            ("[]", vec![]),
            ("", vec![]),
            (r#"{"A":1,"B":[1,"#, vec![("A", Member::Integer(1))]),
            (r#"{"A":1 "B":2}"#, vec![("A", Member::Integer(1))]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(name, member)| (name.to_owned(), member)).collect();
            assert_eq!(read_all(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn names_are_bounded_but_counted() {
        let json = format!(r#"{{"A":[{}"x"]}}"#, r#""x","#.repeat(999));
        let found = read_all(json.as_bytes());
        let [(_, Member::Several { count: 1_000, names })] = found.as_slice() else {
            panic!("{}", found.len())
        };
        assert_eq!(names.len(), MAX_NAMES);
    }

    #[test]
    fn only_so_much_of_a_body_is_read() {
        let json = format!(r#"{{"A":1,"Item":"{}","B":2}}"#, "x".repeat(MAX_BODY_BYTES));
        assert_eq!(read_all(json.as_bytes()), [("A".to_owned(), Member::Integer(1))]);
    }

    #[test]
    fn a_tail_is_what_follows_a_list() {
        for (end, expected) in [
            (r#""PartitionKey":"a"}],"StreamName":"clicks"}"#, &["clicks"][..]),
            (r#""PartitionKey":"}],\"StreamName\":\"a\""}],"StreamName":"clicks"}"#, &["clicks"]),
            (r#""PartitionKey":"}],","StreamName":"a"}"#, &[]),
            (r#""PartitionKey":"}],"}]}"#, &[]),
            ("", &[]),
        ] {
            let json = format!(r#"{{"Records":[{{"Data":"{}",{end}"#, "x".repeat(MAX_BODY_BYTES));
            let mut found = Vec::new();
            read_tail(json.as_bytes(), |name| name == "StreamName", |_, member| found.push(member));
            let expected: Vec<_> = expected.iter().map(|&name| Member::Text(name.into())).collect();
            assert_eq!(found, expected, "{end}");
        }
    }

    proptest! {
        #[test]
        fn no_body_panics(body: Vec<u8>) {
            read_all(&body);
        }

        #[test]
        fn no_tail_panics(end in ".{0,40}(\\}\\],\")?.{0,40}") {
            let body = "x".repeat(MAX_BODY_BYTES) + &end;
            read_tail(body.as_bytes(), |_| true, |_, _| {});
        }

        #[test]
        fn a_body_that_ends_early_gives_what_came_before(count in 0_usize..8, cut in 0_usize..200) {
            let json = (0..count).map(|n| format!(r#""M{n}":{{"S":["{n}"]}}"#)).collect::<Vec<_>>().join(",");
            let json = format!("{{{json}}}");
            let whole = read_all(json.as_bytes());
            prop_assert_eq!(whole.len(), count);
            let mut part = read_all(&json.as_bytes()[..cut.min(json.len())]);
            if let Some((name, Member::Part(names))) = part.last() {
                prop_assert_eq!((name, names), (&whole[part.len() - 1].0, &vec!["S".to_owned()]));
                part.pop();
            }
            prop_assert_eq!(&whole[..part.len()], part.as_slice());
        }
    }
}
