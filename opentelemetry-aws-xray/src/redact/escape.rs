//! Signs of URLs, as they are or percent-encoded: a URL may be a parameter of another one, and that of a third.

/// A byte of text, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) byte: u8,
    /// How often it is encoded: `=` not at all, `%3D` once, `%253D` twice.
    pub(super) depth: usize,
    /// How many bytes it takes.
    pub(super) len: usize,
}

/// Deeper than URLs are nested. Whoever looks for the end of a value looks at most so often at the same text.
const MAX_DEPTH: usize = 3;

impl Sign {
    /// The sign at the beginning of a text. What is no escape stands for itself.
    pub(super) fn first(text: &[u8]) -> Option<Self> {
        let (&byte, mut digits) = text.split_first()?;
        let as_it_is = Self { byte, depth: 0, len: 1 };
        if byte != b'%' {
            return Some(as_it_is);
        }
        let mut depth = 1;
        while let Some(behind) = digits.strip_prefix(b"25")
            && depth < MAX_DEPTH
        {
            (digits, depth) = (behind, depth + 1);
        }
        let digit = |at: usize| digits.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else { return Some(as_it_is) };
        Some(Self { byte: (high << 4 | low) as u8, depth, len: 1 + 2 * depth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs() {
        for (text, expected) in [
            ("=a", Some((b'=', 0, 1))),
            ("%3D", Some((b'=', 1, 3))),
            ("%3da", Some((b'=', 1, 3))),
            ("%253D", Some((b'=', 2, 5))),
            ("%25253D", Some((b'=', 3, 7))),
            ("%2525253D", Some((b'%', 3, 7))),
            ("%25=", Some((b'%', 0, 1))),
            ("%3", Some((b'%', 0, 1))),
            ("%", Some((b'%', 0, 1))),
            ("", None),
        ] {
            let sign = Sign::first(text.as_bytes());
            assert_eq!(sign.map(|sign| (sign.byte, sign.depth, sign.len)), expected, "{text}");
        }
    }
}
