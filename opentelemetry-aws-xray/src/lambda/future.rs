//! The future of an invocation: the handler inside its span, then the flush, then the answer.

use std::{
    any::Any,
    fmt,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    task::{Context, Poll, ready},
};

use lambda_runtime::Diagnostic;
use pin_project_lite::pin_project;

use super::{flusher::Flushed, invocation::Invocation};

pin_project! {
    /// The future of [`XrayLambda`](super::XrayLambda).
    ///
    /// Ready when the handler is and its spans are sent, or the wait for that is over.
    ///
    /// Seldom named: it is what a call gives.
    ///
    /// ```
    /// # use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
    /// # use opentelemetry_aws_xray::{Xray, lambda::XrayLambdaLayer};
    /// # use tower::{Layer, Service};
    /// use opentelemetry_aws_xray::lambda::XrayLambdaFuture;
    ///
    /// # let xray = Xray::builder().build();
    /// # let handler = service_fn(async |event: LambdaEvent<u32>| Ok::<_, Error>(event.payload));
    /// let mut handler = XrayLambdaLayer::new(xray.tracer_provider()).layer(handler);
    /// let answer: XrayLambdaFuture<_, u32> = handler.call(LambdaEvent::new(7, Context::default()));
    /// # drop(answer);
    /// ```
    pub struct XrayLambdaFuture<F, R> {
        #[pin]
        state: State<F, R>,
        invocation: Option<Invocation>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, R> {
        Running { #[pin] handler: F },
        // Between the two: the handler is dropped before its span ends.
        Returned,
        Flushing { flushed: Flushed, outcome: Option<Outcome<R>> },
    }
}

/// What became of the handler.
pub(super) enum Outcome<R> {
    Returned(Result<R, Diagnostic>),
    Panicked(Box<dyn Any + Send>),
}

impl<F, R> XrayLambdaFuture<F, R> {
    pub(super) const fn running(handler: F, invocation: Invocation) -> Self {
        Self { state: State::Running { handler }, invocation: Some(invocation) }
    }

    pub(super) fn panicked(panic: Box<dyn Any + Send>, invocation: Invocation) -> Self {
        let outcome = Outcome::Panicked(panic);
        let flushed = invocation.end(&outcome);
        Self { state: State::Flushing { flushed, outcome: Some(outcome) }, invocation: None }
    }
}

impl<F, R, E> Future for XrayLambdaFuture<F, R>
where
    F: Future<Output = Result<R, E>>,
    E: Into<Diagnostic>,
{
    type Output = Result<R, Diagnostic>;

    /// # Panics
    /// If the handler did, with what it panicked with; the runtime answers with an error then.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            match this.state.as_mut().project() {
                StateProjection::Running { handler } => {
                    let Some(invocation) = this.invocation.as_mut() else { return Poll::Pending };
                    let poll = || panic::catch_unwind(AssertUnwindSafe(|| handler.poll(cx)));
                    let outcome = match invocation.scope(poll) {
                        Ok(poll) => Outcome::Returned(ready!(poll).map_err(Into::into)),
                        Err(panic) => Outcome::Panicked(panic),
                    };
                    this.state.set(State::Returned);
                    let Some(invocation) = this.invocation.take() else { return Poll::Pending };
                    let flushed = invocation.end(&outcome);
                    this.state.set(State::Flushing { flushed, outcome: Some(outcome) });
                }
                StateProjection::Flushing { flushed, outcome } => {
                    ready!(Pin::new(flushed).poll(cx));
                    return match outcome.take() {
                        Some(Outcome::Returned(result)) => Poll::Ready(result),
                        Some(Outcome::Panicked(panic)) => panic::resume_unwind(panic),
                        None => Poll::Pending,
                    };
                }
                StateProjection::Returned => return Poll::Pending,
            }
        }
    }
}

impl<F, R> fmt::Debug for XrayLambdaFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayLambdaFuture").finish_non_exhaustive()
    }
}
