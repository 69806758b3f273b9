//! The service that opens a span, writes its headers, and sends the request.

use std::{
    borrow::Cow,
    fmt, iter,
    sync::Arc,
    task::{Context, Poll},
};

use http::Method;
use opentelemetry::{
    Context as TraceContext, KeyValue,
    trace::{SpanKind, TraceContextExt},
};
use tower_service::Service;

use super::{
    exchange::{ClientRequest, ClientResponse, origin_server},
    future::XrayClientFuture,
    layer::Options,
    resend::{resends, without_count},
};
use crate::tower::{
    conventions::known_method,
    grpc::Procedure,
    span::{ExchangeSpan, Protocol, Side},
    text::bounded,
};

/// Room for all attributes that are known before the response, and for those that come with it.
const EXPECTED_ATTRIBUTES: usize = 10;

/// Sends requests inside CLIENT spans. Made by [`XrayClientLayer`](super::XrayClientLayer).
///
/// It goes around anything that takes [`http::Request`]s, such as hyper-util's client and tonic's channel, and with the
/// feature `reqwest` around `reqwest::Client`.
///
/// ```
/// use hyper_util::{client::legacy::{Client, connect::HttpConnector}, rt::TokioExecutor};
/// use opentelemetry_aws_xray::tower::{XrayClient, XrayClientLayer};
/// use tower::Layer;
///
/// #[derive(Clone)]
/// struct Stock {
///     client: XrayClient<Client<HttpConnector, String>>,
/// }
///
/// let client = Client::builder(TokioExecutor::new()).build_http();
/// let stock = Stock { client: XrayClientLayer::new().layer(client) };
/// ```
#[derive(Debug, Clone)]
pub struct XrayClient<S> {
    inner: S,
    options: Arc<Options>,
}

impl<S> XrayClient<S> {
    pub(super) const fn new(inner: S, options: Arc<Options>) -> Self {
        Self { inner, options }
    }
}

impl<S, Req> Service<Req> for XrayClient<S>
where
    S: Service<Req, Response: ClientResponse, Error: fmt::Display + 'static>,
    Req: ClientRequest,
{
    type Response = <S::Response as ClientResponse>::Traced;
    type Error = S::Error;
    type Future = XrayClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let parent = TraceContext::current();
        if parent.is_telemetry_suppressed() {
            return XrayClientFuture::untraced(self.inner.call(request));
        }
        if !parent.span().span_context().is_valid() {
            self.options.context_missing.report(super::CALL);
            return XrayClientFuture::untraced(self.inner.call(request));
        }
        let mut span = open(&self.options, &parent, &request);
        self.options.instruments.inject(span.context(), request.headers_mut());
        let inner = span.scope(|| self.inner.call(request));
        XrayClientFuture::traced(inner, span)
    }
}

/// Starts the span of a request.
fn open<R: ClientRequest>(options: &Options, parent: &TraceContext, request: &R) -> ExchangeSpan {
    let procedure = request.procedure();
    let name = match &procedure {
        Some(procedure) => procedure.span_name(),
        None => Cow::Borrowed(known_method(request.method()).unwrap_or("HTTP")),
    };
    let resends = resends(parent);
    let attributes = || describe(options, request, procedure.as_ref(), resends);
    // Under an unsampled parent the sampler hardly ever says yes: then it is early enough to describe the call.
    let is_likely = parent.span().span_context().is_sampled();
    let early = if is_likely { attributes() } else { Vec::new() };
    let mut cx = options.instruments.start(parent, SpanKind::Client, name, early);
    if !is_likely && cx.span().is_recording() {
        cx.span().set_attributes(attributes());
    }
    if resends.is_some() {
        cx = without_count(&cx);
    }
    let protocol = if procedure.is_some() { Protocol::GRPC } else { Protocol::Http };
    ExchangeSpan::new(cx, Side::Client, protocol, request.method())
}

fn describe<R: ClientRequest>(
    options: &Options,
    request: &R,
    procedure: Option<&Procedure<'_>>,
    resends: Option<u32>,
) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(EXPECTED_ATTRIBUTES);
    let origin = options.origin.as_ref();
    match procedure {
        Some(procedure) => attributes.extend(procedure.attributes()),
        None => {
            attributes.extend(method_attributes(request.method()));
            attributes.extend(request.full_url(origin).map(|url| KeyValue::new("url.full", url)));
        }
    }
    if let Some((host, port)) = request.server().or_else(|| origin_server(origin?)) {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
        attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
    }
    if let Some(count @ 1..) = resends {
        attributes.push(KeyValue::new("http.request.resend_count", i64::from(count)));
    }
    if options.is_callee_traced {
        attributes.push(KeyValue::new("aws.xray.traced", true));
    }
    attributes
}

fn method_attributes(method: &Method) -> impl Iterator<Item = KeyValue> {
    let known = known_method(method);
    let original = known.is_none().then(|| bounded(method.as_str()).to_owned());
    let original = original.map(|original| KeyValue::new("http.request.method_original", original));
    iter::once(KeyValue::new("http.request.method", known.unwrap_or("_OTHER"))).chain(original)
}
