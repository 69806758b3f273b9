//! Trace ids and segment ids.

use core::{fmt, str::FromStr};

/// The id of a trace, never zero.
///
/// X-Ray writes it as `1-` + 8 hex digits + `-` + 24 hex digits; OpenTelemetry and W3C write the same 16 bytes as
/// 32 hex digits. The first four bytes of an id that X-Ray's own generators made are epoch seconds, which
/// nothing here relies on: ids that came from W3C are as good (spec: "W3C-format trace ids").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// The id of a segment or subsegment, never zero: 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId([u8; 8]);

/// The text was not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseIdError {
    /// Another length, or a separator missing or in another place.
    Shape,
    /// The version before the first `-` is not `1`.
    Version,
    /// A character that is not a hex digit.
    Digit,
    /// All zero, which names nothing.
    Zero,
}

impl TraceId {
    /// The length of the text form.
    pub const TEXT_LEN: usize = 35;

    /// An id from its 16 bytes; `None` if they are all zero.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        if u128::from_be_bytes(bytes) == 0 { None } else { Some(Self(bytes)) }
    }

    /// The 16 bytes, as OpenTelemetry has them.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The epoch seconds in the first four bytes, meaningful only for ids that an X-Ray generator made.
    #[must_use]
    pub const fn epoch_seconds(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// The text form, `1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx` in lower case, as ASCII bytes.
    #[must_use]
    #[inline]
    pub fn to_ascii(self) -> [u8; Self::TEXT_LEN] {
        let mut text = [0; Self::TEXT_LEN];
        self.write(&mut text);
        text
    }

    #[inline]
    pub(crate) fn write(self, text: &mut [u8; Self::TEXT_LEN]) {
        (text[0], text[1], text[10]) = (b'1', b'-', b'-');
        let [a, b, c, d, random @ ..] = self.0;
        hex(&[a, b, c, d], &mut text[2..10]);
        hex(&random, &mut text[11..]);
    }

    /// Reads the X-Ray form from ASCII bytes, in either case.
    ///
    /// # Errors
    /// [`ParseIdError`] for anything else, the W3C form included.
    pub fn parse(text: &[u8]) -> Result<Self, ParseIdError> {
        let [version, b'-', digits @ ..] = text else { return Err(ParseIdError::Shape) };
        if *version != b'1' {
            return Err(ParseIdError::Version);
        }
        let (Some(time), Some(b'-'), Some(random)) = (digits.get(..8), digits.get(8), digits.get(9..)) else {
            return Err(ParseIdError::Shape);
        };
        let mut bytes = [0; 16];
        unhex(time, &mut bytes[..4])?;
        unhex(random, &mut bytes[4..])?;
        Self::from_bytes(bytes).ok_or(ParseIdError::Zero)
    }
}

impl SegmentId {
    /// The length of the text form.
    pub const TEXT_LEN: usize = 16;

    /// An id from its 8 bytes; `None` if they are all zero.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        if u64::from_be_bytes(bytes) == 0 { None } else { Some(Self(bytes)) }
    }

    /// The 8 bytes, as OpenTelemetry has them.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// The text form, 16 hex digits in lower case, as ASCII bytes.
    #[must_use]
    #[inline]
    pub fn to_ascii(self) -> [u8; Self::TEXT_LEN] {
        let mut text = [0; Self::TEXT_LEN];
        self.write(&mut text);
        text
    }

    #[inline]
    pub(crate) fn write(self, text: &mut [u8; Self::TEXT_LEN]) {
        hex(&self.0, text);
    }

    /// Reads 16 hex digits, in either case.
    ///
    /// # Errors
    /// [`ParseIdError`] for anything else.
    pub fn parse(text: &[u8]) -> Result<Self, ParseIdError> {
        let mut bytes = [0; 8];
        unhex(text, &mut bytes)?;
        Self::from_bytes(bytes).ok_or(ParseIdError::Zero)
    }
}

/// Bytes as lower-case hex digits, two for each.
#[inline]
fn hex(bytes: &[u8], digits: &mut [u8]) {
    for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = HEX[usize::from(*byte)];
    }
}

/// The two digits of each byte.
static HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Reads exactly `2 * out.len()` hex digits, of which there are a multiple of eight.
#[inline]
fn unhex(text: &[u8], out: &mut [u8]) -> Result<(), ParseIdError> {
    if text.len() != 2 * out.len() {
        return Err(ParseIdError::Shape);
    }
    for (digits, bytes) in text.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
        *bytes = four_bytes(*digits).ok_or(ParseIdError::Digit)?;
    }
    Ok(())
}

