//! Two snapshots as a table: the rates between them.

use std::fmt::Write;

use crate::{DecidedBy, Row, Snapshot};

/// A line for each route and instance, with the rates from `before` to `now`.
#[must_use]
pub fn table(before: &Snapshot, now: &Snapshot) -> String {
    let seconds = now.at.saturating_sub(before.at).as_secs_f64();
    let mut text = format!(
        "{:<24} {:<8} {:>10} {:>9} {:>6} {:>8} {:>8}  {}\n",
        "route", "instance", "requests/s", "sampled/s", "share", "borrowed", "quota", "decided by"
    );
    for (before, now) in before.rows.iter().zip(&now.rows) {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}", line(before, now, seconds).trim_end());
    }
    for (name, client) in &now.clients {
        let client = client.as_deref().unwrap_or("unknown before its first report, after ten seconds");
        let _ = writeln!(text, "{name} is the client {client}");
    }
    text
}

fn line(before: &Row, now: &Row, seconds: f64) -> String {
    let requests = now.requests.saturating_sub(before.requests);
    let sampled = now.sampled.saturating_sub(before.sampled);
    let is_by_rule = matches!(now.decided_by, DecidedBy::Rule(_));
    format!(
        "{:<24} {:<8} {:>10} {:>9} {:>6} {:>8} {:>8}  {}",
        now.route.pattern(),
        now.instance,
        rate(requests, seconds),
        rate(sampled, seconds),
        share(sampled, requests),
        now.borrowed.map(|borrowed| borrowed.to_string()).unwrap_or_default(),
        match now.quota {
            Some(quota) => format!("{quota} /s"),
            None if is_by_rule => "none yet".to_owned(),
            None => String::new(),
        },
        now.decided_by,
    )
}

fn rate(count: u64, seconds: f64) -> String {
    if seconds > 0.0 { format!("{:.1}", count as f64 / seconds) } else { String::new() }
}

fn share(sampled: u64, requests: u64) -> String {
    if requests > 0 { format!("{:.0} %", 100.0 * sampled as f64 / requests as f64) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{OrdersRule, Route};

    fn snapshot(seconds: u64, rows: Vec<Row>) -> Snapshot {
        Snapshot {
            at: Duration::from_secs(seconds),
            rows,
            orders: OrdersRule::FIRST,
            rates_known: [None; 2],
            clients: [("a", Some("0123".to_owned())), ("b", None)],
        }
    }

    fn order(requests: u64, sampled: u64, quota: Option<u32>) -> Row {
        Row {
            route: Route::Order,
            instance: "a",
            requests,
            sampled,
            borrowed: Some(10),
            quota,
            decided_by: DecidedBy::Rule("orders".to_owned()),
        }
    }

    fn health(requests: u64) -> Row {
        let decided_by = DecidedBy::Override("1%  path=/health*");
        Row { route: Route::Health, borrowed: None, decided_by, ..order(requests, 0, None) }
    }

    #[test]
    fn rates_are_those_between_the_snapshots() {
        let before = snapshot(10, vec![order(1_000, 100, None), health(7)]);
        let now = snapshot(15, vec![order(1_500, 225, Some(7)), health(7)]);
        let expected = "\
route                    instance requests/s sampled/s  share borrowed    quota  decided by
/orders/{id}             a             100.0      25.0   25 %       10     7 /s  rule orders
/health                  a               0.0       0.0                           override 1%  path=/health*
a is the client 0123
b is the client unknown before its first report, after ten seconds
";
        assert_eq!(table(&before, &now), expected);
    }

    #[test]
    fn without_time_there_are_no_rates() {
        let now = snapshot(10, vec![order(1_000, 100, None)]);
        let text = table(&now, &now);
        assert!(text.contains("/orders/{id}             a") && text.contains("none yet"), "{text}");
    }
}
