//! Spans that are like others of their batch: their documents are those that they would be on their own.

use super::*;

/// Names that stages read, each with a reason to be written or read in more than one way, and some that are nobody's.
const NAMES: [&str; 53] = [
    "http.request.method",
    "http.request.method_original",
    "http.method",
    "http.response.status_code",
    "http.status_code",
    "url.full",
    "http.url",
    "url.scheme",
    "http.scheme",
    "url.path",
    "url.query",
    "http.target",
    "http.host",
    "server.address",
    "server.port",
    "user_agent.original",
    "http.user_agent",
    "client.address",
    "http.client_ip",
    "network.peer.address",
    "network.peer.port",
    "net.peer.name",
    "net.peer.ip",
    "net.sock.peer.addr",
    "http.response.body.size",
    "http.response_content_length",
    "message.type",
    "rpc.system",
    "rpc.service",
    "rpc.method",
    "db.system",
    "db.name",
    "db.statement",
    "db.connection_string",
    "aws.region",
    "aws.request_id",
    "aws.span.kind",
    "aws.local.service",
    "aws.remote.service",
    "aws.xray.traced",
    "aws.xray.x_forwarded_for",
    "aws.xray.inprogress",
    "aws.xray.annotations",
    "aws.xray.annotation.order",
    "aws.xray.metadatum..order",
    "enduser.id",
    "session_token",
    "order.id",
    "order.total",
    "http.route",
    "uri",
    "order.url",
    "error",
];

/// What most requests say.
fn request() -> Vec<KeyValue> {
    vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("server.address", "example.com"),
        KeyValue::new("url.path", "/users/1"),
        KeyValue::new("http.response.status_code", 200),
        KeyValue::new("user_agent.original", "curl"),
        KeyValue::new("client.address", "203.0.113.9"),
        KeyValue::new("network.peer.address", "203.0.113.9"),
        KeyValue::new("network.peer.port", 80),
        KeyValue::new("http.response.body.size", 80),
        KeyValue::new("order.id", "1"),
    ]
}

/// The same where a proxy does not know the client, in conventions old and new.
fn request_of_an_unknown() -> Vec<KeyValue> {
    let mut attributes = request();
    attributes.retain(|attribute| attribute.key.as_str() != "client.address");
    attributes.push(KeyValue::new("client.address", "unknown"));
    attributes.push(KeyValue::new("http.client_ip", "203.0.113.9"));
    attributes
}

/// What a database is asked.
fn query() -> Vec<KeyValue> {
    vec![
        KeyValue::new("db.system", "postgresql"),
        KeyValue::new("db.name", "shop"),
        KeyValue::new("server.address", "example.com"),
        KeyValue::new("db.statement", "SELECT 1"),
        KeyValue::new("rows", 7),
    ]
}

/// A call of the AWS SDK.
fn call() -> Vec<KeyValue> {
    vec![
        KeyValue::new("rpc.system", "aws-api"),
        KeyValue::new("rpc.service", "DynamoDB"),
        KeyValue::new("rpc.method", "GetItem"),
        KeyValue::new("aws.request_id", "1"),
        KeyValue::new("http.response.status_code", 200),
    ]
}

/// Values for any attribute, each with a reason to be written, cut or read in another way than the next.
fn values() -> Vec<Otel> {
    const TEXTS: [&str; 22] = [
        "",
        "GET",
        "_OTHER",
        "https",
        "/users/1",
        "/users/2",
        "/\\\"users",
        "/users/1?token=secret",
        "/users/1?u=%2F%3Ftoken%3Dsecret",
        "/users/1%3D",
        "users/1",
        "https://a:b@example.com/",
        "https://example.com/",
        "example.com",
        "203.0.113.9",
        "203.0.113.10",
        "postgresql",
        "aws-api",
        "LOCAL_ROOT",
        "order.id",
        "443",
        "text of more than sixteen bytes",
    ];
    let texts = TEXTS.into_iter().map(Otel::from);
    let long = [225, 232, 250, 251, 9_050].map(|length| Otel::from(format!("/{}", "a".repeat(length - 1))));
    let integers = [-1, 0, 80, 200, 404, 429, 500, i64::MAX].map(Otel::I64);
    let floats = [0.0, -0.0, f64::NAN].map(Otel::F64);
    let others = [Otel::Bool(true), Otel::Bool(false), Otel::Array(Array::String(vec!["order.id".into()]))];
    texts.chain(long).chain(integers).chain(floats).chain(others).collect()
}