/// The bytes that eight hex digits stand for, all at once: an id is read from the header of every request.
#[inline]
const fn four_bytes(digits: [u8; 8]) -> Option<[u8; 4]> {
    /// One in each byte, to do the same to all of them.
    const EACH: u64 = 0x0101_0101_0101_0101;
    let digits = u64::from_be_bytes(digits);
    // Letters have bit 6, in either case, and their low nibble counts from 1.
    let letters = digits >> 6 & EACH;
    let values = (digits & (0x0f * EACH)) + 9 * letters;
    let above_nine = (values + (0x80 - 10) * EACH) >> 7 & EACH;
    // What else has such nibbles is no digit, and isn't what its value would be written as.
    let written = values + b'0' as u64 * EACH + (b'a' - b'9' - 1) as u64 * above_nine;
    if values & (0xf0 * EACH) != 0 || written != digits | (0x20 * letters) {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let words = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some(((words | words >> 16) as u32).to_be_bytes())
}

macro_rules! text_form {
    ($($id:ident),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(core::str::from_utf8(&self.to_ascii()).unwrap_or_default())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $id {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Self::parse(text.as_bytes())
            }
        }
    )*};
}
text_form!(TraceId, SegmentId);

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape => "expected `1-` + 8 + `-` + 24 hex digits for a trace id, 16 for a segment id",
            Self::Version => "expected trace id version 1",
            Self::Digit => "expected hex digits only",
            Self::Zero => "expected an id that is not all zero",
        })
    }
}

impl core::error::Error for ParseIdError {}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rival_24_reads_and_refuses() {
        for (text, expected) in [
            ("1-5759e988-bd862e3fe1be46a994272793", Ok("1-5759e988-bd862e3fe1be46a994272793")),
            ("1-5759E988-BD862E3FE1BE46A994272793", Ok("1-5759e988-bd862e3fe1be46a994272793")),
            ("2-5759e988-bd862e3fe1be46a994272793", Err(ParseIdError::Version)),
            ("1-00000000-000000000000000000000000", Err(ParseIdError::Zero)),
            ("1-5759e988-bd862e3fe1be46a99427279", Err(ParseIdError::Shape)),
            ("1-5759e988-bd862e3fe1be46a9942727930", Err(ParseIdError::Shape)),
            ("1-5759e98-8bd862e3fe1be46a994272793", Err(ParseIdError::Shape)),
            ("1-5759e988-bd862e3fe1be46a99427279g", Err(ParseIdError::Digit)),
            ("1-5759e988-bd862e3fe1be46a9942727\u{e9}", Err(ParseIdError::Digit)),
            // The rival panics on this one (rival-findings row 24).
            ("1-0000000000000000000000000000001-1", Err(ParseIdError::Shape)),
            ("5759e988bd862e3fe1be46a994272793", Err(ParseIdError::Shape)),
            ("1-", Err(ParseIdError::Shape)),
            ("", Err(ParseIdError::Shape)),
        ] {
            let read = text.parse::<TraceId>().map(|id| id.to_string());
            assert_eq!(read.as_deref(), expected.as_ref().map(|id| *id), "{text:?}");
        }
        assert_eq!("53995c3f42cd8ad8".parse::<SegmentId>().unwrap().to_string(), "53995c3f42cd8ad8");
        assert_eq!("53995c3f42cd8ad".parse::<SegmentId>(), Err(ParseIdError::Shape));
        assert_eq!("0000000000000000".parse::<SegmentId>(), Err(ParseIdError::Zero));
    }

    #[test]
    fn epoch_seconds_are_the_first_four_bytes() {
        let id: TraceId = "1-5759e988-bd862e3fe1be46a994272793".parse().unwrap();
        assert_eq!(id.epoch_seconds(), 0x5759_e988);
    }

    proptest! {
        #[test]
        fn ids_survive_their_text(trace: [u8; 16], segment: [u8; 8]) {
            if let Some(id) = TraceId::from_bytes(trace) {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
            if let Some(id) = SegmentId::from_bytes(segment) {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
        }

        #[test]
        fn digits_are_what_the_standard_library_takes_for_them(text in "[0-9a-fA-F]{8}|[/:@G`g0-9a-f\\x00-\\x7f]{8}", at in 0_usize..8, byte: u8) {
            let mut digits: [u8; 8] = text.into_bytes().try_into().unwrap();
            for one_replaced in [false, true] {
                if one_replaced {
                    digits[at] = byte;
                }
                let text = core::str::from_utf8(&digits).ok().filter(|text| !text.contains('+'));
                let expected = text.and_then(|text| u32::from_str_radix(text, 16).ok());
                prop_assert_eq!(four_bytes(digits).map(u32::from_be_bytes), expected, "{:?}", digits);
            }
        }

        #[test]
        fn no_bytes_panic(bytes: std::vec::Vec<u8>, text: String) {
            let _ = (TraceId::parse(&bytes), SegmentId::parse(&bytes));
            let _ = (text.parse::<TraceId>(), text.parse::<SegmentId>());
        }
    }
}
