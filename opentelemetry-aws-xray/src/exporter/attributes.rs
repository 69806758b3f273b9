//! The attributes of one span: found by name once, read by stages, and accounted for to the last one.

mod bits;
mod known;
mod layout;
mod set;
mod table;

use std::borrow::Cow;

pub(crate) use known::Name;
use opentelemetry::{Array, KeyValue, Value};
pub(crate) use set::Slots;
pub(crate) use table::{Met, bucket};

use self::{
    bits::Bits,
    layout::{Layout, Layouts},
};

/// One row for each attribute that a stage reads: its slot, and its name in the semantic conventions (old ones
/// stand beside those that replaced them) or in AWS's own vocabulary.
macro_rules! slots {
    ($($slot:ident = $name:literal,)*) => {
        /// An attribute that means something to X-Ray.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Slot { $($slot),* }

        impl Slot {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$slot, $name)),*];
        }
    };
}

slots! {
    // HTTP.
    HttpRequestMethod = "http.request.method",
    HttpRequestMethodOriginal = "http.request.method_original",
    HttpMethod = "http.method",
    HttpResponseStatusCode = "http.response.status_code",
    HttpStatusCode = "http.status_code",
    HttpStatusText = "http.status_text",
    UrlFull = "url.full",
    HttpUrl = "http.url",
    UrlScheme = "url.scheme",
    HttpScheme = "http.scheme",
    UrlPath = "url.path",
    UrlQuery = "url.query",
    HttpTarget = "http.target",
    HttpHost = "http.host",
    HttpServerName = "http.server_name",
    HostName = "host.name",
    UserAgentOriginal = "user_agent.original",
    HttpUserAgent = "http.user_agent",
    HttpClientIp = "http.client_ip",
    HttpResponseBodySize = "http.response.body.size",
    HttpResponseHeaderContentLength = "http.response.header.content-length",
    HttpResponseContentLength = "http.response_content_length",
    MessageType = "message.type",
    MessagingPayloadSize = "messaging.message_payload_size_bytes",
    // Peers.
    ServerAddress = "server.address",
    ServerPort = "server.port",
    ClientAddress = "client.address",
    NetworkPeerAddress = "network.peer.address",
    NetworkPeerPort = "network.peer.port",
    NetHostName = "net.host.name",
    NetHostPort = "net.host.port",
    NetPeerName = "net.peer.name",
    NetPeerPort = "net.peer.port",
    NetPeerIp = "net.peer.ip",
    NetSockPeerAddr = "net.sock.peer.addr",
    PeerService = "peer.service",
    ServicePeerName = "service.peer.name",
    // Remote calls, databases, messages.
    RpcSystem = "rpc.system",
    RpcSystemName = "rpc.system.name",
    RpcService = "rpc.service",
    RpcMethod = "rpc.method",
    RpcGrpcStatusCode = "rpc.grpc.status_code",
    RpcResponseStatusCode = "rpc.response.status_code",
    DbNamespace = "db.namespace",
    DbName = "db.name",
    DbSystemName = "db.system.name",
    DbSystem = "db.system",
    DbConnectionString = "db.connection_string",
    DbQueryText = "db.query.text",
    DbStatement = "db.statement",
    DbQuerySummary = "db.query.summary",
    DbStoredProcedureName = "db.stored_procedure.name",
    DbOperationName = "db.operation.name",
    DbOperation = "db.operation",
    DbJdbcDriverClassname = "db.jdbc.driver_classname",
    DbUser = "db.user",
    UserName = "user.name",
    MessagingUrl = "messaging.url",
    MessagingDestinationName = "messaging.destination.name",
    MessagingSystem = "messaging.system",
    // Failures.
    ErrorType = "error.type",
    ExceptionMessage = "exception.message",
    AwsErrorCode = "aws.error.code",
    // AWS.
    AwsService = "aws.service",
    AwsSpanKind = "aws.span.kind",
    AwsLocalService = "aws.local.service",
    AwsRemoteService = "aws.remote.service",
    AwsOperation = "aws.operation",
    AwsAccountId = "aws.account_id",
    AwsRegion = "aws.region",
    CloudRegion = "cloud.region",
    AwsRequestId = "aws.request_id",
    AwsRequestIdCamel = "aws.requestId",
    FaasInvocationId = "faas.invocation_id",
    AwsExtendedRequestId = "aws.extended_request_id",
    AwsS3Bucket = "aws.s3.bucket",
    AwsS3Key = "aws.s3.key",
    AwsSnsTopicArn = "aws.sns.topic.arn",
    AwsLambdaFunctionName = "aws.lambda.function.name",
    AwsSqsQueueUrl = "aws.sqs.queue.url",
    AwsQueueUrl = "aws.queue_url",
    AwsQueueDotUrl = "aws.queue.url",
    AwsDynamodbTableNames = "aws.dynamodb.table_names",
    AwsTableName = "aws.table_name",
    AwsTableDotName = "aws.table.name",
    HttpRequestResendCount = "http.request.resend_count",
    EnduserId = "enduser.id",
    UserId = "user.id",
    // Fields of documents that came from X-Ray and go back.
    AwsXrayCausePaths = "aws.xray.cause.paths",
    AwsXrayCauseWorkingDirectory = "aws.xray.cause.working_directory",
    AwsXrayPrecursorIds = "aws.xray.precursor_ids",
    AwsXrayAnnotations = "aws.xray.annotations",
    AwsXrayInprogress = "aws.xray.inprogress",
    AwsXrayResourceArn = "aws.xray.resource_arn",
    AwsXrayRetries = "aws.xray.retries",
    AwsXraySamplingRule = "aws.xray.sampling_rule",
    AwsXrayXForwardedFor = "aws.xray.x_forwarded_for",
    AwsXrayTraced = "aws.xray.traced",
}

