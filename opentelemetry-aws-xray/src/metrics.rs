//! The exporter's numbers as OpenTelemetry metrics, for Prometheus and its kind.
//!
//! Names are those of the semantic conventions for SDKs where they have one (`otel.sdk.exporter.…`,
//! `otel.sdk.processor.…`), and start with `aws.xray.exporter.` where they have none. All are observed when a reader
//! collects: nothing is spent on the way of a span.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use opentelemetry::{KeyValue, metrics::Meter};

use crate::exporter::{DropReason, ExporterStats, StatsHandle};

const COMPONENT: &str = "aws_xray_exporter";
const TYPE: &str = "otel.component.type";
const NAME: &str = "otel.component.name";
const ERROR: &str = "error.type";

/// A metric that is one number of [`ExporterStats`].
struct Metric {
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    read: fn(&ExporterStats) -> u64,
    /// Whether it may fall.
    is_level: bool,
}

const METRICS: [Metric; 7] = [
    Metric {
        name: "otel.sdk.exporter.span.inflight",
        unit: "{span}",
        description: "Spans that are held back or on their way",
        read: |stats| stats.spans_held,
        is_level: true,
    },
    Metric {
        name: "otel.sdk.processor.span.queue.size",
        unit: "{span}",
        description: "Spans that have ended and wait for the exporter",
        read: |stats| stats.spans_ended.saturating_sub(stats.spans_in + stats.spans_missed),
        is_level: true,
    },
    Metric {
        name: "aws.xray.exporter.documents",
        unit: "{document}",
        description: "Segment documents that were sent",
        read: |stats| stats.documents_sent,
        is_level: false,
    },
    Metric {
        name: "aws.xray.exporter.sent",
        unit: "By",
        description: "Bytes of the documents that were sent",
        read: |stats| stats.bytes_sent,
        is_level: false,
    },
    Metric {
        name: "aws.xray.exporter.cut",
        unit: "{text}",
        description: "Texts and lists that were cut because a limit demanded it",
        read: |stats| stats.cut,
        is_level: false,
    },
    Metric {
        name: "aws.xray.exporter.refused",
        unit: "{datagram}",
        description: "Datagrams of which the operating system said that the daemon's port was closed",
        read: |stats| stats.refused,
        is_level: false,
    },
    Metric {
        name: "aws.xray.exporter.overflowed",
        unit: "{datagram}",
        description: "Datagrams of this or other senders that the daemon's socket was seen to have lost",
        read: |stats| stats.overflowed,
        is_level: false,
    },
];

/// Lets a meter observe an exporter's numbers for as long as its provider lives.
pub(crate) fn observe(stats: &StatsHandle, meter: &Meter) {
    /// Tells the exporters of one process apart.
    static EXPORTERS: AtomicU64 = AtomicU64::new(0);
    let component = format!("{COMPONENT}/{}", EXPORTERS.fetch_add(1, Relaxed));
    let common = [KeyValue::new(TYPE, COMPONENT), KeyValue::new(NAME, component)];
    for Metric { name, unit, description, read, is_level } in METRICS {
        let (stats, attributes) = (stats.clone(), common.clone());
        if is_level {
            meter
                .i64_observable_up_down_counter(name)
                .with_unit(unit)
                .with_description(description)
                .with_callback(move |instrument| {
                    instrument.observe(i64::try_from(read(&stats.now())).unwrap_or(i64::MAX), &attributes);
                })
                .build();
        } else {
            meter
                .u64_observable_counter(name)
                .with_unit(unit)
                .with_description(description)
                .with_callback(move |instrument| instrument.observe(read(&stats.now()), &attributes))
                .build();
        }
    }
    let calls = meter
        .f64_histogram("otel.sdk.exporter.operation.duration")
        .with_unit("s")
        .with_description("How long a call took, on roads on which the other side answers");
    stats.record_calls(calls.build());
    exported(stats.clone(), meter, &common);
    missed(stats.clone(), meter, &common);
}

