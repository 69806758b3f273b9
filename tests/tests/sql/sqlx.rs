//! sqlx: a span around each function that asks the database; part of `docs/sql.md`.

use sqlx::SqlitePool;
use tracing::instrument;

const PRICE: &str = "SELECT price FROM orders WHERE id = ?";

#[instrument(
    name = "SELECT orders",
    skip_all,
    err,
    fields(
        otel.kind = "client",
        db.system.name = "sqlite",
        db.namespace = "shop",
        db.user = "app",
        db.query.text = PRICE,
        server.address = "db.shop.internal",
    )
)]
pub(crate) async fn price(pool: &SqlitePool, id: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar(PRICE).bind(id).fetch_one(pool).await
}
