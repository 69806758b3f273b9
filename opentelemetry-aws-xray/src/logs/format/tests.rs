use std::{
    io,
    sync::{Arc, Mutex},
};

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use proptest::prelude::*;
use serde_json::Value;
use tracing::{Dispatch, dispatcher::with_default, info, info_span};
use tracing_subscriber::{Layer, Registry, fmt::layer, layer::SubscriberExt, registry};

use super::*;

const ID: &str = "1-5759e988-bd862e3fe1be46a994272793@53995c3f42cd8ad8";

/// What is written to it, to look at.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// What the layer around `self` writes while `work` runs.
    fn of(layer: impl FnOnce(Self) -> Box<dyn Layer<Registry> + Send + Sync>, work: impl FnOnce()) -> String {
        let lines = Self::default();
        with_default(&Dispatch::new(registry().with(layer(lines.clone()))), work);
        let bytes = lines.0.lock().unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn text(lines: Lines) -> Box<dyn Layer<Registry> + Send + Sync> {
    let layer = layer().without_time().with_ansi(false).with_writer(move || lines.clone());
    layer.map_event_format(WithTraceId::text).boxed()
}

fn json(lines: Lines) -> Box<dyn Layer<Registry> + Send + Sync> {
    let layer = layer().json().without_time().with_target(false).with_writer(move || lines.clone());
    layer.map_event_format(WithTraceId::json).boxed()
}

fn in_trace(work: impl FnOnce()) {
    let trace_id = TraceId::from_hex("5759e988bd862e3fe1be46a994272793").unwrap();
    let span_id = SpanId::from_hex("53995c3f42cd8ad8").unwrap();
    let span = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, false, TraceState::NONE);
    let _active = Context::new().with_remote_span_context(span).attach();
    work();
}

#[test]
fn text_begins_with_the_id() {
    let target = module_path!();
    let lines = Lines::of(text, || {
        info!("outside");
        in_trace(|| info_span!("work", shop = 7).in_scope(|| info!(order = 3, "inside")));
    });
    let expected = format!(
        " INFO {target}: outside\nAWS-XRAY-TRACE-ID: {ID}  INFO work{{shop=7}}: {target}: inside order=3\n"
    );
    assert_eq!(lines, expected);
}

#[test]
fn json_has_a_first_field() {
    let lines = Lines::of(json, || {
        info!("outside");
        in_trace(|| info_span!("work", shop = 7).in_scope(|| info!(order = 3, "in\"side")));
    });
    let (outside, inside) = lines.split_once('\n').unwrap();
    assert_eq!(outside, r#"{"level":"INFO","fields":{"message":"outside"}}"#);
    let expected = [
        r#"{"AWS-XRAY-TRACE-ID":""#,
        ID,
        r#"","level":"INFO","fields":{"message":"in\"side","order":3},"#,
        r#""span":{"shop":7,"name":"work"},"spans":[{"shop":7,"name":"work"}]}"#,
        "\n",
    ];
    assert_eq!(inside, expected.concat());
}

#[test]
fn the_field_goes_into_an_object_in_any_pieces() {
    let field = format!("\"AWS-XRAY-TRACE-ID\":\"{ID}\"");
    for (pieces, expected) in [
        (&["{", "}", "\n"][..], format!("{{{field}}}\n")),
        (&["{}\n"], format!("{{{field}}}\n")),
        (&["", "{", "", "\"a\"", ":{}}"], format!("{{{field},\"a\":{{}}}}")),
        (&["{\"a\":1}"], format!("{{{field},\"a\":1}}")),
        (&["[", "{}]"], "[{}]".to_owned()),
        (&[], String::new()),
    ] {
        let mut written = String::new();
        in_trace(|| {
            let id = current_trace_id().unwrap();
            let mut object = FirstField { writer: Writer::new(&mut written), id, place: Place::Before };
            pieces.iter().for_each(|piece| fmt::Write::write_str(&mut object, piece).unwrap());
        });
        assert_eq!(written, expected, "{pieces:?}");
    }
}

#[test]
fn text_for_which_json_was_expected_stays_as_it_is() {
    let lines = Lines::of(
        |lines| {
            let layer = layer().without_time().with_ansi(false).with_target(false);
            layer.with_writer(move || lines.clone()).map_event_format(WithTraceId::json).boxed()
        },
        || in_trace(|| info!("{{}}")),
    );
    assert_eq!(lines, " INFO {}\n");
}

/// OpenTelemetry writes it while the current context can't be asked for.
#[test]
fn a_warning_of_opentelemetrys_own_does_not_panic() {
    let lines = Lines::of(text, || {
        in_trace(|| {
            // As many as its stack of contexts holds, and more.
            let contexts: Vec<_> = (0..=u16::MAX).map(|_| Context::new().attach()).collect();
            // The last that was opened goes first.
            contexts.into_iter().rev().for_each(drop);
        });
    });
    assert!(lines.contains("opentelemetry"), "it warned: {lines:.300}");
}

proptest! {
    #[test]
    fn json_stays_json(message: String, field: String, pieces: bool) {
        let lines = Lines::of(json, || in_trace(|| {
            if pieces { info!(field, "{message}") } else { info!(name: "event", field, message) }
        }));
        let line: Value = serde_json::from_str(&lines).unwrap();
        prop_assert_eq!(&line["AWS-XRAY-TRACE-ID"], ID);
        prop_assert_eq!(&line["fields"]["message"], &message);
        prop_assert_eq!(&line["fields"]["field"], &field);
        prop_assert_eq!(lines.matches('\n').count(), 1);
    }
}
