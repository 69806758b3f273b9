//! AWS X-Ray on your laptop: it takes what the X-Ray daemon takes, and shows what the console shows.
//!
//! As a program: `cargo run -p xray-local`, then `AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:2000` for the application,
//! and `http://127.0.0.1:2000/` for you. As a library, inside examples and tests:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use xray_local::XrayLocal;
//!
//! let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
//! println!("export AWS_XRAY_DAEMON_ADDRESS={}, look at {}", xray.addr(), xray.url());
//!
//! let segment = r#"{"format":"json","version":1}
//! {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793",
//!  "start_time":1465510280.1,"end_time":1465510280.4}"#;
//! std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
//!
//! let received = xray.wait_until(|received| !received.traces.is_empty()).await;
//! assert_eq!(received.traces[0].documents[0].nodes[0].name, "shop");
//! # Ok(())
//! # }
//! ```
//!
//! # What it listens to
//!
//! One address, UDP and TCP:
//!
//! - Datagrams of the X-Ray daemon: a header line, then one segment document.
//! - `POST /TraceSegments`, `POST /TelemetryRecords`: the operations `PutTraceSegments` and `PutTelemetryRecords` of
//!   the X-Ray API, so that a real daemon can stand in between. Signatures are not checked; that there is one can
//!   be required.
//! - `POST /GetSamplingRules`, `/SamplingTargets`, `/SamplingStatisticSummaries`, `/CreateSamplingRule`,
//!   `/UpdateSamplingRule`, `/DeleteSamplingRule`: central sampling, as X-Ray's service does it. See below.
//! - `POST /v1/traces`: X-Ray's OTLP endpoint, protobuf or JSON, with its limits; and datagrams with `T1S` or `T1U` +
//!   base64 in the place of a document. Spans are shown as the segments that `opentelemetry-aws-xray` would have made
//!   of them; those of `T1U` are counted only.
//!
//! Every document is judged as X-Ray judges it. What X-Ray would drop silently is listed under "Rejected", with
//! the field and the reason.
//!
//! # The API for scripts
//!
//! | request | answer |
//! |---|---|
//! | `GET /api/traces` | `{"traces":[{"id","start_time","duration","in_progress","name","span_name","method","url","status","segments","subsegments","documents","has_error","has_throttle","has_fault"}]}`, the latest first. Filters: `text`, `service`, `status`, `min_ms`, `annotation` (`key=value`) |
//! | `GET /api/traces/{id}` | `{"id","documents":[…]}`: the segment documents as they came; 404 if there are none |
//! | `GET /api/map` | `{"services":[{"name","type","inferred",…}],"edges":[{"from":{"name","type","inferred"},"to":{…},…}]}`, each with `"total","ok","error","throttle","fault","ended","total_response_time"` |
//! | `GET /api/rejected` | `{"rejected":[{"received","source","code","field","reason","id","bytes","excerpt"}]}`, the latest first |
//! | `GET /api/telemetry` | `{"telemetry":[{"received","TelemetryRecords":[…],"EC2InstanceId","Hostname","ResourceARN"}]}`: the latest 100 calls of `PutTelemetryRecords`, the last one first |
//! | `GET /api/sampling` | `{"last_rule_modification","rules":[{"rule":{…},"requests_per_second","sampled_per_second","borrowed_per_second","sampled_share","clients","traces","anomalies","sampled_anomalies","boost_rate"}],"clients":[{"rule","id","agent","reported","reports","last":{"requests","sampled","borrowed"},"requests_per_second","sampled_per_second","quota","quota_until"}],"callers":[{"address","agent","rules":{"calls","last"},"targets":{"calls","last"}}]}` |
//! | `GET /api/faults` | `{"seed","faults":[…]}`: the faults that are set, each with `"struck"`, how often it has struck |
//! | `PUT /api/faults` | sets faults in place of those before: see below |
//! | `DELETE /api/faults` | takes the faults away: 204 |
//! | `GET /api/stats` | the fields of [`Stats`] |
//! | `POST /api/clear` | forgets all that was received and reported: 204 |
//!
//! Times are decimal seconds, since the epoch or long.
//!
//! # Sampling
//!
//! Point a sampler of central rules at [`XrayLocal::url`]. Rules are made on the page "Sampling", by the AWS SDKs and
//! command line, or from a file ([`Builder::with_sampling_rules`]); the rule `Default` is always there. At most 25
//! others fit, as in a new account.
//!
//! - A rule's reservoir is shared out among the clients that reported within the last 30 seconds, in proportion to
//!   their requests. What somebody was granted is not granted twice, so a newcomer waits for others to report.
//! - Targets hold for 30 seconds and ask for the next report in 10.
//! - A rule with `SamplingRateBoost` is boosted for a minute when anomalies are missed: to the rate that would have shown
//!   ten of the last minute's, at most `MaxRate`, once in a cooldown window. X-Ray does not publish its own numbers.
//!
//! # Faults
//!
//! To see what a client makes of a bad day, calls of the X-Ray API can be made to fail: by [`XrayLocal::set_faults`],
//! or from a shell, here the next three calls, and then one document in ten for ever:
//!
//! ```sh
//! curl -X PUT http://127.0.0.1:2000/api/faults -d '{"seed": 1, "faults": [
//!   {"fault": "status", "status": 429, "retry_after_s": 1, "times": 3},
//!   {"fault": "unprocessed", "document_share": 0.1, "codes": ["InternalFailure"], "path": "/TraceSegments"}
//! ]}'
//! ```
//!
//! Every fault may have a `path`, a `share` of the calls (from 0 to 1, default 1), and a number of `times` (default:
//! without end). They are asked in their order: delays add up, of the others the first that strikes decides.
//!
//! | `fault` | what happens | fields |
//! |---|---|---|
//! | `delay` | the answer comes later | `delay_ms`, up to 600000 |
//! | `status` | an error, once the body is read | `status` from 400 to 599, `code`, `retry_after_s` |
//! | `reset_before_body` | the connection is reset before the body is read | |
//! | `reset_after_body` | the same after the body was read | |
//! | `lost_answer` | the call is taken, then the connection is reset | |
//! | `half_answer` | the call is taken, then half of the answer is sent | |
//! | `unprocessed` | documents come back as unprocessed | `document_share` (default 1), `codes` (default `["InternalFailure"]`), `permanent`: always the same documents (default `false`) |
//!
//! The seed makes it the same every time. [`XrayLocal::stop_listening`] refuses connections altogether.
//!
//! # Who can reach it
//!
//! Whoever can reach the address can read what was sent to it, so the default is loopback. Web pages can't:
//! requests under foreign host names, and from other origins all but reading ones, are refused.

mod bind;
mod builder;
mod callee;
mod clock;
mod datagram;
mod document;
mod faults;
mod graph;
mod http;
mod layout;
mod listening;
mod node;
mod otlp;
mod sampling;
mod shared;
mod store;
mod summary;
mod telemetry;
mod tree;
mod udp;
mod viewer;
mod watched;

pub use bind::StartError;
pub use builder::{Builder, DEFAULT_ADDRESS, XrayLocal};
pub use callee::Callee;
pub use document::{Document, EXCERPT_CHARS, Rejected, Rejection, Source};
pub use faults::{Effect, ErrorAnswer, Fault, Faults, Unprocessed};
pub use node::{Node, Outcome};
pub use store::{Limits, Snapshot, Stats, Trace};
