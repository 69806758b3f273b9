//! The `sql` block: a query to a SQL database, subsegments only.

use alloc::borrow::Cow;

/// The `sql` block (aws-xray developer guide, "Segment documents": SQL queries).
///
/// ```
/// use xray_wire::segment::{Kind, Segment, Sql};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// segment.sql = Some(Sql {
///     url: Some("postgresql://db.internal:5432/shop".into()),
///     sanitized_query: Some("SELECT * FROM orders WHERE id = ?".into()),
///     database_type: Some("postgresql".into()),
///     ..Sql::default()
/// });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""database_type":"postgresql"}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sql<'a> {
    /// How to reach the database when it has no URL, without secrets.
    pub connection_string: Option<Cow<'a, str>>,
    /// The database's URL, without secrets.
    pub url: Option<Cow<'a, str>>,
    /// The query, with user-provided values removed or replaced.
    pub sanitized_query: Option<Cow<'a, str>>,
    /// The kind of database, such as `postgresql`.
    pub database_type: Option<Cow<'a, str>>,
    /// The version of the database.
    pub database_version: Option<Cow<'a, str>>,
    /// The name and version of the driver.
    pub driver_version: Option<Cow<'a, str>>,
    /// The database user.
    pub user: Option<Cow<'a, str>>,
    /// `call` or `statement`.
    pub preparation: Option<Cow<'a, str>>,
}
