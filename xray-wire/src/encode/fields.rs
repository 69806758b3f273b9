//! Blocks as borrowed fields: what an encoder reads, and what an exporter can fill without owning a text.

use alloc::borrow::Cow;
use core::ops::Range;

use crate::segment::{Aws, Http, Sql};

/// The fields of [`Http`].
///
/// ```
/// use xray_wire::{encode::HttpFields, segment::Http};
///
/// let fields = HttpFields { method: Some("GET"), ..HttpFields::default() };
/// assert_eq!(HttpFields::from(&Http { method: Some("GET".into()), ..Http::default() }), fields);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[allow(missing_docs, reason = "named and documented as those of `Http`")]
pub struct HttpFields<'f> {
    pub method: Option<&'f str>,
    pub url: Option<&'f str>,
    pub user_agent: Option<&'f str>,
    pub client_ip: Option<&'f str>,
    pub x_forwarded_for: bool,
    pub traced: bool,
    pub status: Option<u16>,
    pub content_length: Option<u64>,
}

impl<'f> From<&'f Http<'_>> for HttpFields<'f> {
    fn from(http: &'f Http<'_>) -> Self {
        let Http { method, url, user_agent, client_ip, x_forwarded_for, traced, status, content_length } =
            http;
        Self {
            method: method.as_deref(),
            url: url.as_deref(),
            user_agent: user_agent.as_deref(),
            client_ip: client_ip.as_deref(),
            x_forwarded_for: *x_forwarded_for,
            traced: *traced,
            status: *status,
            content_length: *content_length,
        }
    }
}

/// Where values of a block `http` stand in the buffer, a text with the quote behind it. What was not written stands nowhere: its
/// range is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "named as those of `Http`")]
pub struct HttpPlaces {
    pub url: Range<usize>,
    pub user_agent: Range<usize>,
    pub client_ip: Range<usize>,
    pub status: Range<usize>,
    pub content_length: Range<usize>,
}

/// The fields of [`Sql`].
///
/// ```
/// use xray_wire::encode::{Body, SqlFields};
///
/// let mut json = Vec::new();
/// let mut body = Body::new(None, &mut json);
/// body.name("shop@db.internal");
/// body.sql(&SqlFields { sanitized_query: Some("SELECT 1"), ..SqlFields::default() });
/// assert!(json.ends_with(br#","sql":{"sanitized_query":"SELECT 1"}"#));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[allow(missing_docs, reason = "named and documented as those of `Sql`")]
pub struct SqlFields<'f> {
    pub connection_string: Option<&'f str>,
    pub url: Option<&'f str>,
    pub sanitized_query: Option<&'f str>,
    pub database_type: Option<&'f str>,
    pub database_version: Option<&'f str>,
    pub driver_version: Option<&'f str>,
    pub user: Option<&'f str>,
    pub preparation: Option<&'f str>,
}

impl<'f> From<&'f Sql<'_>> for SqlFields<'f> {
    fn from(sql: &'f Sql<'_>) -> Self {
        Self {
            connection_string: sql.connection_string.as_deref(),
            url: sql.url.as_deref(),
            sanitized_query: sql.sanitized_query.as_deref(),
            database_type: sql.database_type.as_deref(),
            database_version: sql.database_version.as_deref(),
            driver_version: sql.driver_version.as_deref(),
            user: sql.user.as_deref(),
            preparation: sql.preparation.as_deref(),
        }
    }
}

/// The fields of [`Aws`] that a request has of its own: what was called, and the sampling rule that chose it.
///
/// ```
/// use xray_wire::encode::{AwsFields, Body};
///
/// let mut json = Vec::new();
/// let mut body = Body::new(None, &mut json);
/// body.name("S3");
/// let others = [("bucket_name", "receipts")];
/// body.aws(Some(&AwsFields { operation: Some("PutObject"), others: &others, ..AwsFields::default() }));
/// assert!(json.ends_with(br#","aws":{"operation":"PutObject","bucket_name":"receipts"}"#));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[allow(missing_docs, reason = "named and documented as those of `Aws` and `XraySdk`")]
pub struct AwsFields<'f> {
    pub account_id: Option<&'f str>,
    pub operation: Option<&'f str>,
    pub region: Option<&'f str>,
    pub request_id: Option<&'f str>,
    pub queue_url: Option<&'f str>,
    pub table_name: Option<&'f str>,
    pub table_names: &'f [Cow<'f, str>],
    pub retries: Option<u32>,
    /// Fields of single services, such as `bucket_name`.
    pub others: &'f [(&'static str, &'f str)],
    pub sampling_rule_name: Option<&'f str>,
}

impl<'f> From<&'f Aws<'_>> for AwsFields<'f> {
    fn from(aws: &'f Aws<'_>) -> Self {
        Self {
            account_id: aws.account_id.as_deref(),
            operation: aws.operation.as_deref(),
            region: aws.region.as_deref(),
            request_id: aws.request_id.as_deref(),
            queue_url: aws.queue_url.as_deref(),
            table_name: aws.table_name.as_deref(),
            table_names: &aws.table_names,
            retries: aws.retries,
            others: &[],
            sampling_rule_name: aws.xray.as_ref().and_then(|sdk| sdk.sampling_rule_name.as_deref()),
        }
    }
}
