//! Spans that nobody means well with, at random but the same for the same seed.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanLinks},
};

use crate::mapping::slots;

/// A small generator of random numbers (xorshift64*), so that a seed means the same everywhere.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.bits() >> 16) % end
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    pub(crate) fn many<T>(&mut self, below: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(below)).map(|_| make(self)).collect()
    }
}

/// The attributes that the exporter knows by name.
static SLOTS: LazyLock<Vec<&'static str>> = LazyLock::new(slots);

/// Names that are close to those which mean something.
const NAMES: [&str; 28] = [
    "",
    "order.id",
    "order-id",
    "order/id",
    "http.route",
    "HTTP.METHOD",
    "otel.span.name",
    "attribute.otel.span.name",
    "aws.xray.metadatum..order.id",
    "aws.xray.metadatum.events.0",
    "otel.resource.service.name",
    "aws.xray.annotations",
    "aws.xray.metadata.default",
    "aws.xray.metadata.debug",
    "aws.xray.metadata.AWS.x",
    "exception.type",
    "exception.message",
    "exception.stacktrace",
    "exception.escaped",
    "aws.xray.exception.id",
    "aws.xray.exception.cause",
    "messaging.message_payload_size_bytes",
    "message.type",
    "remoteTarget",
    "annotation.order.id",
    "metadata.order.id",
    "default",
    "größe\n\"\\",
];

/// Values that mean something to one stage or another.
const TELLING: [&str; 32] = [
    "",
    "GET",
    "_OTHER",
    "200",
    "404",
    "-1",
    "99999999999999999999",
    "LOCAL_ROOT",
    "CLIENT",
    "aws-api",
    "grpc",
    "mysql",
    "postgresql",
    "redis",
    "OK",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "ThrottlingException",
    "203.0.113.9",
    "::1",
    "https",
    "https://user:password@example.com:8080/a?b=c#d",
    "//",
    "?",
    "@",
    "://",
    "jdbc:mysql://u:p@[::1]:3306/x",
    "https://sqs.eu-west-1.amazonaws.com/1/q",
    "/",
    "pkg.Service/Method",
    "{\"a\":{\"b\":[1,null]}}",
    "000000000000000a",
];

pub(crate) fn text(random: &mut Random) -> String {
    let pieces = [
        "a", "é", "東", "🦀", "\u{0}", "\u{1f}", "\n", "\"", "\\", " ", "/", "<>&", "\u{2028}", "\u{feff}",
        "%", "AWS.",
    ];
    match random.below(100) {
        0..40 => (*random.pick(&TELLING)).to_owned(),
        40..50 => format!("{}", random.bits()),
        50..97 => random.many(12, |random| *random.pick(&pieces)).concat(),
        97 | 98 => random.pick(&pieces).repeat(usize::try_from(random.below(400)).unwrap()),
        _ => "word".to_owned(),
    }
}

fn integer(random: &mut Random) -> i64 {
    if random.once_in(2) {
        return random.bits().cast_signed();
    }
    *random.pick(&[0, 1, -1, 8, 80, 200, 404, 429, 503, 999, 1_000, 65_536, i64::MAX, i64::MIN])
}

