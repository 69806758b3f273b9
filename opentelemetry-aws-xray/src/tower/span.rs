//! The span of one exchange, open until its response body ends.

use std::{fmt, thread};

use http::{HeaderMap, Method, StatusCode};
use http_body::Body;
use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt},
};

use super::{
    body_end::{Asked, BodyEnd},
    error::Told,
    grpc,
};

/// Whose account of the exchange the span is. The two disagree about what is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// 5xx is an error: 4xx is the caller's.
    Server,
    /// 4xx and 5xx are errors.
    Client,
}

/// What the exchange speaks, and so where its outcome stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// In the status code.
    Http,
    /// In the headers or trailers, once they have come.
    Grpc {
        /// Whether they have.
        has_outcome: bool,
    },
}

impl Protocol {
    /// gRPC, before the response.
    pub(super) const GRPC: Self = Self::Grpc { has_outcome: false };
}

/// An open span, with the context in which everything inside it runs.
///
/// It ends exactly once: with [`finish`](Self::finish) or [`fail`](Self::fail), else when it is dropped, which
/// means that somebody gave up on the exchange. A span that records nothing has no end, which would look at the clock.
pub struct ExchangeSpan {
    cx: Context,
    side: Side,
    protocol: Protocol,
    phase: Phase,
    asked: Asked,
    body_end: BodyEnd,
    body_bytes: u64,
}

/// How far the exchange has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    AwaitingHead,
    InBody,
    /// Nothing is recorded any more, or nothing ever was.
    Over,
}

impl ExchangeSpan {
    /// Takes charge of the active span of `cx`, which is about a request with `method`.
    pub(super) fn new(cx: Context, side: Side, protocol: Protocol, method: &Method) -> Self {
        let span = cx.span();
        // To ask a span whether it records takes a lock, and one that is sampled does.
        let is_recording = span.span_context().is_sampled() || span.is_recording();
        let mut exchange = Self::unrecorded(cx, side);
        if is_recording {
            exchange.phase = Phase::AwaitingHead;
        }
        (exchange.protocol, exchange.asked) = (protocol, Asked::by(method));
        exchange
    }

    /// A context for an exchange of which nothing is recorded.
    pub(super) const fn unrecorded(cx: Context, side: Side) -> Self {
        Self {
            cx,
            side,
            protocol: Protocol::Http,
            phase: Phase::Over,
            asked: Asked::Other,
            body_end: BodyEnd::Unknown,
            body_bytes: 0,
        }
    }

    /// The context whose active span this is.
    pub(super) const fn context(&self) -> &Context {
        &self.cx
    }

    /// Whether there is anything left to record.
    pub(super) fn is_open(&self) -> bool {
        self.phase != Phase::Over
    }

    /// Records the head of the response.
    pub(super) fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        if !self.is_open() {
            return;
        }
        self.phase = Phase::InBody;
        self.body_end = BodyEnd::of(self.asked, self.protocol, status, headers);
        // A gRPC call that was refused before it reached its server has only the status of HTTP.
        if self.outcome(headers) || (self.protocol != Protocol::Http && status == StatusCode::OK) {
            return;
        }
        let span = self.cx.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        let is_error = match self.side {
            Side::Server => status.is_server_error(),
            Side::Client => status.is_server_error() || status.is_client_error(),
        };
        if is_error {
            span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
            span.set_status(Status::error(""));
        }
        if let Protocol::Grpc { has_outcome } = &mut self.protocol {
            *has_outcome = true;
        }
    }

    /// Records the trailers of the response.
    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        self.outcome(trailers);
    }

    /// Records the outcome of a gRPC call, if it stands here.
    fn outcome(&mut self, headers: &HeaderMap) -> bool {
        let Protocol::Grpc { has_outcome } = &mut self.protocol else { return false };
        let Some(outcome) = grpc::Outcome::of(headers) else { return false };
        *has_outcome = true;
        outcome.record(&self.cx.span(), self.side);
        true
    }

    /// Counts bytes of the response body.
    pub(super) const fn count(&mut self, bytes: usize) {
        self.body_bytes = self.body_bytes.saturating_add(bytes as u64);
    }

    /// The span, if it waits for the end of the response's body; else it is over.
    ///
    /// A span that nobody will see waits too, so that what begins in the body has it for a parent, but not for a body that
    /// knows its size: such are bytes in memory, files, or what another server sends.
    pub(super) fn awaiting<B: Body>(self, body: &B) -> Option<Self> {
        let is_over = if self.is_open() {
            self.body_end == BodyEnd::AtOnce || body.is_end_stream()
        } else {
            body.size_hint().exact().is_some()
        };
        if is_over {
            self.finish();
            return None;
        }
        Some(self)
    }

    /// Whether as many bytes were counted as were announced.
    pub(super) fn has_whole_body(&self) -> bool {
        // Behind the bytes of gRPC come trailers.
        self.protocol == Protocol::Http
            && matches!(self.body_end, BodyEnd::After(announced) if self.body_bytes >= announced)
    }

    /// Ends the span: the exchange is complete.
    pub(super) fn finish(mut self) {
        if !self.is_open() {
            return;
        }
        match self.protocol {
            Protocol::Http => self.record_size(),
            Protocol::Grpc { has_outcome: true } => {}
            Protocol::Grpc { has_outcome: false } => {
                grpc::Outcome::UNKNOWN.record(&self.cx.span(), self.side);
            }
        }
        self.end();
    }

    /// Ends the span with an error of the service or of the body.
    pub(super) fn fail<E: fmt::Display + 'static>(mut self, error: &E) {
        if !self.is_open() {
            return;
        }
        let Told { kind, message } = Told::by(error);
        self.record_exception(kind, message);
        self.end();
    }

    fn record_size(&self) {
        let size = i64::try_from(self.body_bytes).unwrap_or(i64::MAX);
        self.cx.span().set_attribute(KeyValue::new("http.response.body.size", size));
    }

    fn record_exception(&self, kind: &'static str, message: String) {
        let span = self.cx.span();
        span.set_attribute(KeyValue::new("error.type", kind));
        span.set_status(Status::error(""));
        let details =
            vec![KeyValue::new("exception.type", kind), KeyValue::new("exception.message", message)];
        span.add_event("exception", details);
    }

    /// Ends the span with the error that a panic is.
    pub(super) fn panicked(&mut self) {
        if self.is_open() {
            self.record_exception("panic", "the service panicked".to_owned());
            self.end();
        }
    }

    fn abandoned(&mut self) {
        let span = self.cx.span();
        match (self.phase, self.side) {
            (Phase::AwaitingHead, _) => span.set_attribute(KeyValue::new(ABORTED, "head")),
            (Phase::InBody, Side::Server) => {
                span.set_attribute(KeyValue::new(ABORTED, "body"));
                if self.protocol == Protocol::Http {
                    self.record_size();
                }
            }
            // A caller who needs no more of the response than he has read has not met an error.
            (Phase::InBody, Side::Client) | (Phase::Over, _) => {}
        }
        self.end();
    }

    fn end(&mut self) {
        self.phase = Phase::Over;
        self.cx.span().end();
    }
}

/// Set when the exchange was given up: `head` before the response had begun, `body` while it was sent.
const ABORTED: &str = "xray.response.aborted";

impl Drop for ExchangeSpan {
    fn drop(&mut self) {
        if !self.is_open() {
            return;
        }
        if thread::panicking() { self.panicked() } else { self.abandoned() }
    }
}
