//! Decimal numbers, read from their text without a detour through floating point.

/// A decimal number times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// The whole part, rounded half up.
    pub(crate) value: u64,
    /// Nothing was rounded.
    pub(crate) exact: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecimalError {
    /// Not a decimal number.
    Malformed,
    /// Negative, or too large for 64 bits.
    OutOfRange,
}

/// Reads `text`, plain or with an exponent, as a count of `10^-places`: nine places make nanoseconds of seconds.
pub(crate) fn scaled(text: &str, places: i64) -> Result<Scaled, DecimalError> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent).ok_or(DecimalError::Malformed)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || mantissa.ends_with('.') {
        return Err(DecimalError::Malformed);
    }

    // How many of the digits are before the point once the number is scaled.
    let point =
        i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent).saturating_add(places);
    let mut scaled = Scaled { value: 0, exact: true };
    let mut round_up = false;
    let mut read = 0;
    for digit in whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0') {
        if read < point {
            scaled.value = append(scaled.value, digit)?;
        } else {
            round_up |= read == point && digit >= 5;
            scaled.exact &= digit == 0;
        }
        read += 1;
    }
    // Zeros that the exponent stands for; they end soon, since a number above zero soon overflows.
    while read < point && scaled.value != 0 {
        scaled.value = append(scaled.value, 0)?;
        read += 1;
    }
    if negative && (scaled.value != 0 || !scaled.exact) {
        return Err(DecimalError::OutOfRange);
    }
    scaled.value = scaled.value.checked_add(u64::from(round_up)).ok_or(DecimalError::OutOfRange)?;
    Ok(scaled)
}

fn append(value: u64, digit: u8) -> Result<u64, DecimalError> {
    let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit)));
    next.ok_or(DecimalError::OutOfRange)
}

/// The exponent; one too large to be of use is cut to a size that cannot overflow the arithmetic around it.
fn parse_exponent(text: &str) -> Option<i64> {
    const FAR: i64 = 1 << 32;

    let (sign, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0i64, |size, digit| (size * 10 + i64::from(digit - b'0')).min(FAR));
    Some(sign * size)
}

#[cfg(test)]
mod tests {
    use std::format;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_nanoseconds_to_the_digit() {
        for (text, expected) in [
            ("1478293361.271", Ok(1_478_293_361_271_000_000)),
            ("1.499473411677E9", Ok(1_499_473_411_677_000_000)),
            ("1.499473411677e+09", Ok(1_499_473_411_677_000_000)),
            ("14994734116770e-4", Ok(1_499_473_411_677_000_000)),
            ("1700000000.123456789", Ok(1_700_000_000_123_456_789)),
            ("1700000000.1234567894999", Ok(1_700_000_000_123_456_789)),
            ("1700000000.1234567895", Ok(1_700_000_000_123_456_790)),
            ("1700000000", Ok(1_700_000_000_000_000_000)),
            ("0", Ok(0)),
            ("-0.0", Ok(0)),
            ("0.0000000004", Ok(0)),
            ("0.0000000005", Ok(1)),
            ("5e-10", Ok(1)),
            ("5e-11", Ok(0)),
            ("0e999999999999999999999", Ok(0)),
            ("1e-999999999999999999999", Ok(0)),
            ("18446744073.709551615", Ok(u64::MAX)),
            ("18446744073.709551616", Err(DecimalError::OutOfRange)),
            ("18446744073.7095516155", Err(DecimalError::OutOfRange)),
            ("1e999999999999999999999", Err(DecimalError::OutOfRange)),
            ("-1", Err(DecimalError::OutOfRange)),
            ("-0.0000000001", Err(DecimalError::OutOfRange)),
            ("", Err(DecimalError::Malformed)),
            ("-", Err(DecimalError::Malformed)),
            ("1.", Err(DecimalError::Malformed)),
            (".5", Err(DecimalError::Malformed)),
            ("1e", Err(DecimalError::Malformed)),
            ("1e+", Err(DecimalError::Malformed)),
            ("+1", Err(DecimalError::Malformed)),
            ("1.2.3", Err(DecimalError::Malformed)),
            ("0x10", Err(DecimalError::Malformed)),
            ("NaN", Err(DecimalError::Malformed)),
        ] {
            assert_eq!(scaled(text, 9).map(|scaled| scaled.value), expected, "{text:?}");
        }
    }

    #[test]
    fn whole_numbers_are_exact() {
        for (text, expected) in
            [("200", Some(200)), ("200.0", Some(200)), ("2e2", Some(200)), ("200.5", None), ("0.001", None)]
        {
            let scaled = scaled(text, 0).unwrap();
            assert_eq!(scaled.exact.then_some(scaled.value), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_nanosecond_survives(nanos: u64, shift in -12i64..12) {
            let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
            let exact = Ok(Scaled { value: nanos, exact: true });
            prop_assert_eq!(scaled(&format!("{seconds}.{fraction:09}"), 9), exact);
            prop_assert_eq!(scaled(&format!("{nanos}e{shift}"), -shift), exact);
        }

        #[test]
        fn no_text_panics(text in "-?[0-9.eE+-]{0,40}", places in 0i64..10) {
            let _ = scaled(&text, places);
        }
    }
}
