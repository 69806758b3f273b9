//! diesel: an instrumentation that makes a span of each query; part of `docs/sql.md`.

use std::error::Error;

use diesel::connection::{Instrumentation, InstrumentationEvent};
use tracing::{Span, error, info_span};

/// Makes spans of the queries of one connection.
#[derive(Default)]
pub(crate) struct Traced {
    query: Option<Span>,
}

impl Instrumentation for Traced {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                self.query = Some(query_span(&query.to_string()));
            }
            InstrumentationEvent::FinishQuery { error, .. } => {
                let Some(span) = self.query.take() else { return };
                if let Some(error) = error {
                    span.in_scope(|| error!(error = error as &dyn Error, "a query failed"));
                }
            }
            _ => {}
        }
    }
}

fn query_span(query: &str) -> Span {
    // diesel writes the values behind the query; they are nobody's business.
    let query = query.split(" -- binds: ").next();
    info_span!(
        "query",
        otel.kind = "client",
        db.system.name = "sqlite",
        db.namespace = "shop",
        db.user = "app",
        db.query.text = query,
        server.address = "db.shop.internal",
    )
}
