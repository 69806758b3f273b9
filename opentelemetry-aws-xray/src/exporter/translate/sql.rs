//! The `sql` block (docs/mapping.md).

use std::borrow::Cow;

use opentelemetry_sdk::trace::SpanData;
use xray_wire::encode::{Body, SqlFields};

use super::{
    super::attributes::{Attributes, Slot},
    budget::Budget,
    name,
    texts::Texts,
};
use crate::redact;

/// Writes the block, if the span speaks of a database that is asked in SQL. Other databases have no block, and their attributes
/// stay metadata.
#[inline]
pub(super) fn sql(
    span: &SpanData,
    attributes: &mut Attributes<'_, '_>,
    budget: &Budget,
    texts: &mut Texts,
    body: &mut Body<'_>,
) {
    let system = attributes.first_text(&[Slot::DbSystemName, Slot::DbSystem]);
    let Some((system_slot, system)) = system.filter(|(_, system)| is_sql(system)) else { return };
    let connection_string = connection_string(attributes, texts);
    attributes.consume(system_slot);
    let user = texts.field(&[Slot::DbUser, Slot::UserName], attributes);
    let query = attributes.first_text(&[Slot::DbQueryText, Slot::DbStatement]).map(|(slot, query)| {
        // Whatever is cut here was too much for the document anyway.
        attributes.consume(slot);
        texts.cut_borrowed(query, budget.text_chars).0
    });
    let url = match attributes.text(Slot::DbQuerySummary) {
        Some(summary) => {
            attributes.consume(Slot::DbQuerySummary);
            Cow::Borrowed(summary)
        }
        None => name::own_name(span),
    };
    body.sql(&SqlFields {
        connection_string: Some(texts.cut_borrowed(&connection_string, budget.text_chars).0),
        url: Some(texts.cut_borrowed(&url, budget.text_chars).0),
        sanitized_query: query,
        database_type: Some(system),
        driver_version: driver(attributes, texts),
        user,
        preparation: preparation(attributes),
        ..SqlFields::default()
    });
    texts.take_back(Cow::Owned(connection_string));
}

/// The driver's name, which is all that conventions have of it.
fn driver<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<&'a str> {
    texts.field(&[Slot::DbJdbcDriverClassname], attributes)
}

/// How the query was prepared, where that is told: a stored procedure is called, and what has parameters is a prepared
/// statement (X-Ray developer guide, "Segment documents": SQL queries).
fn preparation(attributes: &Attributes<'_, '_>) -> Option<&'static str> {
    let is_call =
        |operation: &str| ["CALL", "EXEC", "EXECUTE"].iter().any(|call| call.eq_ignore_ascii_case(operation));
    let operation = || attributes.first_text(&[Slot::DbOperationName, Slot::DbOperation]);
    if attributes.has(Slot::DbStoredProcedureName) || operation().is_some_and(|(_, name)| is_call(name)) {
        return Some("call");
    }
    attributes.has_query_parameters().then_some("statement")
}

/// The systems that speak SQL, by their old names and their new ones.
pub(crate) fn is_sql(system: &str) -> bool {
    matches!(
        system,
        "postgresql"
            | "mysql"
            | "mariadb"
            | "sqlite"
            | "mssql"
            | "microsoft.sql_server"
            | "oracle"
            | "oracle.db"
            | "db2"
            | "ibm.db2"
            | "derby"
            | "hive"
            | "teradata"
            | "other_sql"
            | "cockroachdb"
            | "redshift"
            | "aws.redshift"
            | "h2"
            | "hsqldb"
            | "trino"
            | "clickhouse"
            | "snowflake"
            | "sap.hana"
            | "hanadb"
            | "informix"
    )
}

/// How to reach the database, and which one: `host:port/name`, or the recorded string without its secrets.
fn connection_string(attributes: &mut Attributes<'_, '_>, texts: &mut Texts) -> String {
    let mut text = texts.spare();
    if let Some(recorded) = attributes.text(Slot::DbConnectionString) {
        attributes.consume(Slot::DbConnectionString);
        text.push_str(&redact::without_secrets(recorded));
    } else if let Some(host) = attributes.text(Slot::ServerAddress) {
        attributes.consume(Slot::ServerAddress);
        text.push_str(host);
        if let Some(port) = attributes.integer(Slot::ServerPort) {
            attributes.consume(Slot::ServerPort);
            text.push(':');
            text.push_str(itoa::Buffer::new().format(port));
        }
    } else {
        text.push_str("localhost");
    }
    text.push('/');
    if let Some((slot, database)) = attributes.first_text(&[Slot::DbNamespace, Slot::DbName]) {
        attributes.consume(slot);
        text.push_str(database);
    }
    text
}
