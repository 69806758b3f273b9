#![doc = include_str!("../README.md")]
//!
//! ## As a library
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