/// Spans whose fate is known: without `error.type` they were sent.
fn exported(stats: StatsHandle, meter: &Meter, common: &[KeyValue]) {
    let sent = common.to_vec();
    let dropped = DropReason::ALL.map(|reason| (reason, with_error(common, reason.as_str())));
    meter
        .u64_observable_counter("otel.sdk.exporter.span.exported")
        .with_unit("{span}")
        .with_description("Spans that were sent, or dropped for the reason in error.type")
        .with_callback(move |instrument| {
            let stats = stats.now();
            instrument.observe(stats.spans_sent, &sent);
            for (reason, attributes) in &dropped {
                if stats.dropped(*reason) > 0 {
                    instrument.observe(stats.dropped(*reason), attributes);
                }
            }
        })
        .build();
}

fn missed(stats: StatsHandle, meter: &Meter, common: &[KeyValue]) {
    let (done, full) = (common.to_vec(), with_error(common, "queue_full"));
    meter
        .u64_observable_counter("otel.sdk.processor.span.processed")
        .with_unit("{span}")
        .with_description("Spans that went from the queue to the exporter, or found the queue full")
        .with_callback(move |instrument| {
            let stats = stats.now();
            instrument.observe(stats.spans_in, &done);
            if stats.spans_missed > 0 {
                instrument.observe(stats.spans_missed, &full);
            }
        })
        .build();
}

fn with_error(common: &[KeyValue], error: &'static str) -> Vec<KeyValue> {
    [common, &[KeyValue::new(ERROR, error)]].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use opentelemetry::{
        metrics::MeterProvider,
        trace::{Span, Tracer, TracerProvider},
    };
    use opentelemetry_sdk::metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData, ScopeMetrics},
    };

    use crate::{Xray, sink::MemorySink};

    /// The values by metric and `error.type`.
    fn values(exporter: &InMemoryMetricExporter) -> BTreeMap<(String, String), u64> {
        let mut values = BTreeMap::new();
        for resource in exporter.get_finished_metrics().unwrap() {
            for metric in resource.scope_metrics().flat_map(ScopeMetrics::metrics) {
                let mut add = |mut attributes: &mut dyn Iterator<Item = &opentelemetry::KeyValue>, value| {
                    let error =
                        Iterator::find(&mut attributes, |attribute| attribute.key.as_str() == super::ERROR);
                    let error = error.map(|error| error.value.to_string()).unwrap_or_default();
                    values.insert((metric.name().to_owned(), error), value);
                };
                match metric.data() {
                    AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                        sum.data_points().for_each(|point| add(&mut point.attributes(), point.value()));
                    }
                    AggregatedMetrics::I64(MetricData::Sum(sum)) => {
                        sum.data_points()
                            .for_each(|point| add(&mut point.attributes(), point.value() as u64));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        values
    }

    #[test]
    fn the_numbers_are_observed() {
        let exporter = InMemoryMetricExporter::default();
        let metrics = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let xray = Xray::builder()
            .with_meter(metrics.meter("test"))
            .with_exporter(|exporter| exporter.with_sink(MemorySink::default()))
            .build();
        xray.tracer_provider().tracer("test").start("job").end();
        xray.force_flush().unwrap();
        metrics.force_flush().unwrap();
        let values = values(&exporter);
        let value = |name: &str| values.get(&(name.to_owned(), String::new())).copied();
        assert_eq!(value("otel.sdk.exporter.span.exported"), Some(1), "{values:?}");
        assert_eq!(value("otel.sdk.exporter.span.inflight"), Some(0));
        assert_eq!(value("otel.sdk.processor.span.processed"), Some(1));
        assert_eq!(value("aws.xray.exporter.documents"), Some(1));
        assert_eq!(value("aws.xray.exporter.sent"), Some(xray.stats().bytes_sent));
    }
}