/// Whether an attribute means something to X-Ray.
pub(crate) fn is_known(name: &str) -> bool {
    Slot::of(name).is_some()
}

/// Room that is used again from span to span, and what names mean.
#[derive(Debug, Default)]
pub(crate) struct Marks<'a> {
    consumed: Bits,
    layouts: Layouts<'a>,
}

impl Marks<'_> {
    /// The same room for spans of another batch.
    pub(crate) fn recycle<'b>(self) -> Marks<'b> {
        Marks { consumed: self.consumed, layouts: self.layouts.recycle() }
    }
}

/// A span's attributes. A stage reads a slot and marks it as consumed only when the whole value has landed in the
/// document; what is never marked goes to annotations or metadata.
pub(crate) struct Attributes<'a, 'm> {
    all: &'a [KeyValue],
    layout: &'m Layout<'a>,
    consumed: &'m mut Bits,
}

impl<'a, 'm> Attributes<'a, 'm> {
    /// Finds the slots.
    #[inline]
    pub(crate) fn new(all: &'a [KeyValue], marks: &'m mut Marks<'a>) -> Self {
        let Marks { consumed, layouts } = marks;
        let layout = layouts.layout(all);
        consumed.copy_from(&layout.overwritten);
        Self { all, layout, consumed }
    }

