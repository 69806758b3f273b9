//! While the span of an exchange is the active one.

use std::mem;

use opentelemetry::ContextGuard;

use super::span::ExchangeSpan;

impl ExchangeSpan {
    /// Runs `work` with the span active. If it panics, the span ends with that as its error.
    pub(super) fn scope<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let within = self.enter();
        let output = work();
        within.leave();
        output
    }

    /// Makes the span the active one, as [`scope`](Self::scope) does, until the guard is told to leave it.
    pub(super) fn enter(&mut self) -> Within<'_> {
        Within { _active: self.context().clone().attach(), unwinding: EndOnUnwind(self) }
    }
}

/// While the span is the active one.
pub(super) struct Within<'a> {
    unwinding: EndOnUnwind<'a>,
    _active: ContextGuard,
}

impl Within<'_> {
    pub(super) fn leave(self) {
        mem::forget(self.unwinding);
    }
}

/// Forgotten when the work returns, so dropping it means unwinding. The future itself may be dropped long
/// after the panic was caught, when `thread::panicking` knows nothing of it any more.
struct EndOnUnwind<'a>(&'a mut ExchangeSpan);

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        self.0.panicked();
    }
}
