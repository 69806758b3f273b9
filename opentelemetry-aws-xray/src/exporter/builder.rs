//! How an exporter is put together.

use std::sync::Arc;

use xray_wire::DaemonAddress;

#[cfg(feature = "otlp")]
use super::otlp::Framing;
use super::{Shared, TraceIdPolicy, XrayExporter, export::Pipeline, translate::Options};
#[cfg(feature = "aws")]
use crate::aws::{Direct, DirectSink};
#[cfg(any(feature = "aws", feature = "daemon-tcp"))]
use crate::sink::acknowledged::Rejections;
#[cfg(feature = "_acknowledged")]
use crate::sink::acknowledged::{OnRejected, Rejected};
#[cfg(feature = "daemon-tcp")]
use crate::sink::daemon_tcp;
use crate::{
    Redaction,
    config::{self, Environment, Payload, Transport},
    sink::{DaemonSink, SegmentSink},
};

/// Builds an [`XrayExporter`]. What is set here wins over the environment.
///
/// ```
/// use opentelemetry::{KeyValue, trace::{TraceContextExt, Tracer, TracerProvider}};
/// use opentelemetry_aws_xray::{XrayExporter, sink::MemorySink};
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// let sink = MemorySink::default();
/// let exporter = XrayExporter::builder()
///     .with_sink(sink.clone()) // In production: `with_daemon_address`, or what the environment says.
///     .with_indexed_attributes(["order.*"])
///     .with_annotation_alias("tenant.name", "tenant")
///     .build();
/// let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
/// provider.tracer("shop").in_span("order", |cx| {
///     cx.span().set_attributes([KeyValue::new("order.id", "o-1"), KeyValue::new("tenant.name", "acme")]);
/// });
/// let document = sink.take().remove(0);
/// assert!(document.contains(r#""annotations":{"order.id":"o-1","tenant":"acme"}"#), "{document}");
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct XrayExporterBuilder {
    daemon_address: Option<String>,
    transport: Option<Transport>,
    /// Boxed, for it is large and rarely there.
    #[cfg(feature = "aws")]
    direct: Option<Box<Direct>>,
    #[cfg(feature = "_acknowledged")]
    on_rejected: Option<OnRejected>,
    sink: Option<Box<dyn SegmentSink>>,
    payload: Option<Payload>,
    options: Options,
    without_nesting: bool,
}

impl XrayExporterBuilder {
    /// Where the daemon is: `host:port`, or `tcp:host:port udp:host:port` as in `AWS_XRAY_DAEMON_ADDRESS`, which it
    /// overrides. Host names, IPv4 and IPv6 (`[::1]:2000`) are understood. A text that is no address is told in a
    /// warning, and the default is used: tracing must not keep a service from starting. To refuse it yourself, parse
    /// a [`DaemonAddress`] first.
    ///
    /// Default: `AWS_XRAY_DAEMON_ADDRESS`, else `127.0.0.1:2000`.
    pub fn with_daemon_address(mut self, address: impl Into<String>) -> Self {
        self.daemon_address = Some(address.into());
        self
    }

    /// By which road documents go.
    ///
    /// Default: `AWS_XRAY_TRANSPORT`, else [`Transport::Udp`].
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Sends straight to X-Ray, with these settings. For several destinations at once, see
    /// [`TeeSink`](crate::sink::TeeSink).
    ///
    /// ```
    /// use opentelemetry_aws_xray::{XrayExporter, aws::Direct};
    ///
    /// let exporter = XrayExporter::builder().with_direct(Direct::new().with_region("eu-central-1")).build();
    /// # drop(exporter);
    /// ```
    ///
    /// Default: not, unless `AWS_XRAY_TRANSPORT` says `direct`; and then with the settings of the environment.
    #[cfg(feature = "aws")]
    pub fn with_direct(mut self, direct: Direct) -> Self {
        self.direct = Some(Box::new(direct));
        self.with_transport(Transport::Direct)
    }

