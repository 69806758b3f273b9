//! HotROD on AWS, with the feature `aws`: a table of orders, a queue of rides, a bucket of receipts.
//!
//! ```text
//! frontend -> DynamoDB, SQS
//!             SQS -> receipts -> S3, DynamoDB: a trace of its own, linked to those of the orders
//! ```

mod cloud;
mod orders;
mod receipts;

pub use self::cloud::{Account, CloudError};
pub(crate) use self::{cloud::Cloud, orders::Orders, receipts::run as write_receipts};
