//! The `sql` block: a query to a SQL database, subsegments only.

use alloc::borrow::Cow;

/// The `sql` block (aws-xray developer guide, "Segment documents": SQL queries).
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
