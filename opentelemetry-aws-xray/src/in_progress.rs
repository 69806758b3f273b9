//! In-progress segments: a request that takes long, hangs or ends with a crash is seen before it ends.

mod alongside;
mod waiting_room;
mod worker;

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender},
    thread,
    time::Duration,
};

pub(crate) use alongside::Alongside;
use opentelemetry::{
    Context, KeyValue, SpanId, otel_warn,
    trace::{Span as _, SpanKind},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Span, SpanData, SpanProcessor},
};
use waiting_room::SharedRoom;
use worker::{Command, Worker};

use crate::{
    clock::{Clock, SystemClock},
    exporter::{ExporterStats, StatsHandle, XrayExporter},
};

/// Sends a segment as soon as its span has run for a while, with `in_progress` instead of an end. The span's own
/// segment, which the other processor sends when it ends, replaces it in X-Ray.
///
/// That is done for spans that become segments: SERVER and CONSUMER spans, and those without a parent in this
/// process. A span that ends within the delay costs no document; one that runs longer costs one more. What the span has at
/// its start is what is shown: its name, and the attributes it was built with.
///
/// It works on a thread of its own, with an exporter of its own, so that nothing waits for it. Add it before the processor
/// that sends what has ended: then a span that ends is first taken off the list of those to show. A span may still end just
/// while it is sent; X-Ray then gets both documents in any order, and the complete one wins.
///
/// A segment that is shown has to be sent when it ends too, or it stays in progress for ever. So don't use it where something behind the
/// sampler lets sampled spans go, as [`TailSampling::judge_sampled`](crate::TailSampling::judge_sampled) does.
///
/// It copies each sampled span at its start, and the SDK copies it once more at its end, since there are two processors
/// then: about a microsecond a span with ten attributes. The SDK has them flush and shut down one after the other, each with all of
/// the time.
///
/// [`XrayBuilder::with_in_progress`](crate::XrayBuilder::with_in_progress) does all this, with one copy, and both at the same time.
///
/// ```
/// use opentelemetry_aws_xray::{InProgressProcessor, XrayExporter};
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// let early = XrayExporter::builder().build();
/// let provider = SdkTracerProvider::builder()
///     .with_span_processor(InProgressProcessor::new(early, InProgressProcessor::DEFAULT_DELAY))
///     .with_batch_exporter(XrayExporter::builder().build())
///     .build();
/// # drop(provider);
/// ```
#[derive(Debug)]
pub struct InProgressProcessor {
    room: SharedRoom,
    commands: Sender<Command>,
    exporter_stats: StatsHandle,
}

impl InProgressProcessor {
    /// How long a span runs before it is shown, unless told otherwise: one second. Most requests are over by then and cost
    /// no document, and who looks for one that hangs can wait that long.
    pub const DEFAULT_DELAY: Duration = Duration::from_secs(1);

    /// The most spans that wait for their delay to pass: as many as the SDK's own queue holds by default, some megabytes.
    /// Those that start while there are so many are not shown before they end, and counted.
    pub const MAX_WAITING: usize = 2_048;

    /// Sends segments in progress to an exporter, after their spans have run for `delay`.
    ///
    /// Never fails: if no thread can be started, that is told in a warning, and nothing is shown before it ends.
    #[must_use]
    pub fn new(exporter: XrayExporter, delay: Duration) -> Self {
        let exporter_stats = exporter.stats_handle();
        let room = SharedRoom::new(Self::MAX_WAITING);
        let (commands, received) = mpsc::channel();
        let worker = Worker::new(room.clone(), received, delay, exporter);
        let name = "opentelemetry-aws-xray.in-progress".to_owned();
        if let Err(error) = thread::Builder::new().name(name).spawn(move || worker.run()) {
            otel_warn!(name: "InProgressProcessor.NoThread", message = "segments are not shown before they end", error = error.to_string());
            room.lock().close();
        }
        Self { room, commands, exporter_stats }
    }

    /// The numbers now.
    #[must_use]
    pub fn stats(&self) -> InProgressStats {
        self.stats_handle().now()
    }

    /// A handle to the numbers, for when the processor is given away.
    #[must_use]
    pub fn stats_handle(&self) -> InProgressStatsHandle {
        InProgressStatsHandle { room: self.room.clone(), exporter: self.exporter_stats.clone() }
    }

    fn has_ended(&self, span: &SpanData) {
        if becomes_segment(span) {
            self.room.lock().leave(&span.span_context);
        }
    }

    fn begin_flush(&self, deadline: Duration) -> Result<Answer, OTelSdkError> {
        #[cfg(feature = "lambda")]
        if Context::map_current(|cx| cx.get::<OnlyEnded>().is_some()) {
            return Ok(Answer::NOT_NEEDED);
        }
        self.ask(|done| Command::Flush(deadline, done))
    }

    fn begin_shutdown(&self, deadline: Duration) -> Result<Answer, OTelSdkError> {
        self.ask(|done| Command::Shutdown(deadline, done))
    }

    fn ask(
        &self,
        command: impl FnOnce(SyncSender<OTelSdkResult>) -> Command,
    ) -> Result<Answer, OTelSdkError> {
        let (done, answer) = mpsc::sync_channel(1);
        self.commands.send(command(done)).map_err(|_| OTelSdkError::AlreadyShutdown)?;
        Ok(Answer(Some(answer)))
    }
}

