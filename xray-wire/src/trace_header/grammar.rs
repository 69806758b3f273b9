//! The parts of a trace header: `name=value` between `;`.

/// The names that mean something here.
pub(super) enum Name {
    Root,
    Parent,
    Sampled,
    /// `Self`: the load balancer's own id, of no use to anyone behind it.
    Own,
    Other,
}

impl Name {
    pub(super) fn of(name: &[u8]) -> Self {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"Root") => Self::Root,
            4 if name.eq_ignore_ascii_case(b"Self") => Self::Own,
            6 if name.eq_ignore_ascii_case(b"Parent") => Self::Parent,
            7 if name.eq_ignore_ascii_case(b"Sampled") => Self::Sampled,
            _ => Self::Other,
        }
    }
}

/// `name=value` at the first `=`: a value may have more of them. A name may not be empty.
pub(super) fn split_pair(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = split_at_byte(part, b'=')?;
    let name = trim(name);
    if name.is_empty() { None } else { Some((name, trim(value))) }
}

pub(super) fn printable_pair<'a>(name: &'a [u8], value: &'a [u8]) -> Option<(&'a str, &'a str)> {
    Some((printable(name)?, printable(value)?))
}

fn printable(text: &[u8]) -> Option<&str> {
    if text.iter().all(|byte| matches!(byte, b' '..=b'~')) { core::str::from_utf8(text).ok() } else { None }
}

/// Without spaces and tabs at both ends. A line break is not blank here: it has to make its part unusable.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// What stands before and behind the first `separator`.
pub(super) fn split_at_byte(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}
