//! `SeaORM` makes the spans itself, with its feature `tracing-spans`.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

pub(crate) async fn price(database: &DatabaseConnection, id: i64) -> Result<Option<i64>, DbErr> {
    let query = "SELECT price FROM orders WHERE id = ?";
    let query = Statement::from_sql_and_values(DbBackend::Sqlite, query, [id.into()]);
    let row = database.query_one_raw(query).await?;
    row.map(|row| row.try_get("", "price")).transpose()
}