fn float(random: &mut Random) -> f64 {
    *random.pick(&[0.0, -0.0, 1.5, 1e300, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
}

fn value(random: &mut Random) -> Value {
    match random.below(20) {
        0 | 1 => Value::Bool(random.once_in(2)),
        2..6 => Value::I64(integer(random)),
        6 => Value::F64(float(random)),
        7 => Value::Array(Array::String(random.many(4, |random| StringValue::from(text(random))))),
        8 => Value::Array(Array::I64(random.many(60, integer))),
        9 => Value::Array(Array::F64(random.many(4, float))),
        10 => Value::Array(Array::Bool(random.many(4, |random| random.once_in(2)))),
        _ => Value::String(text(random).into()),
    }
}

fn key(random: &mut Random) -> String {
    match random.below(10) {
        0..7 => (*random.pick(&SLOTS)).to_owned(),
        7 | 8 => (*random.pick(&NAMES)).to_owned(),
        _ => text(random),
    }
}

pub(crate) fn attribute(random: &mut Random) -> KeyValue {
    KeyValue::new(key(random), value(random))
}

/// An attribute that a document may have to cut down to size.
fn large_attribute(random: &mut Random) -> KeyValue {
    const LARGE: [&str; 8] = [
        "payload",
        "url.full",
        "db.query.text",
        "order.id",
        "user_agent.original",
        "enduser.id",
        "exception.message",
        "aws.http.error_message",
    ];
    let unit = *random.pick(&["a", "é", "🦀", "\u{1}", "\""]);
    let text = unit.repeat(usize::try_from(random.below(70_000)).unwrap());
    KeyValue::new(if random.once_in(2) { *random.pick(&SLOTS) } else { *random.pick(&LARGE) }, text)
}

/// A moment that may be long before the epoch or long after all of us.
fn time(random: &mut Random) -> SystemTime {
    let seconds = *random.pick(&[0, 1, 1_700_000_000, 1_700_000_001, 1 << 33, 1 << 40]);
    let distance = Duration::new(seconds, u32::try_from(random.below(1_000_000_000)).unwrap());
    if random.once_in(20) { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}

fn context(random: &mut Random) -> SpanContext {
    let ids = (u128::from(random.below(4)) << 64 | u128::from(random.below(3)), random.below(16));
    let flags = if random.once_in(30) { TraceFlags::default() } else { TraceFlags::SAMPLED };
    let state = if random.once_in(10) {
        TraceState::from_key_value([("vendor", "value")]).unwrap()
    } else {
        TraceState::default()
    };
    SpanContext::new(TraceId::from(ids.0), SpanId::from(ids.1), flags, false, state)
}

fn event(random: &mut Random) -> Event {
    let name = match random.below(4) {
        0 | 1 => "exception".to_owned(),
        2 => "HTTP request failure".to_owned(),
        _ => text(random),
    };
    let mut attributes = random.many(4, attribute);
    if random.once_in(2) {
        attributes.push(KeyValue::new("exception.message", text(random)));
    }
    if random.once_in(8) {
        attributes.extend(failure(random));
    }
    if random.once_in(50) {
        attributes.push(large_attribute(random));
    }
    Event::new(name, time(random), attributes, 7_777 * u32::from(random.once_in(9)))
}

/// What exceptions say that came from X-Ray, or from a call of AWS that failed: ids so few that they link to each other.
fn failure(random: &mut Random) -> Vec<KeyValue> {
    const IDS: [&str; 2] = ["00000000000000a1", "00000000000000a2"];
    const STACK_TRACES: [&str; 3] = [
        "nothing that is a frame",
        "E: e\n\tat shop::pay(src/pay.rs:12)\n",
        "E: e\nCaused by: F: because\n\tat a(b:1)\n",
    ];
    vec![
        KeyValue::new("http.response.status_code", 503),
        KeyValue::new("aws.http.error_message", text(random)),
        KeyValue::new("aws.xray.exception.id", *random.pick(&IDS)),
        KeyValue::new("aws.xray.exception.cause", *random.pick(&IDS)),
        KeyValue::new("exception.stacktrace", *random.pick(&STACK_TRACES)),
    ]
}

/// A span of any kind, whose ids are few, so that parents are found, repeated, missing and in circles.
pub(crate) fn span(random: &mut Random) -> SpanData {
    const KINDS: [SpanKind; 5] =
        [SpanKind::Server, SpanKind::Client, SpanKind::Internal, SpanKind::Producer, SpanKind::Consumer];
    let mut scope = InstrumentationScope::builder(text(random));
    if random.once_in(2) {
        scope = scope.with_version(text(random)).with_attributes([attribute(random)]);
    }
    let mut links = SpanLinks::default();
    if random.once_in(4) {
        let most = *random.pick(&[1, 3]);
        links.links = random.many(40, |random| {
            let dropped = 8_888 * u32::from(most > 1 && random.once_in(9));
            Link::new(context(random), random.many(most, attribute), dropped)
        });
    }
    let mut events = SpanEvents::default();
    events.events = random.many(4, event);
    events.dropped_count = u32::from(random.once_in(9));
    let mut attributes = random.many(14, attribute);
    if random.once_in(50) {
        attributes.push(large_attribute(random));
    }
    if random.once_in(6) {
        attributes.push(KeyValue::new("aws.span.kind", "LOCAL_ROOT"));
    }
    SpanData {
        span_context: context(random),
        parent_span_id: SpanId::from(random.below(16)),
        parent_span_is_remote: random.once_in(3),
        span_kind: random.pick(&KINDS).clone(),
        name: text(random).into(),
        start_time: time(random),
        end_time: time(random),
        attributes,
        dropped_attributes_count: u32::from(random.once_in(9)),
        events,
        links,
        status: match random.below(4) {
            0 => Status::error(text(random)),
            1 => Status::Ok,
            _ => Status::Unset,
        },
        instrumentation_scope: scope.build(),
    }
}

/// Attributes of a resource that become fields.
pub(crate) const RESOURCE_KEYS: [&str; 18] = [
    "service.name",
    "service.version",
    "service.instance.id",
    "service.namespace",
    "cloud.provider",
    "cloud.platform",
    "cloud.account.id",
    "cloud.region",
    "cloud.resource_id",
    "host.id",
    "host.type",
    "k8s.cluster.name",
    "container.id",
    "aws.ecs.launchtype",
    "aws.log.group.arns",
    "aws.log.group.names",
    "telemetry.sdk.name",
    "telemetry.sdk.language",
];

/// A resource, often of AWS.
pub(crate) fn resource(random: &mut Random) -> Resource {
    const VALUES: [&str; 14] = [
        "aws",
        "gcp",
        "aws_ec2",
        "aws_ecs",
        "aws_eks",
        "aws_elastic_beanstalk",
        "aws_lambda",
        "aws_app_runner",
        "fargate",
        "ec2",
        "i-1",
        "opentelemetry",
        "rust",
        "a&&b:c:d:e:f:g:h",
    ];
    let attributes = random.many(20, |random| {
        let value = if random.once_in(3) { value(random) } else { Value::from(*random.pick(&VALUES)) };
        KeyValue::new(
            if random.once_in(8) { key(random) } else { (*random.pick(&RESOURCE_KEYS)).to_owned() },
            value,
        )
    });
    Resource::builder_empty().with_attributes(attributes).build()
}
