//! Hex digits, eight at once in the bytes of one integer: ids are read from the header of every request, and written to that of every
//! call.

/// One in each byte, to do the same to all of them.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The lower-case digits of four bytes.
#[inline]
pub(crate) const fn digits(bytes: [u8; 4]) -> [u8; 8] {
    let bytes = u32::from_le_bytes(bytes) as u64;
    let pairs = (bytes | bytes << 16) & 0x0000_ffff_0000_ffff;
    let singles = (pairs | pairs << 8) & 0x00ff_00ff_00ff_00ff;
    written((singles >> 4 | singles << 8) & (0x0f * EACH)).to_le_bytes()
}

/// The four bytes that eight digits stand for, in either case, as a number.
#[inline]
pub(crate) const fn number(digits: [u8; 8]) -> Option<u32> {
    let digits = u64::from_be_bytes(digits);
    // Letters have bit 6, in either case, and their low nibble counts from 1.
    let letters = digits >> 6 & EACH;
    let values = (digits & (0x0f * EACH)) + 9 * letters;
    // What else has such nibbles is no digit, and isn't what its value would be written as.
    if values & (0xf0 * EACH) != 0 || written(values) != digits | (0x20 * letters) {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let words = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((words | words >> 16) as u32)
}

/// The digit of the value in each byte.
#[inline]
const fn written(values: u64) -> u64 {
    let above_nine = (values + (0x80 - 10) * EACH) >> 7 & EACH;
    values + b'0' as u64 * EACH + (b'a' - b'9' - 1) as u64 * above_nine
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_are_what_the_standard_library_takes_for_them(text in "[0-9a-fA-F]{8}|[/:@G`g0-9a-f\\x00-\\x7f]{8}", at in 0_usize..8, byte: u8) {
            let mut digits: [u8; 8] = text.into_bytes().try_into().unwrap();
            for one_replaced in [false, true] {
                if one_replaced {
                    digits[at] = byte;
                }
                let text = core::str::from_utf8(&digits).ok().filter(|text| !text.contains('+'));
                let expected = text.and_then(|text| u32::from_str_radix(text, 16).ok());
                prop_assert_eq!(number(digits), expected, "{:?}", digits);
            }
        }

        #[test]
        fn digits_are_what_the_standard_library_writes(bytes: [u8; 4]) {
            let expected = std::format!("{:08x}", u32::from_be_bytes(bytes));
            prop_assert_eq!(digits(bytes), expected.as_bytes());
        }
    }
}