    /// Whether a slot is there, whatever it holds.
    #[inline]
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.layout.found[slot as usize] != 0
    }

    /// Whether any of several slots is there.
    #[inline]
    pub(crate) fn has_any(&self, slots: Slots) -> bool {
        self.layout.present.intersects(slots)
    }

    /// The index of a slot's attribute, and its value.
    #[inline]
    pub(crate) fn found(&self, slot: Slot) -> Option<(usize, &'a Value)> {
        let index = usize::from(self.layout.found[slot as usize]).checked_sub(1)?;
        self.all.get(index).map(|attribute| (index, &attribute.value))
    }

    /// The value of a slot.
    #[inline]
    pub(crate) fn value(&self, slot: Slot) -> Option<&'a Value> {
        self.found(slot).map(|(_, value)| value)
    }

    /// A slot's text, if it has some.
    #[inline]
    pub(crate) fn text(&self, slot: Slot) -> Option<&'a str> {
        match self.value(slot)? {
            Value::String(text) if !text.as_str().is_empty() => Some(text.as_str()),
            _ => None,
        }
    }

    /// A slot's list of texts; empty if it holds anything else.
    pub(crate) fn texts(&self, slot: Slot) -> Vec<Cow<'a, str>> {
        match self.value(slot) {
            Some(Value::Array(Array::String(texts))) => {
                texts.iter().map(|text| Cow::Borrowed(text.as_str())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The first slot that has text, with that text.
    #[inline]
    pub(crate) fn first_text<const N: usize>(&self, slots: &[Slot; N]) -> Option<(Slot, &'a str)> {
        for slot in slots {
            if let Some(text) = self.text(*slot) {
                return Some((*slot, text));
            }
        }
        None
    }

    /// A slot's integer: a number, or text that is one.
    #[inline]
    pub(crate) fn integer(&self, slot: Slot) -> Option<i64> {
        match self.value(slot)? {
            Value::I64(number) => Some(*number),
            Value::String(text) => text.as_str().parse().ok(),
            _ => None,
        }
    }

    /// Whether a slot is `true`.
    #[inline]
    pub(crate) fn is_true(&self, slot: Slot) -> bool {
        matches!(self.value(slot), Some(Value::Bool(true)))
    }

    /// Marks a slot whose whole value has landed.
    #[inline]
    pub(crate) fn consume(&mut self, slot: Slot) {
        if let Some(index) = usize::from(self.layout.found[slot as usize]).checked_sub(1) {
            self.consumed.insert(index);
        }
    }

    /// A number that spans of a batch share whose attributes have the same names in the same order, unless there are very many.
    #[inline]
    pub(crate) fn layout_id(&self) -> Option<u32> {
        (self.all.len() <= u64::BITS as usize).then_some(self.layout.id)
    }

    /// Whether a name that is no slot's begins like those that handlers hand over or like our own in metadata.
    #[inline]
    pub(crate) fn has_ours(&self) -> bool {
        self.layout.has_ours
    }

    /// Whether parameters of a query are among them.
    pub(crate) fn has_query_parameters(&self) -> bool {
        self.layout.has_query_parameters
    }

    /// Takes attributes, consumed or not, in their order, each with what its name tells, and marks those
    /// for which `take` answers true.
    pub(crate) fn take_all(&mut self, mut take: impl FnMut(&'a KeyValue, Name) -> bool) {
        for (index, attribute) in self.all.iter().enumerate() {
            let is_last = !self.layout.overwritten.contains(index);
            if is_last && take(attribute, self.layout.name(index)) {
                self.consumed.insert(index);
            }
        }
    }

    /// The same for those that are left over; what is not taken stays.
    #[inline]
    pub(crate) fn take_leftovers(&mut self, mut take: impl FnMut(Leftover<'a>) -> bool) {
        let mut next = 0;
        while let Some(index) = self.consumed.first_missing(next, self.all.len()) {
            let is_unread = self.layout.unread.contains(index);
            if take(Leftover { attribute: &self.all[index], name: self.layout.name(index), index, is_unread })
            {
                self.consumed.insert(index);
            }
            next = index + 1;
        }
    }
}

/// An attribute of which nothing has landed in a field.
pub(crate) struct Leftover<'a> {
    pub(crate) attribute: &'a KeyValue,
    /// What its name tells.
    pub(crate) name: Name,
    pub(crate) index: usize,
    /// Its name is no slot's, so that no stage reads it.
    pub(crate) is_unread: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leftovers(all: &[KeyValue], consume: &[Slot]) -> Vec<String> {
        let mut marks = Marks::default();
        let mut attributes = Attributes::new(all, &mut marks);
        consume.iter().for_each(|slot| attributes.consume(*slot));
        let mut left = Vec::new();
        attributes.take_leftovers(|Leftover { attribute, .. }| {
            left.push(format!("{}={}", attribute.key, attribute.value));
            true
        });
        left
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        let all = [
            KeyValue::new("http.route", "/a"),
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("http.route", "/b"),
            KeyValue::new("http.request.method", "PUT"),
        ];
        let mut marks = Marks::default();
        let attributes = Attributes::new(&all, &mut marks);
        assert_eq!(attributes.text(Slot::HttpRequestMethod), Some("PUT"));
        assert_eq!(leftovers(&all, &[]), ["http.route=/b", "http.request.method=PUT"]);
        assert_eq!(leftovers(&all, &[Slot::HttpRequestMethod]), ["http.route=/b"]);
    }

    #[test]
    fn many_attributes_are_told_apart_too() {
        let all: Vec<_> = (0..1_000).map(|n| KeyValue::new(format!("key.{}", n % 600), n)).collect();
        let left = leftovers(&all, &[]);
        assert_eq!(left.len(), 600);
        assert!(left.contains(&"key.0=600".to_owned()), "{left:?}");
    }

    #[test]
    fn numbers_may_be_text() {
        let all = [
            KeyValue::new("http.status_code", "404"),
            KeyValue::new("server.port", 8080),
            KeyValue::new("net.peer.port", "http"),
        ];
        let mut marks = Marks::default();
        let attributes = Attributes::new(&all, &mut marks);
        assert_eq!(attributes.integer(Slot::HttpStatusCode), Some(404));
        assert_eq!(attributes.integer(Slot::ServerPort), Some(8080));
        assert_eq!(attributes.integer(Slot::NetPeerPort), None);
    }

    proptest! {
        #[test]
        fn what_is_left_over_is_the_last_of_each_key(keys in prop::collection::vec("[a-c]{1,2}|http.method", 0..80)) {
            let all: Vec<_> =
                keys.iter().enumerate().map(|(n, key)| KeyValue::new(key.clone(), n as i64)).collect();
            let is_last = |n: &usize| !keys[n + 1..].contains(&keys[*n]);
            let expected: Vec<_> =
                (0..keys.len()).filter(is_last).map(|n| format!("{}={n}", keys[n])).collect();
            prop_assert_eq!(leftovers(&all, &[]), expected);
        }
    }
}
