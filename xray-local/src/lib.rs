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
//! - `POST /TraceSegments`: the operation `PutTraceSegments` of the X-Ray API. Signatures are not checked.
//!   Of the other operations only `PutTelemetryRecords` is taken, so that a real daemon can stand in between.
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
//! | `GET /api/stats` | the fields of [`Stats`] |
//! | `POST /api/clear` | forgets everything: 204 |
//!
//! Times are decimal seconds, since the epoch or long.
//!
//! # Who can reach it
//!
//! Whoever can reach the address can read what was sent to it, so the default is loopback. Web pages can't:
//! requests under foreign host names and POSTs from other origins are refused.

mod bind;
mod builder;
mod callee;
mod clock;
mod datagram;
mod document;
mod graph;
mod http;
mod layout;
mod node;
mod shared;
mod store;
mod summary;
mod tree;
mod udp;
mod viewer;

pub use bind::StartError;
pub use builder::{Builder, DEFAULT_ADDRESS, XrayLocal};
pub use callee::Callee;
pub use document::{Document, EXCERPT_CHARS, Rejected, Rejection, Source};
pub use node::{Node, Outcome};
pub use store::{Limits, Snapshot, Stats, Trace};
