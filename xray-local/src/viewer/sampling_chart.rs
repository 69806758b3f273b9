//! The charts of `/sampling`: what each client saw and sampled of a rule over the last minutes, as lines.

use std::fmt::Write;

use xray_wire::Timestamp;

use super::format;
use crate::sampling::{ClientHistory, HISTORY_NANOS, Reported, RuleHistory, per_second};

/// The drawing in its own units: lines lie between these edges, numbers and words left of and below them.
const LEFT: f64 = 44.0;
const RIGHT: f64 = 470.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 110.0;

/// Characters of a `User-Agent` in a legend.
const MAX_PROGRAM_CHARS: usize = 30;

/// Characters of a client's id in a legend: enough to find it in the table.
const MAX_ID_CHARS: usize = 9;

/// A rule: its requests, and those that were sampled.
pub(super) struct RuleChart {
    pub(super) rule: String,
    pub(super) plots: [Plot; 2],
    pub(super) clients: Vec<Legend>,
    /// Clients without a line.
    pub(super) others: usize,
}

/// One drawing. The lines are in the order of the clients.
pub(super) struct Plot {
    pub(super) title: &'static str,
    /// The rate at the upper edge, and half of it.
    pub(super) ceiling: f64,
    pub(super) half: f64,
    pub(super) lines: Vec<String>,
}

/// Whose line is whose.
pub(super) struct Legend {
    pub(super) id: String,
    pub(super) short_id: String,
    pub(super) program: String,
}

impl RuleChart {
    pub(super) fn of(history: RuleHistory, now: Timestamp) -> Self {
        let plots = [
            Plot::of("Requests a second", &history.clients, now, requests),
            Plot::of("Sampled a second", &history.clients, now, sampled),
        ];
        Self {
            rule: history.rule,
            plots,
            clients: history.clients.into_iter().map(Legend::of).collect(),
            others: history.others,
        }
    }
}

impl Legend {
    fn of(client: ClientHistory) -> Self {
        Self {
            short_id: format::cut(&client.id, MAX_ID_CHARS),
            program: format::cut(&client.agent, MAX_PROGRAM_CHARS),
            id: client.id,
        }
    }
}

impl Plot {
    fn of(
        title: &'static str,
        clients: &[ClientHistory],
        now: Timestamp,
        rate: impl Fn(&Reported) -> f64,
    ) -> Self {
        let rates = clients.iter().flat_map(|client| &client.reports).map(&rate);
        let ceiling = ceiling(rates.fold(0.0, f64::max));
        let lines = clients.iter().map(|client| line(&client.reports, now, ceiling, &rate)).collect();
        Self { title, ceiling, half: ceiling / 2.0, lines }
    }
}

fn requests(reported: &Reported) -> f64 {
    per_second(reported.counts.requests, reported.covered_nanos)
}

fn sampled(reported: &Reported) -> f64 {
    per_second(reported.counts.sampled, reported.covered_nanos)
}

/// A path of steps: each report is one, as long as the time that it covers.
fn line(reports: &[Reported], now: Timestamp, ceiling: f64, rate: impl Fn(&Reported) -> f64) -> String {
    let mut path = String::new();
    let mut end = None;
    for reported in reports {
        let y = BOTTOM - (BOTTOM - TOP) * (rate(reported) / ceiling).clamp(0.0, 1.0);
        let age = now.nanos_since(reported.at);
        let start = x(age.saturating_add(reported.covered_nanos));
        // A report follows on the one before; what came faster than reports may overlaps it.
        let command = match end {
            Some(_) => format!("V{y:.1}"),
            None => format!("M{start:.1},{y:.1}"),
        };
        let until = x(age);
        // Writing to a string can't fail.
        let _ = write!(path, "{command}H{until:.1}");
        end = Some(until);
    }
    path
}

fn x(age_nanos: u64) -> f64 {
    RIGHT - (RIGHT - LEFT) * (age_nanos as f64 / HISTORY_NANOS as f64).min(1.0)
}

/// The smallest of 1, 2, 5, 10, 20, 50 … that is not below.
fn ceiling(most: f64) -> f64 {
    let mut ten = 1.0;
    loop {
        if let Some(found) = [1.0, 2.0, 5.0].iter().map(|step| step * ten).find(|step| *step >= most) {
            return found;
        }
        ten *= 10.0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_ceiling_is_a_round_number() {
        for (most, expected) in [
            (0.0, 1.0),
            (0.3, 1.0),
            (1.0, 1.0),
            (1.01, 2.0),
            (2.5, 5.0),
            (7.0, 10.0),
            (100.0, 100.0),
            (4_999.0, 5_000.0),
        ] {
            assert_eq!(ceiling(most), expected, "{most}");
        }
    }

    #[test]
    fn a_report_is_a_step_as_long_as_the_time_that_it_covers() {
        let now = Timestamp::from_nanos(1_000 * SECOND);
        let report = |age: u64, seconds: u64| Reported {
            at: Timestamp::from_nanos((1_000 - age) * SECOND),
            covered_nanos: seconds * SECOND,
            counts: Default::default(),
        };
        let reports = [report(150, 75), report(0, 150)];
        let rates = |reported: &Reported| if reported.covered_nanos > 100 * SECOND { 10.0 } else { 5.0 };
        assert_eq!(line(&reports, now, 10.0, rates), "M150.5,60.0H257.0V10.0H470.0");
        assert_eq!(
            line(&[report(290, 75)], now, 10.0, rates),
            "M44.0,60.0H58.2",
            "cut where the time begins"
        );
        assert_eq!(line(&[], now, 10.0, rates), "");
    }

    proptest! {
        #[test]
        fn no_count_leaves_the_drawing(
            reports in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 1..20),
            now: u64,
        ) {
            let reported = |(at, covered_nanos, requests)| {
                let at = Timestamp::from_nanos(at);
                let mut reported = Reported { at, covered_nanos, counts: Default::default() };
                reported.counts.requests = requests;
                reported
            };
            let reports = reports.into_iter().map(reported).collect();
            let client = ClientHistory { id: String::new(), agent: String::new(), reports };
            let plot = Plot::of("", &[client], Timestamp::from_nanos(now), requests);
            prop_assert!(plot.ceiling.is_finite());
            let commands = plot.lines[0].replace(',', "V");
            let starts = commands.char_indices().filter(|(_, c)| c.is_ascii_alphabetic());
            for (start, command) in starts {
                let rest = &commands[start + 1..];
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
                let (low, high) = if command == 'V' { (TOP, BOTTOM) } else { (LEFT, RIGHT) };
                let number: f64 = rest[..end].parse().unwrap();
                prop_assert!((low..=high).contains(&number), "{command}{number}");
            }
        }
    }
}
