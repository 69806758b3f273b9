//! Which attributes become annotations.

/// What the user wants to search by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// Keys, or patterns with `*` and `?`.
    patterns: Vec<String>,
    /// Attributes whose annotation has another name.
    aliases: Vec<(String, String)>,
    /// Whether whatever is left over becomes an annotation too.
    pub(crate) all: bool,
    /// Whether dots in the keys of annotations become `_`.
    pub(crate) without_dots: bool,
}

impl Index {
    pub(crate) fn set_patterns(&mut self, patterns: impl IntoIterator<Item = String>) {
        self.patterns = patterns.into_iter().collect();
    }

    pub(crate) fn add_alias(&mut self, attribute: String, annotation: String) {
        self.aliases.push((attribute, annotation));
    }

    /// Whether no attribute is named, so that none need be looked at.
    pub(crate) fn names_nothing(&self) -> bool {
        self.patterns.is_empty() && self.aliases.is_empty()
    }

    /// The annotation's name, if the attribute is to be one.
    pub(crate) fn annotation_of<'s>(&'s self, attribute: &'s str) -> Option<&'s str> {
        let alias = self.aliases.iter().find(|(from, _)| from == attribute);
        alias
            .map(|(_, to)| to.as_str())
            .or_else(|| self.patterns.iter().any(|pattern| matches(pattern, attribute)).then_some(attribute))
    }
}

/// Whether the whole text fits a pattern in which `*` stands for any characters and `?` for one. It takes no more steps than
/// the two have characters, multiplied.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on if the text does not fit: behind the last star, with one more character for it.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t + 1));
                p += 1;
            }
            // A question mark takes a whole character: its continuation bytes are taken along.
            Some(b'?') => {
                p += 1;
                t += 1;
                while text.get(t).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    t += 1;
                }
            }
            Some(byte) if *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((behind_star, next)) => {
                    (p, t) = (behind_star, next);
                    retry = Some((behind_star, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("order.id", "order.id", true),
            ("order.id", "order.ids", false),
            ("order.*", "order.id", true),
            ("order.*", "order.", true),
            ("*.id", "order.id", true),
            ("*.id", "order.id.x", false),
            ("*", "", true),
            ("?", "é", true),
            ("a?c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("", "", true),
            ("", "x", false),
            ("Order", "order", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_star_stands_for_anything(before in "[a-c]{0,4}", middle in "[a-cé*?]{0,6}", after in "[a-c]{0,4}") {
            let pattern = format!("{before}*{after}");
            let text = format!("{before}{middle}{after}");
            prop_assert!(matches(&pattern, &text));
        }
    }
}
