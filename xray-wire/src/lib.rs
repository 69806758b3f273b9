//! AWS X-Ray's wire format as pure values.
//!
//! Everything here is a function of its arguments: no clock, no socket, no environment, no random source, no
//! OpenTelemetry. The crate is `no_std` and needs `alloc` only.
//!
//! # The format on one page
//!
//! A **trace** has an id, `1-` + 8 hex digits (epoch seconds) + `-` + 24 hex digits: [`TraceId`]. It is a tree of
//! **segments** (a service's own account of one request) and **subsegments** (what happened within, or a call
//! that went out), each with an id of 16 hex digits: [`SegmentId`].
//!
//! Between services the place in the tree travels in the header `X-Amzn-Trace-Id`:
//! `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`: [`TraceHeader`].
//!
//! A segment is told to X-Ray as a JSON **document** of at most 64 KB: [`Segment`], [`encode`], [`decode`].
//! Subsegments stand inside their segment's document ([`nest`]) or on their own.
//!
//! Documents go to the X-Ray daemon over UDP, one in a datagram behind a header line ([`pack`]), at an address
//! written like `127.0.0.1:2000` or `tcp:… udp:…` ([`DaemonAddress`]), no faster than the receiver can take
//! them ([`pace`], [`window`]); or to the API by the fifty.
//!
//! Which requests are recorded is decided by X-Ray's rules: [`sampling`].
//!
//! # From a request to a datagram
//!
//! ```
//! use xray_wire::{Segment, SegmentId, Timestamp, TraceHeader, encode, pack, segment::Kind};
//!
//! let caller = TraceHeader::parse(b"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1");
//!
//! # let id = SegmentId::from_bytes([1; 8]).unwrap(); // Random, in a service.
//! # let [start, end] = [1_500_000_000, 1_750_000_000].map(Timestamp::from_nanos);
//! let mut segment = Segment::new(Kind::Segment, "checkout", id, start);
//! (segment.trace_id, segment.parent_id, segment.end_time) = (caller.root, caller.parent, Some(end));
//!
//! let (mut document, mut datagram) = (Vec::new(), Vec::new());
//! encode::document(&segment, None, &mut document);
//! pack::datagram(&document, &mut datagram);
//! assert!(datagram.ends_with(br#""start_time":1.500000000,"end_time":1.750000000}"#));
//! ```
//!
//! # Features
//!
//! - `decode`: reading and judging documents (the `decode` and `validate` modules). Adds the dependencies
//!   `serde` (without its macros) and `serde_json` (with `raw_value`), both without `std`. Off by default: an
//!   exporter only writes, and does without them.
//! - `sampling-json`: reading sampling rules, targets, and local rules files. Adds `serde_json` without `std`. Off by
//!   default.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod daemon_address;
#[cfg(feature = "decode")]
pub mod decode;
pub mod encode;
mod hex;
mod ids;
pub mod limits;
pub mod nest;
pub mod pace;
pub mod pack;
pub mod peek;
#[cfg(target_has_atomic = "64")]
pub mod sampling;
pub mod sanitize;
pub mod segment;
mod timestamp;
mod trace_header;
#[cfg(feature = "decode")]
pub mod validate;
pub mod window;

pub use daemon_address::{DaemonAddress, Endpoint, ParseDaemonAddressError};
pub use ids::{ParseIdError, SegmentId, TraceId};
pub use segment::Segment;
pub use timestamp::Timestamp;
pub use trace_header::{Refused, Sampled, TraceHeader, TraceHeaderText};
