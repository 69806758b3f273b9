//! The daemon's datagram, `{"format":"json","version":1}\n<document>`: what passes, what is refused.

use std::fmt;

use serde::Deserialize;

/// Why a datagram is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Without a newline nothing ends the header.
    NoHeader,
    /// The first line is not a JSON object.
    HeaderNotJson,
    /// The first line says another format than `json`.
    Format,
    /// The first line says another version than 1.
    Version,
    /// Nothing follows the header.
    NoDocument,
}

/// The document in a datagram, judged as the X-Ray daemon judges it: the first newline ends the header; keys
/// are read in any case, `json` too; further keys, spaces and a carriage return pass.
pub(crate) fn document(datagram: &[u8]) -> Result<&[u8], Refused> {
    let newline = datagram.iter().position(|&byte| byte == b'\n').ok_or(Refused::NoHeader)?;
    let header: Header = serde_json::from_slice(&datagram[..newline]).map_err(|_| Refused::HeaderNotJson)?;
    if !header.text("format").is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        return Err(Refused::Format);
    }
    if header.field("version").and_then(serde_json::Value::as_u64) != Some(1) {
        return Err(Refused::Version);
    }
    match &datagram[newline + 1..] {
        [] => Err(Refused::NoDocument),
        document => Ok(document),
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Header(serde_json::Map<String, serde_json::Value>);

impl Header {
    fn field(&self, name: &str) -> Option<&serde_json::Value> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHeader => "expected a header line before the document, but found no newline",
            Self::HeaderNotJson => "expected the header line to be a JSON object",
            Self::Format => "expected the header to say \"format\":\"json\"",
            Self::Version => "expected the header to say \"version\":1",
            Self::NoDocument => "expected a document behind the header, but found nothing",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn judges_like_the_daemon() {
        let cases: [(&str, Result<&str, Refused>); 15] = [
            ("{\"format\":\"json\",\"version\":1}\n{}", Ok("{}")),
            ("{\"format\": \"json\", \"version\": 1}\n{}", Ok("{}")),
            ("{\"FORMAT\":\"JSON\",\"Version\":1,\"more\":[]}\r\n{}", Ok("{}")),
            ("{\"format\":\"json\",\"version\":1}\n{}\n{}\n", Ok("{}\n{}\n")),
            ("{\"format\":\"json\",\"version\":1}\nT1Sabc", Ok("T1Sabc")),
            ("{\"format\":\"json\",\"version\":1}\n", Err(Refused::NoDocument)),
            ("{\"format\":\"json\",\"version\":1}", Err(Refused::NoHeader)),
            ("{\"format\":\"json\",\"version\":2}\n{}", Err(Refused::Version)),
            ("{\"format\":\"json\",\"version\":\"1\"}\n{}", Err(Refused::Version)),
            ("{\"format\":\"json\"}\n{}", Err(Refused::Version)),
            ("{\"format\":\"xml\",\"version\":1}\n{}", Err(Refused::Format)),
            ("{\"version\":1}\n{}", Err(Refused::Format)),
            ("\n{}", Err(Refused::HeaderNotJson)),
            ("[]\n{}", Err(Refused::HeaderNotJson)),
            ("{\"name\":\"a document alone\"}", Err(Refused::NoHeader)),
        ];
        for (datagram, expected) in cases {
            assert_eq!(document(datagram.as_bytes()), expected.map(str::as_bytes), "{datagram:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = document(&bytes);
        }

        #[test]
        fn a_body_passes_unchanged(body in prop::collection::vec(any::<u8>(), 1..200)) {
            let mut datagram = b"{\"format\":\"json\",\"version\":1}\n".to_vec();
            datagram.extend(&body);
            prop_assert_eq!(document(&datagram), Ok(&body[..]));
        }
    }
}
