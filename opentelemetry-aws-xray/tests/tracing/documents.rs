//! What spans of `tracing` say, as documents.

use std::{collections::HashMap, error::Error, fmt};

use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{Status, TraceContextExt},
};
use opentelemetry_aws_xray::{XrayPropagator, annotate};
use serde_json::{Value, json};
use tracing::{Span, error, field::Empty, info, info_span, instrument};
use tracing_opentelemetry::{OpenTelemetrySpanExt, SetParentError};

use super::stage::Stage;

const PARENT: &str = "53995c3f42cd8ad8";
const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

#[derive(Debug)]
struct NoStock;

impl fmt::Display for NoStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing left")
    }
}

impl Error for NoStock {}

#[derive(Debug)]
struct NotReserved(NoStock);

impl fmt::Display for NotReserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order was not reserved")
    }
}

impl Error for NotReserved {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn subsegment<'d>(document: &'d Value, name: &str) -> &'d Value {
    let subsegments = document["subsegments"].as_array().unwrap();
    subsegments.iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("{name} in {document:#}"))
}

#[test]
fn a_request_is_a_tree() {
    let stage = Stage::new();
    stage.run(|| {
        let request = info_span!(
            "request",
            otel.kind = "server",
            otel.name = "GET /orders/{id}",
            http.request.method = "GET",
            url.full = "http://shop.example.com/orders/7",
            http.response.status_code = Empty,
        );
        request.in_scope(|| {
            info_span!("reserve", order.id = 7, items = 3_u64).in_scope(|| {
                annotate("express", true);
                info!(left = 2, "reserved");
            });
            info_span!("call", otel.kind = "client", peer.service = "billing").in_scope(|| {});
        });
        request.record("http.response.status_code", 404_i64);
    });

    let document = stage.document();
    assert_eq!(document["name"], "shop");
    assert_eq!(
        document["http"],
        json!({ "request": { "method": "GET", "url": "http://shop.example.com/orders/7" }, "response": { "status": 404 } })
    );
    assert_eq!(document["error"], true);
    let reserve = subsegment(&document, "reserve");
    assert_eq!(reserve["annotations"], json!({ "order.id": 7, "express": true }));
    // OpenTelemetry has no unsigned numbers.
    assert_eq!(reserve["metadata"]["default"]["items"], "3", "{reserve:#}");
    assert_eq!(subsegment(&document, "billing")["namespace"], "remote");
    let event = &reserve["metadata"]["events"]["0"];
    assert_eq!(
        (&event["name"], &event["attributes"]["left"]),
        (&json!("reserved"), &json!(2)),
        "{reserve:#}"
    );
}

#[test]
fn an_error_that_a_function_returns_is_its_cause() {
    #[instrument(err)]
    fn reserve() -> Result<(), NotReserved> {
        Err(NotReserved(NoStock))
    }
    let stage = Stage::new();
    assert!(stage.run(reserve).is_err());
    let document = stage.document();
    assert_eq!(document["fault"], true, "{document:#}");
    let exceptions = document["cause"]["exceptions"].as_array().unwrap();
    assert_eq!(exceptions.len(), 1, "{document:#}");
    assert_eq!(exceptions[0]["message"], "the order was not reserved");
}

#[test]
fn an_error_that_is_logged_is_the_cause_of_its_span() {
    let stage = Stage::new();
    stage.run(|| {
        info_span!("reserve").in_scope(|| {
            let failure = NotReserved(NoStock);
            error!(error = &failure as &dyn Error, "can't go on");
        });
    });
    let document = stage.document();
    assert_eq!(document["fault"], true, "{document:#}");
    let exceptions = document["cause"]["exceptions"].as_array().unwrap();
    let messages: Vec<_> = exceptions.iter().map(|exception| &exception["message"]).collect();
    assert_eq!(messages, ["the order was not reserved", "nothing left"], "{document:#}");
    assert_eq!(exceptions[0]["cause"], exceptions[1]["id"]);
    assert!(document.to_string().contains("can't go on"), "{document:#}");
}

#[test]
fn no_token_leaves_that_an_error_quotes() {
    #[derive(Debug)]
    struct NotSent;
    impl fmt::Display for NotSent {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("error sending request for url (https://h/v1?access_token=hunter2)")
        }
    }
    impl Error for NotSent {}

    #[instrument(err, fields(otel.name = %NotSent, uri = "/v1?access_token=hunter2"))]
    fn send() -> Result<(), NotSent> {
        let failure = NotSent;
        error!(error = &failure as &dyn Error, "the call failed: {failure}");
        error!(reason = &failure as &dyn Error, request = ?failure.to_string(), "the call failed");
        Err(failure)
    }
    let stage = Stage::new();
    assert!(stage.run(send).is_err());
    let document = stage.document();
    assert!(!document.to_string().contains("hunter2"), "{document:#}");
    assert!(document.to_string().contains("the call failed: error sending request"), "{document:#}");
}

#[test]
fn a_span_takes_the_parent_of_a_header_until_it_is_entered() {
    let stage = Stage::new();
    let headers = HashMap::from([("x-amzn-trace-id".to_owned(), HEADER.to_owned())]);
    let parent = XrayPropagator::new().extract(&headers);
    stage.run(|| {
        let span = info_span!("request", otel.kind = "server");
        assert!(span.set_parent(parent.clone()).is_ok());
        span.in_scope(|| {});
        assert!(matches!(span.set_parent(parent.clone()), Err(SetParentError::AlreadyStarted)));
    });
    let document = stage.document();
    assert_eq!(document["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(document["parent_id"], PARENT);
}

#[test]
fn what_is_injected_names_the_span_that_is_entered() {
    let stage = Stage::new();
    let headers = stage.run(|| {
        info_span!("request", otel.kind = "server").in_scope(|| {
            [Span::current().context(), Context::current()].map(|cx| {
                let mut headers = HashMap::new();
                XrayPropagator::new().inject_context(&cx, &mut headers);
                headers["x-amzn-trace-id"].clone()
            })
        })
    });
    let document = stage.document();
    let [trace_id, id] = ["trace_id", "id"].map(|key| document[key].as_str().unwrap());
    assert_eq!(headers, [(); 2].map(|()| format!("Root={trace_id};Parent={id};Sampled=1")));
}

#[test]
fn a_status_that_is_set_wins_over_events() {
    let stage = Stage::new();
    stage.run(|| {
        info_span!("tries twice").in_scope(|| {
            Context::current().span().set_status(Status::Ok);
            error!("the first try failed");
        });
    });
    assert_eq!(stage.document()["fault"], Value::Null);
}