    /// Calls a function with each document that X-Ray refused, or could not take as often as was tried, on roads on which it
    /// answers. The function runs on a thread that delivers documents, so it should be short. All of this is also counted, under
    /// [`DropReason::Rejected`](crate::DropReason::Rejected) and [`DropReason::Unanswered`](crate::DropReason::Unanswered), and told in a
    /// warning once a minute. A [sink of one's own](Self::with_sink) is not told of it: `DirectSink` has a function of the same name.
    ///
    /// ```
    /// use opentelemetry_aws_xray::XrayExporter;
    ///
    /// let exporter = XrayExporter::builder().with_on_rejected(|rejected| {
    ///     eprintln!("X-Ray refused {:?}: {} {}", rejected.segment_id, rejected.code, rejected.message);
    /// });
    /// ```
    ///
    /// Default: none.
    #[cfg(feature = "_acknowledged")]
    pub fn with_on_rejected(mut self, callback: impl Fn(&Rejected<'_>) + Send + Sync + 'static) -> Self {
        self.on_rejected = Some(OnRejected::new(callback));
        self
    }

    /// Sends documents to a sink of one's own instead of the daemon.
    ///
    /// Default: that of the [`transport`](Self::with_transport).
    pub fn with_sink(mut self, sink: impl SegmentSink + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// What spans become. As OTLP to a UDP daemon or a sink of one's own, a document holds a whole request, `T1S` + base64 for spans that are sampled and `T1U` + base64
    /// for those that are only recorded; a span larger than a request may be is reduced, and counted in
    /// [`cut`](crate::ExporterStats::cut). What X-Ray makes of OTLP is its own affair: the settings of annotations, nesting, local roots
    /// and users are for segments only.
    ///
    /// Default: `AWS_XRAY_PAYLOAD`, else [`Payload::Segments`].
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Attributes that become annotations, which X-Ray indexes for filter expressions, by their keys or by patterns in which
    /// `*` stands for any characters and `?` for one: `order.id`, `feature.*`. Attributes of the resource are named
    /// `otel.resource.` + key, and become annotations of segments.
    ///
    /// X-Ray indexes fifty annotations a trace, so choose few. Characters that a key may not hold become `_`. Lists, what
    /// is named like a secret, and what comes after the fiftieth stay in metadata. What [`annotate`](crate::annotate) and
    /// [`add_metadata`](crate::add_metadata) hand over stays what it is, whatever a pattern says.
    ///
    /// ```
    /// # let exporter = opentelemetry_aws_xray::XrayExporter::builder();
    /// let exporter = exporter.with_indexed_attributes(["order.id", "feature.*", "otel.resource.service.version"]);
    /// ```
    ///
    /// Default: none.
    pub fn with_indexed_attributes<K: Into<String>>(mut self, patterns: impl IntoIterator<Item = K>) -> Self {
        self.options.index.set_patterns(patterns.into_iter().map(Into::into));
        self
    }

    /// Makes an attribute an annotation of another name.
    ///
    /// Default: none.
    pub fn with_annotation_alias(
        mut self,
        attribute: impl Into<String>,
        annotation: impl Into<String>,
    ) -> Self {
        self.options.index.add_alias(attribute.into(), annotation.into());
        self
    }

    /// Whether every attribute without a field of its own becomes an annotation, as far as there is room.
    ///
    /// Default: `false`.
    pub fn with_index_all_attributes(mut self, all: bool) -> Self {
        self.options.index.all = all;
        self
    }

    /// Whether a trace that begins with a call (a CLIENT or PRODUCER span without a parent in this process) gets a segment of
    /// the service around it. Without, the call alone stands for both, and the service is missing from the map.
    ///
    /// Default: `true`.
    pub fn with_split_local_roots(mut self, split: bool) -> Self {
        self.options.split_local_roots = split;
        self
    }

    /// Whether `enduser.id`, else `user.id`, becomes the segment's `user`. Without, it stays metadata.
    ///
    /// Default: `true`.
    pub fn with_user(mut self, user: bool) -> Self {
        self.options.user = user;
        self
    }

    /// Whether a gRPC status says which kind of failure it was: what the caller did wrong is `error`, too many requests are
    /// `throttle`, the rest is `fault`. Without, the span's own status decides.
    ///
    /// Default: `true`.
    pub fn with_grpc_status(mut self, grpc_status: bool) -> Self {
        self.options.grpc_status = grpc_status;
        self
    }

    pub(crate) fn counts_grpc_status(&self) -> bool {
        self.options.grpc_status
    }

    /// What must not leave the process. What is a secret by its name or place never does, whatever this says.
    ///
    /// Default: nothing more.
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.options.redaction = redaction;
        self
    }

    /// The CloudWatch log groups to which the application writes, by name or ARN, twenty at most. What the resource says in
    /// `aws.log.group.arns` or `aws.log.group.names` wins; from the environment they come by
    /// `OTEL_RESOURCE_ATTRIBUTES=aws.log.group.names=first&second`.
    ///
    /// ```
    /// # let exporter = opentelemetry_aws_xray::XrayExporter::builder();
    /// let exporter = exporter.with_log_groups(["/ecs/checkout"]);
    /// ```
    ///
    /// Default: in Lambda, the function's (`AWS_LAMBDA_LOG_GROUP_NAME`); elsewhere none.
    pub fn with_log_groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.options.log_groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// The ARN of what runs the application, for resources that have none.
    ///
    /// Default: none.
    pub fn with_resource_arn(mut self, arn: impl Into<String>) -> Self {
        self.options.resource_arn = Some(arn.into()).filter(|arn| !arn.is_empty());
        self
    }

    /// What is done with trace ids that do not begin with the time of the trace.
    ///
    /// Default: [`TraceIdPolicy::Passthrough`].
    pub fn with_trace_id_policy(mut self, policy: TraceIdPolicy) -> Self {
        self.options.trace_ids = policy;
        self
    }

    /// Whether dots in the keys of annotations become `_`, as X-Ray once demanded: `order.id` is then `order_id`.
    ///
    /// Default: `false`.
    pub fn with_sanitized_dots(mut self, sanitized: bool) -> Self {
        self.options.index.without_dots = sanitized;
        self
    }

    /// Whether attributes named `annotation.` + key become annotations, and those named `metadata.` + key metadata of that key,
    /// as with the crate `opentelemetry-aws`. Spares those who come from there to change all names at once.
    ///
    /// ```
    /// # let exporter = opentelemetry_aws_xray::XrayExporter::builder();
    /// let exporter = exporter.with_attribute_prefixes(true);
    /// // `annotation.order.id` is the annotation `order.id` now, `metadata.cart` the metadata `cart`.
    /// ```
    ///
    /// Default: `false`.
    pub fn with_attribute_prefixes(mut self, prefixes: bool) -> Self {
        self.options.prefixes = prefixes;
        self
    }

    /// The namespace of metadata that has no other. Names that begin with `AWS.` are X-Ray's own and not used.
    ///
    /// Default: `default`.
    pub fn with_metadata_namespace(mut self, name: impl Into<String>) -> Self {
        self.options.metadata.set_namespace(name.into());
        self
    }

    /// How many events of a span, from the first, are also shown in the timeline, as subsegments that take no time. Each
    /// costs a node of the document; exceptions are not among them. All events are metadata in any case.
    ///
    /// ```
    /// # let exporter = opentelemetry_aws_xray::XrayExporter::builder();
    /// // "cache miss" and "retry" as marks in the timeline of the span that has these events:
    /// let exporter = exporter.with_event_subsegments(8);
    /// ```
    ///
    /// Default: 0. At most [`MAX_EVENT_SUBSEGMENTS`](Self::MAX_EVENT_SUBSEGMENTS).
    pub fn with_event_subsegments(mut self, most: usize) -> Self {
        self.options.event_subsegments = most.min(Self::MAX_EVENT_SUBSEGMENTS);
        self
    }

    /// As many events as a person reads in one timeline.
    pub const MAX_EVENT_SUBSEGMENTS: usize = 32;

    /// Whether spans of one batch that belong together share a document. Without, each span is a document of
    /// its own, which costs about ten times as many datagrams.
    ///
    /// Default: `true`.
    pub fn with_nesting(mut self, nesting: bool) -> Self {
        self.without_nesting = !nesting;
        self
    }

    /// Builds the exporter. Nothing is sent or resolved before the first span.
    #[must_use]
    pub fn build(self) -> XrayExporter {
        self.build_with(&Environment::process())
    }

    /// A second exporter with the same settings, for segments in progress; `None` if the first has a sink of its own, which can't
    /// be had twice, or sends OTLP, which has spans that have ended only.
    pub(crate) fn twin(&self, environment: &Environment) -> Option<Self> {
        if config::payload(self.payload, environment) != Payload::Segments {
            return None;
        }
        self.copy()
    }

    /// The same settings once more; `None` if there is a sink of one's own.
    pub(crate) fn copy(&self) -> Option<Self> {
        if self.sink.is_some() {
            return None;
        }
        Some(Self {
            daemon_address: self.daemon_address.clone(),
            transport: self.transport,
            #[cfg(feature = "aws")]
            direct: self.direct.as_ref().map(|direct| Box::new(direct.twin())),
            #[cfg(feature = "_acknowledged")]
            on_rejected: self.on_rejected.clone(),
            sink: None,
            payload: self.payload,
            options: self.options.clone(),
            without_nesting: self.without_nesting,
        })
    }

    /// The settings with which documents go straight to X-Ray, if they go there.
    #[cfg(feature = "aws")]
    pub(crate) fn direct(&self, environment: &Environment) -> Option<Direct> {
        let is_direct = self.sink.is_none() && self.road(environment).0 == Transport::Direct;
        is_direct.then(|| self.direct.as_deref().map(Direct::twin).unwrap_or_default())
    }

    /// Where the daemon is, and by which road documents go.
    pub(crate) fn road(&self, environment: &Environment) -> (Transport, DaemonAddress) {
        let daemon = config::daemon_address(self.daemon_address.as_deref(), environment);
        (config::transport(self.transport, environment), daemon)
    }

    pub(crate) fn build_with(mut self, environment: &Environment) -> XrayExporter {
        let payload = config::payload(self.payload, environment);
        let transport = match self.sink {
            Some(_) => Transport::Udp,
            None => self.road(environment).0,
        };
        self.options.log_groups = config::log_groups(self.options.log_groups, environment);
        let sink = self.sink.take().unwrap_or_else(|| self.sink_to_xray(transport, environment));
        let pipeline = Pipeline::new(sink, self.options, !self.without_nesting);
        let pipeline = match payload {
            Payload::Segments => pipeline,
            #[cfg(feature = "otlp")]
            Payload::Otlp => pipeline.with_otlp(framing(transport)),
        };
        XrayExporter { shared: Arc::new(Shared::new(pipeline)) }
    }

    /// The sink of the chosen road.
    fn sink_to_xray(&mut self, transport: Transport, environment: &Environment) -> Box<dyn SegmentSink> {
        #[cfg(any(feature = "aws", feature = "daemon-tcp"))]
        let payload = config::payload(self.payload, environment);
        let (_, daemon) = self.road(environment);
        match transport {
            // A datagram's document may be anything.
            Transport::Udp => Box::new(DaemonSink::new(daemon.udp)),
            #[cfg(feature = "daemon-tcp")]
            Transport::Tcp => {
                let execution_env = config::execution_env(environment);
                let rejections = Rejections::new(self.on_rejected.take());
                Box::new(daemon_tcp::sink(payload, &daemon.tcp, execution_env.as_deref(), rejections))
            }
            #[cfg(feature = "aws")]
            Transport::Direct => {
                let rejections = Rejections::new(self.on_rejected.take());
                let direct = *self.direct.take().unwrap_or_default();
                Box::new(DirectSink::with_parts(direct, payload, rejections, environment))
            }
        }
    }
}

/// How requests of OTLP are written on a road.
#[cfg(feature = "otlp")]
const fn framing(transport: Transport) -> Framing {
    match transport {
        Transport::Udp => Framing::Text,
        #[cfg(feature = "daemon-tcp")]
        Transport::Tcp => Framing::Binary,
        #[cfg(feature = "aws")]
        Transport::Direct => Framing::Binary,
    }
}
