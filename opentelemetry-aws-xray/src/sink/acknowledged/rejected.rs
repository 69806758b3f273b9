//! What is told of documents that X-Ray refused, or that found no room: a warning now and then, and every refused one to who asked
//! for it.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use opentelemetry::otel_warn;
use xray_wire::{SegmentId, TraceId, sanitize};

use super::item::{Fate, Item, Refusal};
use crate::{exporter::DropReason, post::CallError};

/// A document that the other side refused or could not take, and that was dropped.
///
/// It comes to the function of [`with_on_rejected`](crate::XrayExporterBuilder::with_on_rejected):
///
/// ```
/// use opentelemetry_aws_xray::{XrayExporter, sink::Rejected};
///
/// fn keep(rejected: &Rejected<'_>) {
///     let trace = rejected.trace_id.map(|id| id.to_string()).unwrap_or_default();
///     eprintln!("{} spans of {trace} lost ({}): {}", rejected.spans, rejected.reason, rejected.message);
/// }
/// let exporter = XrayExporter::builder().with_on_rejected(keep).build();
/// # drop(exporter);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected<'r> {
    /// Its trace; not known of a payload that holds several.
    pub trace_id: Option<TraceId>,
    /// Its segment.
    pub segment_id: Option<SegmentId>,
    /// How many spans are lost with it.
    pub spans: u32,
    /// How that is counted: [`DropReason::Rejected`] or [`DropReason::Unanswered`].
    pub reason: DropReason,
    /// The kind of failure in the other side's words, such as `InvalidName`; or the HTTP status.
    pub code: &'r str,
    /// More about it, in the other side's words.
    pub message: &'r str,
}

/// Called with each document that was refused.
#[derive(Clone)]
pub(crate) struct OnRejected(Arc<dyn Fn(&Rejected<'_>) + Send + Sync>);

impl OnRejected {
    pub(crate) fn new(callback: impl Fn(&Rejected<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(callback))
    }
}

impl fmt::Debug for OnRejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRejected")
    }
}

/// What found no room: how many spans, and what kept the documents from going.
#[derive(Debug, Default)]
pub(super) struct Lost(Option<(u64, DropReason)>);

impl Lost {
    /// Adds a document that was dropped when another one came.
    pub(super) fn add(&mut self, fate: &Fate) {
        let Fate::Dropped { item, reason, .. } = fate else { return };
        // That one would never have gone.
        if *reason != DropReason::TooLarge {
            let (spans, _) = self.0.unwrap_or((0, *reason));
            self.0 = Some((spans + u64::from(item.spans), *reason));
        }
    }
}

/// Tells of refused documents, failed calls, and documents for which there was no room. Clones tell the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rejections(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    on_rejected: Mutex<Option<OnRejected>>,
    warnings: Mutex<Warnings>,
}

impl Rejections {
    pub(crate) fn new(on_rejected: Option<OnRejected>) -> Self {
        Self(Arc::new(Told { on_rejected: Mutex::new(on_rejected), ..Told::default() }))
    }

    /// Calls this from now on.
    #[cfg(feature = "aws")]
    pub(crate) fn call(&self, on_rejected: OnRejected) {
        *self.on_rejected() = Some(on_rejected);
    }

    /// Whether there is anything to tell.
    pub(super) fn concern(fates: &[Fate]) -> bool {
        fates.iter().any(|fate| rejected(fate).is_some())
    }

    /// Tells of those among `fates` that were refused.
    pub(super) fn tell(&self, fates: &[Fate], now: Duration) {
        let on_rejected = self.on_rejected().clone();
        for rejected in fates.iter().filter_map(rejected) {
            self.warnings().rejected(&rejected, now);
            let Some(OnRejected(callback)) = &on_rejected else { continue };
            // A panic of the user's would end the thread, and with it other documents.
            let call = AssertUnwindSafe(|| callback(&rejected));
            if std::panic::catch_unwind(call).is_err() {
                otel_warn!(name: "XrayDelivery.CallbackPanicked", message = "the callback for rejected documents panicked");
            }
        }
    }

