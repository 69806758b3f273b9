//! Central sampling at work: two instances of a service, an X-Ray that gives them rules, and what each of them decides.
//!
//! ```text
//! traffic -> checkout a -> sampler: overrides, then X-Ray's rules  -> spans
//!         -> checkout b -> the same, with a quota of its own       -> spans
//!                             reports, every ten seconds -> xray-local -> quotas, new rules
//! ```
//!
//! Where to look, for code to copy:
//!
//! - `rules`: overrides for the requests that the service knows better, and the account's rules.
//! - `instance`: a pipeline with `XraySampler`.
//! - `reports`: another road to X-Ray's API, here the usual one with somebody who looks on.

mod app;
mod cli;
mod error;
mod instance;
mod reports;
mod routes;
mod rules;
mod snapshot;
mod table;
mod tally;
mod traffic;

pub use app::{Options, Running, start};
pub use cli::Arguments;
pub use error::Error;
pub use routes::Route;
pub use rules::OrdersRule;
pub use snapshot::{DecidedBy, Row, Snapshot};
pub use table::table;
