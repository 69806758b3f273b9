//! `X-Amzn-Trace-Id` in 28 shapes, and what becomes of each in a service.

use std::collections::HashMap;

use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::{
    XrayIdGenerator, XrayParentBased, XrayPropagator,
    propagator::{Inbound, TRACE_HEADER, header_value},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use xray_wire::{Sampled, TraceHeader};

/// A header as it comes in.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// What is special about it.
    pub name: &'static str,
    /// The value.
    pub value: &'static str,
}

/// The trace that the shapes name, as far as they name one.
const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

/// All shapes.
#[rustfmt::skip]
pub const SHAPES: [Shape; 28] = [
    Shape { name: "sampled", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" },
    Shape { name: "not sampled", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0" },
    Shape { name: "another order", value: "Sampled=1;Parent=53995c3f42cd8ad8;Root=1-5759e988-bd862e3fe1be46a994272793" },
    Shape { name: "a load balancer's", value: "Root=1-5759e988-bd862e3fe1be46a994272793" },
    Shape { name: "a load balancer's, behind another one", value: "Self=1-67891234-12456789abcdef012345678a;Root=1-5759e988-bd862e3fe1be46a994272793" },
    Shape { name: "through a load balancer", value: "Self=1-67891234-12456789abcdef012345678a;Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" },
    Shape { name: "no parent, sampled", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1" },
    Shape { name: "no parent, not sampled", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0" },
    Shape { name: "asks for the decision", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?" },
    Shape { name: "asks, without parent", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?" },
    Shape { name: "nobody decided", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8" },
    Shape { name: "a decision that is none", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=yes" },
    Shape { name: "blanks", value: "Root=1-5759e988-bd862e3fe1be46a994272793; Parent=53995c3f42cd8ad8; Sampled=1" },
    Shape { name: "a semicolon at the end", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;" },
    Shape { name: "lower-case keys", value: "root=1-5759e988-bd862e3fe1be46a994272793;parent=53995c3f42cd8ad8;sampled=1" },
    Shape { name: "upper-case digits", value: "Root=1-5759E988-BD862E3FE1BE46A994272793;Parent=53995C3F42CD8AD8;Sampled=1" },
    Shape { name: "two roots", value: "Root=1-67891234-12456789abcdef012345678a;Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" },
    Shape { name: "version 2", value: "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" },
    Shape { name: "a root of zeros", value: "Root=1-00000000-000000000000000000000000;Parent=53995c3f42cd8ad8;Sampled=1" },
    Shape { name: "all zeros, not sampled", value: "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0" },
    Shape { name: "a root that is not hexadecimal", value: "Root=1-5759e98g-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" },
    Shape { name: "a parent of zeros", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000000;Sampled=1" },
    Shape { name: "a short parent", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad;Sampled=1" },
    Shape { name: "a parent that is not hexadecimal", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8adg;Sampled=1" },
    Shape { name: "lineage", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0" },
    Shape { name: "an unknown field", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;CalledFrom=app" },
    Shape { name: "a part without `=`", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;debug;Sampled=1" },
    Shape { name: "a second `=`", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Query=a=b" },
];

impl Shape {
    /// What [`XrayPropagator`] makes of it.
    #[must_use]
    pub fn understood(&self) -> String {
        let cx = self.extracted();
        let span = cx.span();
        let caller = span.span_context();
        let inbound = Inbound::of(&cx);
        let decision = match (inbound.is_some_and(Inbound::is_undecided), caller.is_sampled()) {
            (true, _) => "open",
            (false, true) => "sampled",
            (false, false) => "not sampled",
        };
        if !caller.is_valid() {
            return "nothing".to_owned();
        }
        if caller.trace_id().to_string() != ROOT[2..].replace('-', "") {
            return format!("{decision}, new trace");
        }
        // What stands for the trace as a whole is left out on the way out.
        let parent = header_value(&cx).is_some_and(|header| header.contains("Parent="));
        format!("{decision}, {}", if parent { "parent" } else { "no parent" })
    }

    /// What a service of ours, which samples all that is left to it, sends on with a call of its own.
    #[must_use]
    pub fn sent_on_by_us(&self) -> String {
        let provider = SdkTracerProvider::builder()
            .with_sampler(XrayParentBased::new(Sampler::AlwaysOn))
            .with_id_generator(XrayIdGenerator::default())
            .build();
        let tracer = provider.tracer("headers");
        let caller = self.extracted();
        let server =
            tracer.span_builder("GET /").with_kind(SpanKind::Server).start_with_context(&tracer, &caller);
        sent_on(header_value(&caller.with_span(server)).as_deref())
    }

    fn extracted(&self) -> Context {
        let carrier = HashMap::from([(TRACE_HEADER.to_owned(), self.value.to_owned())]);
        XrayPropagator::new().extract_with_context(&Context::new(), &carrier)
    }
}

/// What goes on with a call, in a few words: whether the trace is that of the shapes, the decision, and what else.
#[must_use]
pub fn sent_on(header: Option<&str>) -> String {
    let Some(header) = header else { return "no header".to_owned() };
    let parsed = TraceHeader::parse(header.as_bytes());
    let trace = match parsed.root {
        None => "unusable",
        Some(root) if root.to_string() == ROOT => "same",
        Some(_) => "new",
    };
    let sampled = match parsed.sampled {
        Sampled::Yes => ", 1",
        Sampled::No => ", 0",
        Sampled::Ask => ", ?",
        Sampled::Unstated => "",
    };
    let extras = parsed.extras_text();
    let separator = if extras.is_empty() { "" } else { ", " };
    format!("{trace}{sampled}{separator}{}", extras.as_str())
}