    /// Tells of a call that failed, whatever becomes of its documents.
    pub(super) fn tell_failure(&self, error: &CallError, now: Duration) {
        self.warnings().failed(error, now);
    }

    /// Tells of documents that found no room, if there are any.
    pub(super) fn tell_lost(&self, lost: &Lost, now: Duration) {
        if let Some((spans, reason)) = lost.0 {
            self.warnings().lost(spans, reason, now);
        }
    }

    fn on_rejected(&self) -> MutexGuard<'_, Option<OnRejected>> {
        self.0.on_rejected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warnings(&self) -> MutexGuard<'_, Warnings> {
        self.0.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rejected(fate: &Fate) -> Option<Rejected<'_>> {
    let (item, spans, reason, refusal): (&Item, u32, DropReason, &Refusal) = match fate {
        Fate::Dropped { item, reason, refusal: Some(refusal) } => (item, item.spans, *reason, refusal),
        Fate::PartlySent { item, rejected_spans, refusal } if *rejected_spans > 0 => {
            (item, *rejected_spans, DropReason::Rejected, refusal)
        }
        _ => return None,
    };
    Some(Rejected {
        trace_id: item.trace_id(),
        segment_id: item.ids.map(|(_, id)| id),
        spans,
        reason,
        code: &refusal.code,
        message: &refusal.message,
    })
}

/// When the last warning of each kind was given, and how many were not given since.
#[derive(Debug, Default)]
struct Warnings {
    rejected: Rarely,
    failed: Rarely,
    lost: Rarely,
}

#[derive(Debug, Default)]
struct Rarely {
    last: Option<Duration>,
    untold: u64,
}

impl Rarely {
    /// A warning of one kind is not repeated before this has passed.
    const AT_MOST_EVERY: Duration = Duration::from_secs(60);

    /// If a warning is due: how many were not given since the last one.
    fn due(&mut self, now: Duration) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_sub(last) < Self::AT_MOST_EVERY) {
            self.untold += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl Warnings {
    fn rejected(&mut self, rejected: &Rejected<'_>, now: Duration) {
        let Some(untold) = self.rejected.due(now) else { return };
        otel_warn!(
            name: "XrayDelivery.Rejected",
            trace_id = rejected.trace_id.map(|id| id.to_string()).unwrap_or_default(),
            spans = rejected.spans,
            reason = rejected.reason.as_str(),
            code = shown(rejected.code),
            answer = shown(rejected.message),
            untold = untold,
            message = "X-Ray did not take a document"
        );
    }

    fn failed(&mut self, error: &CallError, now: Duration) {
        let Some(untold) = self.failed.due(now) else { return };
        otel_warn!(
            name: "XrayDelivery.CallFailed",
            kind = format!("{:?}", error.kind),
            error = shown(&error.message),
            untold = untold,
            message = "a call to X-Ray failed; what is worth another attempt is held and sent again"
        );
    }

    fn lost(&mut self, spans: u64, reason: DropReason, now: Duration) {
        let Some(untold) = self.lost.due(now) else { return };
        otel_warn!(
            name: "XrayDelivery.NoRoom",
            spans = spans,
            reason = reason.as_str(),
            untold = untold,
            message = "8 MiB of documents wait for X-Ray, so the oldest were dropped; reason says what they waited for, where overflow is that more came than went"
        );
    }
}

/// The other side's words, as far as a person wants to read them.
fn shown(text: &str) -> String {
    const CHARS: usize = 200;
    sanitize::truncate(text, CHARS).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_rare_and_count_what_they_leave_out() {
        let mut rarely = Rarely::default();
        let seconds = [0, 1, 59, 60, 61, 200];
        let due = seconds.map(|second| rarely.due(Duration::from_secs(second)));
        assert_eq!(due, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
