//! Looks for bytes in text, sixteen at a time: most text holds none of those that would make work.

/// Whether the text holds any of a few ASCII characters.
#[inline]
pub(crate) fn holds<const N: usize>(text: &str, wanted: [u8; N]) -> bool {
    let bytes = text.as_bytes();
    // The last block may overlap the one before it.
    if let Some(last) = bytes.last_chunk::<16>() {
        return any_in_block(last, wanted)
            || bytes.as_chunks::<16>().0.iter().any(|block| any_in_block(block, wanted));
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => any_in_block(first, wanted) | any_in_block(last, wanted),
        _ => bytes.iter().any(|byte| wanted.contains(byte)),
    }
}

/// Without an early end, so that the compiler compares all bytes of the block at once.
#[inline]
fn any_in_block<const B: usize, const N: usize>(block: &[u8; B], wanted: [u8; N]) -> bool {
    block
        .iter()
        .fold(false, |found, byte| wanted.iter().fold(found, |found, wanted| found | (byte == wanted)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_the_standard_library_finds_them(text in "[a-c@=é]{0,40}|[a-c]{0,40}") {
            prop_assert_eq!(holds(&text, [b'@', b'=']), text.contains(['@', '=']));
        }
    }
}
