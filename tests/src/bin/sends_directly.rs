//! A program that sends spans as its environment says, and prints their ids and what became of them.

use e2e::end_at_once;
use opentelemetry_aws_xray::Xray;
use serde_json::json;

const TRACES: usize = 12;
const SPANS_EACH: usize = 5;

fn main() {
    let xray = Xray::builder().with_service_name("direct").build();
    let ids = end_at_once(&xray, TRACES, SPANS_EACH);
    let flushed = xray.force_flush();
    let stopped = xray.shutdown();
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let stats = xray.stats();
    println!(
        "{}",
        json!({
            "ids": ids,
            "sent": stats.spans_sent,
            "stats": format!("{stats:?}"),
            "flushed": format!("{flushed:?}"),
            "stopped": format!("{stopped:?}"),
        })
    );
}
