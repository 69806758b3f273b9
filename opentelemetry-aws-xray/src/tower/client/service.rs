//! The service that opens a span, writes its headers, and sends the request.

use std::{
    borrow::Cow,
    fmt,
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
    exchange::{ClientRequest, ClientResponse},
    future::{Traced, XrayClientFuture},
    layer::Options,
};
use crate::tower::{
    conventions::known_method,
    span::{ExchangeSpan, Side},
    text::bounded,
};

/// Sends requests inside CLIENT spans. Made by [`XrayClientLayer`](super::XrayClientLayer).
///
/// It goes around anything that takes [`http::Request`]s, such as hyper-util's client, and with the feature
/// `reqwest` around `reqwest::Client`.
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
    S: Service<Req, Response: ClientResponse, Error: fmt::Display>,
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
            self.options.context_missing.report("an outgoing HTTP request");
            return XrayClientFuture::untraced(self.inner.call(request));
        }
        let mut span = open(&self.options, &parent, &request);
        self.options.instruments.inject(span.context(), request.headers_mut());
        let method = request.method().clone();
        let inner = span.scope(|| self.inner.call(request));
        XrayClientFuture::traced(inner, Traced { span, method })
    }
}

/// Starts the span of a request.
fn open<R: ClientRequest>(options: &Options, parent: &TraceContext, request: &R) -> ExchangeSpan {
    let name = Cow::Borrowed(known_method(request.method()).unwrap_or("HTTP"));
    // Under an unsampled parent the sampler hardly ever says yes: then it is early enough to describe the call.
    let is_likely = parent.span().span_context().is_sampled();
    let early = if is_likely { describe(request) } else { Vec::new() };
    let cx = options.instruments.start(parent, SpanKind::Client, name, early);
    if !is_likely && cx.span().is_recording() {
        cx.span().set_attributes(describe(request));
    }
    ExchangeSpan::new(cx, Side::Client)
}

fn describe<R: ClientRequest>(request: &R) -> Vec<KeyValue> {
    let mut attributes = method_attributes(request.method());
    if let Some((host, port)) = request.server() {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
        if let Some(port) = port {
            attributes.push(KeyValue::new("server.port", i64::from(port)));
        }
    }
    if let Some(url) = request.full_url() {
        attributes.push(KeyValue::new("url.full", url));
    }
    attributes
}

fn method_attributes(method: &Method) -> Vec<KeyValue> {
    match known_method(method) {
        Some(known) => vec![KeyValue::new("http.request.method", known)],
        None => vec![
            KeyValue::new("http.request.method", "_OTHER"),
            KeyValue::new("http.request.method_original", bounded(method.as_str()).to_owned()),
        ],
    }
}
