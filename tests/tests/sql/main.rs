//! The recipes of `docs/sql.md` against databases in memory, and the `sql` blocks that they give.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod diesel;
mod sea_orm;
mod sqlx;

use std::time::Duration;

use ::diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_types::BigInt};
use ::sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, Statement};
use ::sqlx::sqlite::SqlitePoolOptions;
use opentelemetry::trace::TracerProvider;
use opentelemetry_aws_xray::{Xray, sink::MemorySink};
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::{Dispatch, Instrument, info_span, instrument::WithSubscriber};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::SubscriberExt, registry};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

const TABLE: &str =
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, price INTEGER); INSERT INTO orders VALUES (7, 392)";

/// A pipeline into memory beneath a subscriber of `tracing`.
struct Stage {
    xray: Xray,
    subscriber: Dispatch,
    sink: MemorySink,
}

impl Stage {
    fn new() -> Self {
        let sink = MemorySink::default();
        let taken = sink.clone();
        let xray = Xray::builder()
            .with_service_name("shop")
            .with_exporter(|exporter| exporter.with_sink(taken))
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(xray.tracer_provider().tracer("test"));
        let subscriber = Dispatch::new(registry().with(layer.with_filter(LevelFilter::INFO)));
        Self { xray, subscriber, sink }
    }

    /// Runs `work` in a request.
    async fn request(&self, work: impl Future<Output = ()>) {
        let request = async { work.instrument(info_span!("request", otel.kind = "server")).await };
        request.with_subscriber(self.subscriber.clone()).await;
    }

    /// The two calls of the request, one that succeeded and one that failed. The thread of sqlx that asks `SQLite` has a handle
    /// of their spans for a moment longer than the request.
    async fn calls(&self) -> [Value; 2] {
        let mut calls = Vec::new();
        let both = async {
            while calls.len() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
                self.xray.force_flush().unwrap();
                self.sink.take().iter().for_each(|document| calls.extend(calls_in(document)));
            }
        };
        timeout(PATIENCE, both).await.unwrap();
        calls.sort_by(|one, other| {
            one["start_time"].as_f64().partial_cmp(&other["start_time"].as_f64()).unwrap()
        });
        let calls: [Value; 2] = calls.try_into().unwrap();
        assert_eq!(calls[0]["fault"], Value::Null, "{:#}", calls[0]);
        assert_eq!(calls[1]["fault"], true, "{:#}", calls[1]);
        calls
    }
}

/// The calls in a document: in their request's, or one that came later.
fn calls_in(document: &str) -> Vec<Value> {
    let mut document: Value = serde_json::from_str(document).unwrap();
    if document["type"] == "subsegment" {
        return vec![document];
    }
    serde_json::from_value(document["subsegments"].take()).unwrap_or_default()
}

/// What X-Ray shows of a call of the database `shop`.
fn assert_called(call: &Value, url: &str, query: &str) {
    let sql = json!({
        "connection_string": "db.shop.internal/shop",
        "url": url,
        "sanitized_query": query,
        "database_type": "sqlite",
        "user": "app",
    });
    assert_eq!(call["sql"], sql, "{call:#}");
    assert_eq!((&call["name"], &call["namespace"]), (&json!("shop@db.shop.internal"), &json!("remote")));
}

fn assert_caused_by(call: &Value, because: &str) {
    let message = call["cause"]["exceptions"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains(because), "{call:#}");
}

#[tokio::test]
async fn a_function_with_sqlx() {
    let stage = Stage::new();
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    ::sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
    let work = async {
        assert_eq!(sqlx::price(&pool, 7).await.unwrap(), 392);
        assert!(sqlx::price(&pool, 8).await.is_err());
    };
    stage.request(work).await;

    let calls = stage.calls().await;
    for call in &calls {
        assert_called(call, "SELECT orders", "SELECT price FROM orders WHERE id = ?");
    }
    assert_caused_by(&calls[1], "no rows returned");
}

#[tokio::test]
async fn a_connection_of_diesel() {
    let stage = Stage::new();
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    connection.batch_execute(TABLE).unwrap();
    connection.set_instrumentation(diesel::Traced::default());
    let work = async {
        for (table, is_there) in [("orders", true), ("sorders", false)] {
            let query = ::diesel::sql_query(format!("SELECT price FROM {table} WHERE id = ?"));
            assert_eq!(query.bind::<BigInt, _>(4711).execute(&mut connection).is_ok(), is_there);
        }
    };
    stage.request(work).await;

    let calls = stage.calls().await;
    assert_called(&calls[0], "query", "SELECT price FROM orders WHERE id = ?");
    assert_called(&calls[1], "query", "SELECT price FROM sorders WHERE id = ?");
    assert_caused_by(&calls[1], "no such table");
    assert!(calls.iter().all(|call| !call.to_string().contains("4711")), "{calls:#?}");
}

#[tokio::test]
async fn sea_orm_by_itself() {
    let stage = Stage::new();
    let options = ConnectOptions::new("sqlite::memory:").max_connections(1).to_owned();
    let database = Database::connect(options).await.unwrap();
    database.execute_unprepared(TABLE).await.unwrap();
    let work = async {
        assert_eq!(sea_orm::price(&database, 7).await.unwrap(), Some(392));
        // Not by `execute_unprepared`: a place that was reached without a subscriber may stay silent.
        let drop = Statement::from_string(DbBackend::Sqlite, "DROP TABLE sorders");
        assert!(database.execute_raw(drop).await.is_err());
    };
    stage.request(work).await;

    let [price, failed] = stage.calls().await;
    assert_eq!((&price["name"], &price["namespace"]), (&json!("sqlite"), &json!("remote")));
    let sql = json!({
        "connection_string": "localhost/",
        "url": "sea_orm.query_one",
        "sanitized_query": "SELECT price FROM orders WHERE id = ?",
        "database_type": "sqlite",
    });
    assert_eq!(price["sql"], sql);
    assert_caused_by(&failed, "no such table");
}
