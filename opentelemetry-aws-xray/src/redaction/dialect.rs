//! SQL as databases read it.

/// What databases read differently.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// `"…"` is a name, not a text.
    pub(super) double_quotes_name: bool,
    /// `[…]`: true if it is a name, false if it is an array or the place in one, `None` if nobody knows.
    pub(super) brackets_name: Option<bool>,
    /// `#`: true if it begins a comment, false if it is an operator, `None` if nobody knows.
    pub(super) hash_comments: Option<bool>,
    /// `//` begins a comment for sure.
    pub(super) slashes_comment: bool,
}

impl Dialect {
    pub(super) fn of(system: &str) -> Self {
        let unknown = Self {
            double_quotes_name: false,
            brackets_name: None,
            hash_comments: None,
            slashes_comment: false,
        };
        let standard = Self {
            double_quotes_name: true,
            brackets_name: Some(false),
            hash_comments: Some(false),
            slashes_comment: false,
        };
        match system {
            "mysql" | "mariadb" => Self { brackets_name: Some(false), hash_comments: Some(true), ..unknown },
            "mssql" | "microsoft.sql_server" => Self { brackets_name: Some(true), ..standard },
            "snowflake" => Self { slashes_comment: true, ..standard },
            "postgresql" | "cockroachdb" | "redshift" | "aws.redshift" | "oracle" | "oracle.db" | "db2"
            | "ibm.db2" | "h2" | "hsqldb" | "derby" | "trino" | "sap.hana" | "hanadb" => standard,
            // Arrays are usual, but the rest of it is not settled.
            "clickhouse" | "hive" => Self { brackets_name: Some(false), ..unknown },
            _ => unknown,
        }
    }
}
