//! What an error says, with what its sources say: where it came from is often told only there.

use std::{error::Error, iter};

/// Deep enough for what lies between an SDK and a socket.
const MAX_SOURCES: usize = 8;

/// More than is recorded of any message (2,048 characters), also once secrets are replaced. Bytes of the whole.
const MAX_BYTES: usize = 8 * 1_024;

/// The message of `error`, and those of its sources: eight at most, and as many as fit. One that the message before it ends with is not
/// told twice: some errors quote their sources.
///
/// Text of foreign origin, not redacted yet.
pub(crate) fn message(error: &dyn Error) -> String {
    let mut message = error.to_string();
    for source in iter::successors(error.source(), |&source| source.source()).take(MAX_SOURCES) {
        let source = source.to_string();
        if message.ends_with(&source) {
            continue;
        }
        // Whole or not at all: of half a URL one can't say what is secret.
        if message.len() + source.len() > MAX_BYTES {
            break;
        }
        message.push_str(": ");
        message.push_str(&source);
    }
    message
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use proptest::prelude::*;

    use super::*;

    /// What it says, and its source.
    #[derive(Debug)]
    struct Link(String, Option<Box<Self>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    /// An error and its sources, which say this.
    fn chain(texts: &[&str]) -> Link {
        let link = |source: Option<Box<Link>>, text: &&str| Some(Box::new(Link((*text).to_owned(), source)));
        *texts.iter().rev().fold(None, link).unwrap()
    }

    #[test]
    fn sources_are_told_once() {
        for (texts, expected) in [
            (&["refused"][..], "refused"),
            (&["client error", "connect", "refused"], "client error: connect: refused"),
            (&["client error: refused", "refused"], "client error: refused"),
            (&["refused", "refused", "refused", "port closed"], "refused: port closed"),
            (&["refused", ""], "refused"),
            (&["", "refused"], ": refused"),
        ] {
            assert_eq!(message(&chain(texts)), expected, "{texts:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        let long = "x".repeat(MAX_BYTES);
        assert_eq!(message(&chain(&["a", "b", &long, "c"])), "a: b");
        assert_eq!(message(&chain(&[&long, "c"])), long);
    }

    proptest! {
        #[test]
        fn sources_are_bounded(lengths in prop::collection::vec(0usize..3_000, 1..20)) {
            let texts: Vec<_> = ('a'..).zip(lengths).map(|(letter, length)| letter.to_string().repeat(length)).collect();
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            let message = message(&chain(&texts));
            prop_assert!(message.starts_with(texts[0]));
            prop_assert!(message.len() <= MAX_BYTES + 2 * MAX_SOURCES);
            prop_assert!(message.matches(": ").count() <= MAX_SOURCES);
        }
    }
}
