//! A pipeline, an X-Ray with faults at the other end, and the accounts of both.

use std::{
    any::Any,
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use e2e::end_at_once;
use opentelemetry_aws_xray::{DropReason, ExporterStats, Xray, XrayBuilder};
use tokio::runtime::Runtime;
use xray_local::{Faults, Limits, Snapshot, Stats, XrayLocal};
use xray_wire::{SegmentId, TraceId};

use crate::way::Way;

/// How long nothing may change until nothing will: six times the longest wait between two attempts.
const LONGEST_IDLE: Duration = Duration::from_secs(60);

/// Both ends.
#[derive(Debug)]
pub(crate) struct Road {
    pub(crate) xray: Xray,
    pub(crate) local: XrayLocal,
    pub(crate) runtime: Runtime,
    ended: HashSet<SegmentId>,
    told: Arc<Mutex<Vec<Told>>>,
    /// Ends the turn.
    _turn: Box<dyn Any>,
}

/// Those who measure memory want to be alone.
static TURN: RwLock<()> = RwLock::new(());

/// A document that was dropped, as the callback was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) trace_id: Option<TraceId>,
    pub(crate) segment_id: Option<SegmentId>,
    pub(crate) spans: u32,
    pub(crate) reason: DropReason,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What is left when both have stopped.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ended: HashSet<SegmentId>,
    pub(crate) stats: ExporterStats,
    pub(crate) told: Vec<Told>,
    pub(crate) arrived: HashSet<SegmentId>,
    /// What the other end counted.
    pub(crate) received: Stats,
    /// How often each fault struck.
    pub(crate) struck: Vec<u64>,
}

impl Road {
    /// Opens a road. Where documents are segments each span has its own, so that one knows of each what became of it.
    pub(crate) fn open(way: Way, faults: Faults) -> Self {
        Self::open_with(way, faults, one_by_one)
    }

    /// Opens a road for a pipeline with settings of its own.
    pub(crate) fn open_with(
        way: Way,
        faults: Faults,
        settings: impl FnOnce(XrayBuilder) -> XrayBuilder,
    ) -> Self {
        let turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
        Self::open_to(Box::new(turn), "127.0.0.1", way, faults, settings)
    }

    /// Opens a road to a host that stands for 127.0.0.1.
    pub(crate) fn open_to_host(host: &str, way: Way) -> Self {
        let turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
        Self::open_to(Box::new(turn), host, way, Faults::default(), one_by_one)
    }

    /// Opens a road when all others are closed, and keeps them closed.
    pub(crate) fn open_alone(way: Way) -> Self {
        let turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
        Self::open_to(Box::new(turn), "127.0.0.1", way, Faults::default(), one_by_one)
    }

    fn open_to(
        turn: Box<dyn Any>,
        host: &str,
        way: Way,
        faults: Faults,
        settings: impl FnOnce(XrayBuilder) -> XrayBuilder,
    ) -> Self {
        let mut limits = Limits::default();
        (limits.traces, limits.bytes) = (usize::MAX, usize::MAX);
        let builder = XrayLocal::builder().with_addr("127.0.0.1:0").with_limits(limits).with_faults(faults);
        let runtime = Runtime::new().unwrap();
        let local = runtime.block_on(builder.start()).unwrap();
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let xray = settings(way.to(pipeline(&told), host, local.addr().port())).build();
        Self { xray, local, runtime, ended: HashSet::new(), told, _turn: turn }
    }

    /// Ends traces of so many spans each.
    pub(crate) fn end(&mut self, traces: usize, spans_each: usize) {
        self.ended.extend(end_at_once(&self.xray, traces, spans_each));
    }

    /// Flushes until the fate of every span is known.
    pub(crate) fn settle(&self) {
        let (mut decided, mut since) = (0, Instant::now());
        while since.elapsed() < LONGEST_IDLE {
            // Returns at once while the next attempt is further away than a flush waits for.
            let _ = self.xray.force_flush();
            let stats = self.xray.stats();
            let now = stats.spans_sent + stats.spans_dropped();
            if now == stats.spans_ended {
                return;
            }
            if now > decided {
                (decided, since) = (now, Instant::now());
            }
            std::thread::yield_now();
        }
        panic!("nothing has changed for {LONGEST_IDLE:?}: {:?}", self.xray.stats());
    }

    /// Shuts down the pipeline and then the other end, which reads all that came.
    pub(crate) fn close(self) -> Outcome {
        let _ = self.xray.shutdown();
        let struck = self.local.faults_struck();
        let snapshot = self.runtime.block_on(self.local.shutdown());
        Outcome {
            ended: self.ended,
            stats: self.xray.stats(),
            told: std::mem::take(&mut self.told.lock().unwrap()),
            arrived: ids(&snapshot),
            received: snapshot.stats,
            struck,
        }
    }
}

/// Each span in a document of its own.
pub(crate) fn one_by_one(xray: XrayBuilder) -> XrayBuilder {
    xray.with_exporter(|exporter| exporter.with_nesting(false))
}

/// Keeps what it is told.
fn pipeline(told: &Arc<Mutex<Vec<Told>>>) -> XrayBuilder {
    let told = Arc::clone(told);
    Xray::builder().with_service_name("orders").with_exporter(|exporter| {
        exporter.with_on_rejected(move |rejected| {
            told.lock().unwrap().push(Told {
                trace_id: rejected.trace_id,
                segment_id: rejected.segment_id,
                spans: rejected.spans,
                reason: rejected.reason,
                code: rejected.code.to_owned(),
                message: rejected.message.to_owned(),
            });
        })
    })
}

/// The ids of all segments and subsegments.
pub(crate) fn ids(snapshot: &Snapshot) -> HashSet<SegmentId> {
    let documents = snapshot.traces.iter().flat_map(|trace| &trace.documents);
    documents.flat_map(|document| &document.nodes).map(|node| node.id).collect()
}

impl Outcome {
    /// Whatever happened: the numbers add up, every dropped span was told of with its reason, and all others are there. Those told
    /// of may be there as well, since answers get lost.
    pub(crate) fn assert_accounted(&self, what: &str) {
        let Self { ended, stats, told, arrived, .. } = self;
        let dropped = stats.spans_dropped();
        assert_eq!((stats.spans_ended, stats.spans_missed), (ended.len() as u64, 0), "{what}: {stats:?}");
        assert_eq!(stats.spans_held, 0, "{what}: {stats:?}");
        assert_eq!(stats.spans_sent + dropped, stats.spans_ended, "{what}: {stats:?}");
        for reason in DropReason::ALL {
            let spans: u32 = told.iter().filter(|told| told.reason == reason).map(|told| told.spans).sum();
            assert_eq!(stats.dropped(reason), u64::from(spans), "{what}: {reason}, {stats:?}");
        }
        let arrived_spans = arrived.len() as u64;
        assert!(
            (stats.spans_sent..=stats.spans_sent + dropped).contains(&arrived_spans),
            "{what}: {stats:?}"
        );
        assert!(arrived.is_subset(ended), "{what}");
        if told.iter().all(|told| told.spans == 1) {
            let told: HashSet<_> = told.iter().filter_map(|told| told.segment_id).collect();
            assert_eq!(ended.difference(arrived).find(|id| !told.contains(id)), None, "{what}");
        }
    }

    /// Everything arrived, and is called sent.
    pub(crate) fn assert_complete(&self, what: &str) {
        self.assert_accounted(what);
        assert_eq!((self.stats.spans_dropped(), &self.told[..]), (0, &[][..]), "{what}");
        assert_eq!(self.arrived, self.ended, "{what}");
    }
}
