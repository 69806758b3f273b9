//! The line of a frame's symbol.

use std::borrow::Cow;

use super::{
    super::text::{leading_number, unindented},
    backtrace::Traced,
    place::uncoloured,
};

/// A symbol, and where it stands.
pub(super) struct Symbol<'t> {
    number: u32,
    text: &'t str,
    /// Bytes in front of it. Symbols that were inlined into this one's frame stand in the same column.
    pub(super) column: usize,
    /// It comes with its address, so its name is in full, too.
    full: bool,
}

/// `N: symbol` or `N: 0xaddress - symbol`.
#[inline]
pub(super) fn numbered(line: &str) -> Option<Symbol<'_>> {
    let (number, behind) = leading_number(unindented(line))?;
    let text = behind.strip_prefix(": ")?;
    let addressed = unindented(text);
    let (text, full) = match addressed.starts_with("0x").then(|| addressed.split_once(" - ")).flatten() {
        Some((_, symbol)) => (symbol, true),
        None => (text, false),
    };
    Some(Symbol { number, text, column: line.len() - text.len(), full })
}

/// Whether a list begins here.
pub(super) fn is_first(line: &str) -> bool {
    numbered(line).is_some_and(|symbol| symbol.number == 0)
}

/// A symbol without a number, in the same column as the one above. Notes on omitted frames and lines of source code
/// may stand there as well.
pub(super) fn inlined(line: &str, column: usize) -> Option<Symbol<'_>> {
    let text = unindented(line);
    let no_symbol = |first: char| first.is_ascii_digit() || matches!(first, '⋮' | '\u{1b}');
    if line.len() - text.len() != column
        || text.is_empty()
        || text.starts_with(no_symbol)
        || text.starts_with("[...")
    {
        return None;
    }
    Some(Symbol { number: 0, text, column, full: true })
}

impl<'t> Symbol<'t> {
    /// The symbol without what tells builds apart: its hash, and those of crates.
    #[inline]
    pub(super) fn label(&self, traced: Traced) -> Cow<'t, str> {
        let unhashed = unhashed(self.text);
        let plain = unhashed.len() == self.text.len() && !self.full && !self.text.ends_with("\u{1b}[0m");
        if plain && traced == Traced::Calls {
            Cow::Borrowed(unhashed)
        } else {
            self.label_of_many_parts(traced)
        }
    }

    fn label_of_many_parts(&self, traced: Traced) -> Cow<'t, str> {
        let label = map(uncoloured(self.text), |label| match traced {
            Traced::Calls => unhashed(label),
            // `color-eyre` appends the fields.
            Traced::Spans => label.split_once(" with ").map_or(label, |(name, _)| name),
        });
        match without_crate_hashes(&label) {
            Some(label) => Cow::Owned(label),
            None => label,
        }
    }
}

/// Without the `::h` and 16 digits at the end, or `color-eyre`'s word for none.
#[inline]
fn unhashed(symbol: &str) -> &str {
    /// Bytes of `::h0123456789abcdef`.
    const HASH: usize = 19;
    let at = symbol.len().saturating_sub(HASH);
    match symbol.split_at_checked(at) {
        Some((name, hash)) if !name.is_empty() && is_hash(hash) => name,
        _ => symbol.strip_suffix("<unknown>").filter(|name| !name.is_empty()).unwrap_or(symbol),
    }
}

/// Without the hashes in `std[e28293b1aa0f68bd]::io::Write`; `None` if there are none.
fn without_crate_hashes(symbol: &str) -> Option<String> {
    /// Digits of 64 bits.
    const MOST: usize = 16;
    let mut short = String::new();
    let mut kept = 0;
    for (open, _) in symbol.match_indices('[') {
        let (before, behind) = (symbol.get(kept..open)?, symbol.get(open + 1..)?);
        let named = before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let digits = behind.bytes().take(MOST).take_while(u8::is_ascii_hexdigit).count();
        if named && digits > 0 && behind.get(digits..).is_some_and(|behind| behind.starts_with(']')) {
            short.push_str(before);
            kept = open + digits + "[]".len();
        }
    }
    (kept > 0).then(|| short + symbol.get(kept..).unwrap_or_default())
}

fn is_hash(text: &str) -> bool {
    text.strip_prefix("::h").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Cuts a text that may be borrowed without copying it if it is.
pub(super) fn map<'t>(text: Cow<'t, str>, cut: impl for<'a> FnOnce(&'a str) -> &'a str) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(cut(text)),
        Cow::Owned(text) => Cow::Owned(cut(&text).to_owned()),
    }
}
