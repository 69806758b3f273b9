//! The store as the receivers and the viewer share it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use xray_wire::{Timestamp, TraceId};

use crate::{
    clock,
    document::{Document, Rejected, Rejection, Source},
    store::{Limits, Snapshot, Stats, Store, Trace},
    telemetry::{Telemetry, TelemetryCall},
};

#[derive(Debug, Clone)]
pub(crate) struct SharedStore {
    store: Arc<Mutex<Store>>,
    version: watch::Sender<u64>,
}

impl SharedStore {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { store: Arc::new(Mutex::new(Store::new(limits))), version: watch::Sender::new(0) }
    }

    /// Takes a document in. It is read before the lock is taken.
    pub(crate) fn receive(&self, json: &[u8], source: Source) -> Result<(), Arc<Rejected>> {
        let now = clock::now();
        let document = Document::read(json, now);
        self.change(|store| store.insert(document, json, source, now))
    }

    /// Lists something that was turned away before it could be read.
    pub(crate) fn reject(&self, make: impl FnOnce(Timestamp) -> Rejected) {
        let rejected = make(clock::now());
        self.change(|store| store.reject(rejected));
    }

    pub(crate) fn count_datagrams(&self, came: u64, overflowed: u64) {
        self.change(|store| store.count_datagrams(came, overflowed));
    }

    pub(crate) fn count_otlp(&self, spans: u64, unsampled: u64) {
        self.change(|store| store.count_otlp(spans, unsampled));
    }

    /// Lists a request of OTLP that was turned away.
    pub(crate) fn reject_otlp(&self, request: &[u8], reason: &str, source: Source) {
        self.reject(|now| Rejected::new(request, Rejection::new("", format!("OTLP: {reason}")), source, now));
    }

    pub(crate) fn keep_telemetry(&self, call: TelemetryCall, now: Timestamp) {
        self.change(|store| store.keep_telemetry(call, now));
    }

    pub(crate) fn telemetry(&self) -> Telemetry {
        self.lock().telemetry().clone()
    }

    /// Something else that the pages show has changed.
    pub(crate) fn touch(&self) {
        self.change(Store::touch);
    }

    pub(crate) fn clear(&self) {
        self.change(Store::clear);
    }

    pub(crate) fn stats(&self) -> Stats {
        self.lock().stats()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().snapshot()
    }

    pub(crate) fn trace(&self, id: TraceId) -> Option<Arc<Trace>> {
        self.lock().trace(id)
    }

    /// Hears of every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let (result, version) = {
            let mut store = self.lock();
            (change(&mut store), store.stats().version)
        };
        self.version.send_if_modified(|seen| {
            let news = version > *seen;
            *seen = version.max(*seen);
            news
        });
        result
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
