//! HotROD, told in axum: rides on demand, from four services that can be watched at work.
//!
//! Each service is an axum router with its own listener, its own name and its own pipeline to X-Ray. They share a
//! process only so that one command starts them; they talk over HTTP, and a trace follows an order through all four:
//!
//! ```text
//! browser -> frontend -> customer -> (mysql)
//!                     -> driver   -> (redis), which is late at times
//!                     -> route, ten times, three at a time
//! ```
//!
//! Where to look, for code to copy:
//!
//! - `telemetry`: a pipeline, the layers for servers and clients, errors.
//! - `customer`: spans of one's own around async work, and around a database call.
//! - `client`: reqwest with the layer for clients.
//! - `aws`: calls of the AWS SDK, and a queue between two traces.
//! - `frontend`: attributes on the request's own span; many calls at once under one span.

mod app;
#[cfg(feature = "aws")]
mod aws;
mod cli;
mod client;
mod customer;
mod destination;
mod dice;
mod driver;
mod error;
mod frontend;
mod load;
mod map;
mod route;
mod server;
mod shutdown;
mod telemetry;

pub use app::{Options, Running, Summary, start};
#[cfg(feature = "aws")]
pub use aws::{Account, CloudError};
pub use cli::Arguments;
pub use error::StartError;
pub use shutdown::interrupted;
