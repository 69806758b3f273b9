//! Faults at work: the layer around the X-Ray API that does them, and `/api/faults` that sets them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Json,
    body::{self, Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body::{Frame, SizeHint};

use super::{App, MAX_BODY_BYTES, aws::aws_error, connection::Connection};
use crate::faults::{self, Injector, Strike};

/// Does to a call what the faults decide.
pub(super) async fn inject(
    State(app): State<Arc<App>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    mut request: Request,
    next: Next,
) -> Response {
    if app.faults.read(Injector::is_empty) {
        return next.run(request).await;
    }
    let action = app.faults.change(|injector| injector.decide(request.uri().path()));
    if !action.delay.is_zero() {
        tokio::time::sleep(action.delay).await;
    }
    match action.strike {
        None => next.run(request).await,
        Some(Strike::Refuse(refusal)) => {
            request.extensions_mut().insert(refusal);
            next.run(request).await
        }
        Some(Strike::HalfAnswer) => half(next.run(request).await).await,
        Some(Strike::LostAnswer) => {
            next.run(request).await;
            reset(&connection)
        }
        Some(Strike::ResetBeforeBody) => reset(&connection),
        Some(Strike::ResetAfterBody) => {
            read_to_end(request).await;
            reset(&connection)
        }
        Some(Strike::Status(answer)) => {
            read_to_end(request).await;
            let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = aws_error(status, answer.code(), "a fault that was asked for");
            if let Some(seconds) = answer.retry_after_seconds() {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

/// Clients that are still writing see an answer late or never, so the body is read first.
async fn read_to_end(request: Request) {
    let _ = body::to_bytes(request.into_body(), MAX_BODY_BYTES).await;
}

/// What is answered here never leaves: writing it resets the connection.
fn reset(connection: &Connection) -> Response {
    connection.reset();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// An answer whose length is told, but whose body ends too early, and the connection with it.
async fn half(response: Response) -> Response {
    let (head, body) = response.into_parts();
    let bytes = body::to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let half = bytes.slice(..bytes.len() / 2);
    Response::from_parts(head, Body::new(HalfBody { told: bytes.len() as u64, left: Left::Bytes(half) }))
}

/// A body that fails after its first bytes have been sent.
struct HalfBody {
    told: u64,
    left: Left,
}

enum Left {
    Bytes(Bytes),
    /// The server writes what it has before it asks again.
    Pause,
    Failure,
}

impl HttpBody for HalfBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match std::mem::replace(&mut self.left, Left::Failure) {
            Left::Bytes(bytes) => {
                self.left = Left::Pause;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Left::Pause => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Left::Failure => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.told)
    }
}

/// `GET /api/faults`: what is set, and how often each has struck.
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    app.faults.read(|injector| Json(faults::write(injector)).into_response())
}

/// `PUT /api/faults`: sets these in place of those before.
pub(super) async fn set(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match faults::read(&body) {
        Ok(faults) => {
            app.faults.change(|injector| *injector = Injector::new(faults));
            show(State(app)).await
        }
        Err(error) => aws_error(StatusCode::BAD_REQUEST, "InvalidRequestException", &error.to_string()),
    }
}

/// `DELETE /api/faults`: from now on all is done right.
pub(super) async fn clear(State(app): State<Arc<App>>) -> StatusCode {
    app.faults.change(|injector| *injector = Injector::default());
    StatusCode::NO_CONTENT
}