/// An answer that the worker owes, if there is anything to do.
struct Answer(Option<Receiver<OTelSdkResult>>);

impl Answer {
    #[cfg(feature = "lambda")]
    const NOT_NEEDED: Self = Self(None);

    /// Waits for it, until a time of [`SystemClock`].
    fn by(self, deadline: Duration) -> OTelSdkResult {
        let Some(answer) = self.0 else { return Ok(()) };
        let left = deadline.saturating_sub(SystemClock.now());
        match answer.recv_timeout(left) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(OTelSdkError::Timeout(left)),
            Err(RecvTimeoutError::Disconnected) => Err(OTelSdkError::AlreadyShutdown),
        }
    }
}

/// As long as the SDK's batch processor takes at most.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

impl SpanProcessor for InProgressProcessor {
    fn on_start(&self, span: &mut Span, _parent: &Context) {
        if !span.span_context().is_sampled() {
            return;
        }
        // The SDK tells a processor what kind a span is only in a copy of all of it.
        let Some(mut span) = span.exported_data().filter(becomes_segment) else { return };
        span.attributes.push(KeyValue::new(IN_PROGRESS, true));
        let is_awaited = self.room.lock().enter(span, SystemClock.now());
        if is_awaited {
            // A worker that is gone has closed the room.
            let _ = self.commands.send(Command::Wake);
        }
    }

    fn on_end(&self, span: SpanData) {
        self.has_ended(&span);
    }

    /// Sends all that waits, however short, and what the exporter still holds, within five seconds.
    fn force_flush(&self) -> OTelSdkResult {
        let deadline = SystemClock.now().saturating_add(FLUSH_TIMEOUT);
        self.begin_flush(deadline)?.by(deadline)
    }

    /// Sends all that waits, so that what is interrupted is seen, and stops.
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let deadline = SystemClock.now().saturating_add(timeout);
        self.begin_shutdown(deadline)?.by(deadline)
    }

    fn set_resource(&mut self, resource: &Resource) {
        let _ = self.commands.send(Command::SetResource(resource.clone()));
    }
}

/// In the context of whoever flushes a provider: what has not ended stays where it is.
#[cfg(feature = "lambda")]
struct OnlyEnded;

/// Runs `flush`, in which no span is shown before its end. With several invocations at a time, each answer would otherwise show all
/// others, however short they are.
#[cfg(feature = "lambda")]
pub(crate) fn only_what_has_ended<T>(flush: impl FnOnce() -> T) -> T {
    let _only_ended = Context::current_with_value(OnlyEnded).attach();
    flush()
}

/// The attribute by which the exporter knows that a span has not ended.
pub(crate) const IN_PROGRESS: &str = "aws.xray.inprogress";

fn becomes_segment(span: &SpanData) -> bool {
    span.parent_span_id == SpanId::INVALID
        || span.parent_span_is_remote
        || matches!(span.span_kind, SpanKind::Server | SpanKind::Consumer)
}

/// What became of segments in progress. [`started`](Self::started) = [`waiting`](Self::waiting) +
/// [`ended_first`](Self::ended_first) + [`not_shown`](Self::not_shown) + `exporter.spans_in`, while none is just being sent.
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// use opentelemetry_aws_xray::Xray;
///
/// let xray = Xray::builder().with_in_progress(true).build();
/// let span = xray.tracer_provider().tracer("shop").start("order");
/// let stats = xray.in_progress_stats().unwrap();
/// assert_eq!(stats.started, 1);
/// println!("{} requests run for more than a second", stats.exporter.spans_in);
/// # drop(span);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct InProgressStats {
    /// Spans that started and become segments.
    pub started: u64,
    /// Those that have not run for the delay yet.
    pub waiting: u64,
    /// Those that ended before they were to be shown.
    pub ended_first: u64,
    /// Those that were not shown because [too many](InProgressProcessor::MAX_WAITING) waited, or one with the same id did.
    pub not_shown: u64,
    /// The numbers of the exporter for segments in progress. Its spans come to the other exporter too, when they end.
    pub exporter: ExporterStats,
}

/// Reads an [`InProgressProcessor`]'s numbers wherever it has gone. Cheap to clone.
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// use opentelemetry_aws_xray::{InProgressProcessor, XrayExporter};
/// # use opentelemetry_aws_xray::sink::MemorySink;
/// # use opentelemetry_sdk::trace::SdkTracerProvider;
/// # let early = XrayExporter::builder().with_sink(MemorySink::default()).build();
///
/// let processor = InProgressProcessor::new(early, std::time::Duration::from_secs(3_600));
/// let handle = processor.stats_handle();
/// let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
/// let span = provider.tracer("shop").start("order");
/// assert_eq!(handle.now().waiting, 1);
/// drop(span);
/// assert_eq!((handle.now().waiting, handle.now().ended_first), (0, 1));
/// ```
#[derive(Debug, Clone)]
pub struct InProgressStatsHandle {
    room: SharedRoom,
    exporter: StatsHandle,
}

impl InProgressStatsHandle {
    /// The numbers now.
    #[must_use]
    pub fn now(&self) -> InProgressStats {
        InProgressStats { exporter: self.exporter.now(), ..self.room.lock().stats() }
    }
}