/// What makes a span differ from one before it.
#[derive(Debug, Clone)]
enum Change {
    Value(prop::sample::Index, Otel),
    Name(&'static str),
    Kind(SpanKind),
    Parent(u64, bool),
    Status(Status),
    Scope(&'static str, bool),
    Dropped,
    Event,
    Link,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        12 => (any::<prop::sample::Index>(), prop::sample::select(values())).prop_map(|(at, value)| Change::Value(at, value)),
        1 => prop::sample::select(vec!["GET /users", "GET /users?token=secret", "SELECT", "x".repeat(300).leak()]).prop_map(Change::Name),
        1 => prop::sample::select(vec![SpanKind::Server, SpanKind::Client, SpanKind::Internal, SpanKind::Consumer])
            .prop_map(Change::Kind),
        1 => (0u64..2, any::<bool>()).prop_map(|(id, is_remote)| Change::Parent(id, is_remote)),
        1 => prop::sample::select(vec![Status::Unset, Status::Ok, Status::error("no")]).prop_map(Change::Status),
        1 => (prop::sample::select(vec!["", "scope"]), any::<bool>()).prop_map(|(name, more)| Change::Scope(name, more)),
        1 => prop::sample::select(vec![Change::Dropped, Change::Event, Change::Link]),
    ]
}

fn apply(change: Change, span: &mut SpanData) {
    match change {
        Change::Value(at, value) => {
            let at = at.index(span.attributes.len().max(1));
            if let Some(attribute) = span.attributes.get_mut(at) {
                attribute.value = value;
            }
        }
        Change::Name(name) => span.name = name.into(),
        Change::Kind(kind) => span.span_kind = kind,
        Change::Parent(id, is_remote) => {
            (span.parent_span_id, span.parent_span_is_remote) = (SpanId::from(id), is_remote);
        }
        Change::Status(status) => span.status = status,
        Change::Scope(name, more) => {
            let scope = InstrumentationScope::builder(name);
            let more = more.then(|| KeyValue::new("pool", "main"));
            span.instrumentation_scope = scope.with_version("1").with_attributes(more).build();
        }
        Change::Dropped => span.dropped_attributes_count += 1,
        Change::Event => span.events.events.push(event("halfway", vec![])),
        Change::Link => span.links.links.push(Link::new(with_id(&span.span_context, 9), vec![], 0)),
    }
}

prop_compose! {
    /// Spans of which each but the first is another one with a few changes, often none.
    fn spans_alike()(
        usual in prop::sample::select(vec![request(), query(), call(), vec![]]),
        attributes in prop::collection::vec((prop::sample::select(&NAMES[..]), prop::sample::select(values())), 0..10),
        first in prop::collection::vec(change(), 0..4),
        later in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(change(), 0..3)), 1..16),
    ) -> Vec<SpanData> {
        let others = attributes.into_iter().map(|(name, value)| KeyValue::new(name, value));
        let attributes = usual.into_iter().chain(others).collect();
        let mut span = child(1, 7, SpanKind::Server, "GET /users", attributes);
        first.into_iter().for_each(|change| apply(change, &mut span));
        let mut batch = vec![span];
        for (n, (like, changes)) in later.into_iter().enumerate() {
            let mut span = like.get(&batch).clone();
            span.span_context = with_id(&span.span_context, n as u64 + 2);
            span.start_time += Duration::from_millis(n as u64 * 700);
            changes.into_iter().for_each(|change| apply(change, &mut span));
            batch.push(span);
        }
        batch
    }
}

/// The documents of batches, and of the same spans one by one.
fn together_and_alone(
    batches: &[Vec<SpanData>],
    max_bytes: usize,
    options: impl Fn(XrayExporterBuilder) -> XrayExporterBuilder,
) -> [(Vec<String>, ExporterStats); 2] {
    [batches.to_vec(), batches.iter().flatten().map(|span| vec![span.clone()]).collect()].map(|batches| {
        let sink = MemorySink::new(max_bytes);
        let builder = XrayExporter::builder().with_nesting(false).with_event_subsegments(1);
        let mut exporter = options(builder).with_sink(sink.clone()).build();
        exporter.set_resource(&resource());
        batches.into_iter().for_each(|batch| exporter.export_now(batch).unwrap());
        (sink.take(), exporter.stats())
    })
}

#[test]
fn one_value_that_differs_does_not_go_unseen() {
    for (kind, attributes, indexed) in [
        (SpanKind::Server, request(), None),
        (SpanKind::Server, request(), Some("u*")),
        (SpanKind::Server, request_of_an_unknown(), None),
        (SpanKind::Client, query(), None),
        (SpanKind::Client, call(), None),
    ] {
        for at in 0..attributes.len() {
            let with = |value| {
                let mut span = child(1, 7, kind.clone(), "shop", attributes.clone());
                span.attributes[at].value = value;
                span
            };
            for first in values() {
                let three = |other| vec![with(first.clone()), with(first.clone()), with(other)];
                let batches: Vec<_> = values().into_iter().map(three).collect();
                let [together, alone] =
                    together_and_alone(&batches, 64_000, |builder| builder.with_indexed_attributes(indexed));
                assert_eq!(together, alone, "{} behind {first:?}", attributes[at].key);
            }
        }
    }
}

proptest! {
    #[test]
    fn a_document_is_the_same_in_whatever_batch(
        spans in spans_alike(),
        indexed in prop::sample::select(vec![None, Some("url.path"), Some("order.id")]),
        all: bool,
        max_bytes in prop::sample::select(vec![9_186usize, 64_000]),
    ) {
        let [together, alone] = together_and_alone(&[spans], max_bytes, |builder| {
            builder.with_indexed_attributes(indexed).with_index_all_attributes(all)
        });
        prop_assert_eq!(together, alone);
    }
}
