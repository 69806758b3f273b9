//! Times, durations and names as people read them.

use std::time::{Duration, UNIX_EPOCH};

use xray_wire::Timestamp;

/// `2026-11-21T23:44:03.123456Z`.
pub(super) fn date_time(time: Timestamp) -> String {
    humantime::format_rfc3339_micros(UNIX_EPOCH + Duration::from_nanos(time.as_nanos())).to_string()
}

/// `23:44:03.123`.
pub(super) fn time_of_day(time: Timestamp) -> String {
    date_time(time).get(11..23).unwrap_or_default().to_owned()
}

/// At most three digits and the unit that suits them: `950 ns`, `1.23 ms`, `45.6 s`, `2 min 5 s`.
pub(super) fn duration(nanos: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns")];
    let seconds = nanos / 1_000_000_000;
    if seconds >= 120 {
        return format!("{} min {} s", seconds / 60, seconds % 60);
    }
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| nanos >= *unit).unwrap_or((1, "ns"));
    let amount = nanos as f64 / unit as f64;
    let digits = match amount {
        // What would be rounded up to three digits has them before the point.
        amount if amount >= 99.95 => 0,
        amount if amount >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{amount:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {name}")
}

/// The text with `…` for what is beyond so many characters.
pub(super) fn cut(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max_chars - 1).chain(['…']).collect(),
    }
}

/// A resource type without its punctuation: `AWS::DynamoDB::Table` is `DynamoDB Table`.
pub(super) fn type_name(kind: &str) -> String {
    kind.strip_prefix("AWS::").unwrap_or(kind).replace("::", " ")
}

/// The path of a URL, for where the whole is too long.
pub(super) fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    match after_scheme.find('/') {
        Some(slash) if after_scheme.len() < url.len() => &after_scheme[slash..],
        _ if after_scheme.len() < url.len() => "/",
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_three_digits() {
        for (nanos, expected) in [
            (0, "0 ns"),
            (950, "950 ns"),
            (1_500, "1.5 µs"),
            (12_345, "12.3 µs"),
            (99_951, "100 µs"),
            (1_000_000, "1 ms"),
            (123_456_789, "123 ms"),
            (1_500_000_000, "1.5 s"),
            (30_000_000, "30 ms"),
            (100_000_000, "100 ms"),
            (125_000_000_000, "2 min 5 s"),
        ] {
            assert_eq!(duration(nanos), expected);
        }
    }

    #[test]
    fn times_are_utc() {
        let time = Timestamp::from_nanos(1_465_510_280_123_456_789);
        assert_eq!(date_time(time), "2016-06-09T22:11:20.123456Z");
        assert_eq!(time_of_day(time), "22:11:20.123");
        // The last moment that a timestamp can tell.
        assert_eq!(date_time(Timestamp::from_nanos(u64::MAX)), "2554-07-21T23:34:33.709551Z");
    }

    #[test]
    fn paths_and_types_and_cuts() {
        assert_eq!(path_of("http://a.example/dispatch?x=1"), "/dispatch?x=1");
        assert_eq!(path_of("http://a.example"), "/");
        assert_eq!(path_of("/only/a/path"), "/only/a/path");
        assert_eq!(type_name("AWS::ECS::Container"), "ECS Container");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
