//! Spans → requests: every span in exactly one, traces together as far as they fit, no request over a limit.

use std::{collections::HashMap, time::Duration};

use super::protobuf::field_len;

/// What a request may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of the request.
    pub(super) bytes: usize,
    /// Spans.
    pub(super) spans: usize,
    /// Nanoseconds from the first start to the last end. A span that lasts longer goes alone.
    pub(super) spread: u64,
}

impl Limits {
    /// Of one call of X-Ray's OTLP endpoint (X-Ray developer guide, "OpenTelemetry Protocol endpoint": 5 MB uncompressed,
    /// 10,000 spans, 24 hours).
    pub(super) const ENDPOINT: Self = Self { bytes: 5_000_000, spans: 10_000, spread: DAY };
}

const DAY: u64 = Duration::from_secs(24 * 60 * 60).as_nanos() as u64;

/// What there is to know of a span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// Its trace.
    pub(super) trace: u128,
    /// Whether its trace is sampled: a request holds spans that are or spans that are not.
    pub(super) sampled: bool,
    /// The index of its scope.
    pub(super) scope: usize,
    /// Bytes of the encoded span.
    pub(super) bytes: usize,
    /// When it began, in nanoseconds.
    pub(super) start: u64,
    /// When it ended.
    pub(super) end: u64,
}

/// Which span goes into which request. Its room is used again from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The indexes of the items, request by request, and in each scope by scope.
    order: Vec<usize>,
    /// Where each request ends in `order`.
    ends: Vec<usize>,
}

impl Plan {
    /// Divides items. `fixed` is what each request takes besides its scopes, in bytes; `scopes` what each scope does besides its
    /// spans.
    pub(super) fn arrange(&mut self, items: &[Item], fixed: usize, scopes: &[usize], limits: &Limits) {
        self.ends.clear();
        self.group(items);
        let empty = Load::new(fixed);
        let mut load = empty.clone();
        let mut with_trace = empty.clone();
        let mut position = 0;
        while let Some(&first) = self.order.get(position) {
            let same = |index: &&usize| items[**index].group() == items[first].group();
            let trace = self.order[position..].iter().take_while(same).count();
            let trace = &self.order[position..position + trace];
            position += trace.len();

            // As a whole into this request, else from the beginning of the next one, in which it may not fit either.
            with_trace.clone_from(&load);
            trace.iter().for_each(|&index| with_trace.add(&items[index], scopes));
            if with_trace.keeps(limits) {
                std::mem::swap(&mut load, &mut with_trace);
                continue;
            }
            for (offset, &index) in trace.iter().enumerate() {
                with_trace.clone_from(&load);
                with_trace.add(&items[index], scopes);
                if load.spans > 0 && (offset == 0 || !with_trace.keeps(limits)) {
                    self.ends.push(position - trace.len() + offset);
                    load.clone_from(&empty);
                    load.add(&items[index], scopes);
                } else {
                    std::mem::swap(&mut load, &mut with_trace);
                }
            }
        }
        if load.spans > 0 {
            self.ends.push(self.order.len());
        }
        self.sort_by_scope(items);
    }

    /// The requests, each as the indexes of its items, those of one scope next to each other.
    pub(super) fn requests(&self) -> impl Iterator<Item = &[usize]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let request = &self.order[start..end];
            start = end;
            request
        })
    }

    /// Puts sampled spans before others, and those of one trace next to each other, in the order in which they came.
    fn group(&mut self, items: &[Item]) {
        let mut ranks = HashMap::with_capacity(items.len());
        for item in items {
            let next = ranks.len();
            ranks.entry(item.group()).or_insert(next);
        }
        self.order.clear();
        self.order.extend(0..items.len());
        self.order.sort_by_key(|&index| (!items[index].sampled, ranks.get(&items[index].group())));
    }

    fn sort_by_scope(&mut self, items: &[Item]) {
        let mut start = 0;
        for &end in &self.ends {
            self.order[start..end].sort_by_key(|&index| items[index].scope);
            start = end;
        }
    }
}

impl Item {
    fn group(&self) -> (bool, u128) {
        (self.sampled, self.trace)
    }
}

/// What a request holds so far.
#[derive(Debug, Clone)]
struct Load {
    spans: usize,
    sampled: bool,
    mixed: bool,
    /// Bytes of its `ResourceSpans`.
    bytes: usize,
    /// The scopes that it has, with the bytes of each.
    scopes: HashMap<usize, usize>,
    start: u64,
    end: u64,
}

impl Load {
    fn new(fixed: usize) -> Self {
        Self {
            spans: 0,
            sampled: true,
            mixed: false,
            bytes: fixed,
            scopes: HashMap::new(),
            start: u64::MAX,
            end: 0,
        }
    }

    fn add(&mut self, item: &Item, scopes: &[usize]) {
        self.mixed |= self.spans > 0 && self.sampled != item.sampled;
        self.sampled = item.sampled;
        self.spans += 1;
        let scope = self.scopes.entry(item.scope).or_default();
        let before = if *scope == 0 { 0 } else { field_len(*scope) };
        if *scope == 0 {
            *scope = scopes.get(item.scope).copied().unwrap_or_default();
        }
        *scope += field_len(item.bytes);
        self.bytes += field_len(*scope) - before;
        self.start = self.start.min(item.start);
        self.end = self.end.max(item.end);
    }

    fn keeps(&self, limits: &Limits) -> bool {
        !self.mixed
            && self.spans <= limits.spans
            && field_len(self.bytes) <= limits.bytes
            && self.end.saturating_sub(self.start) <= limits.spread
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    const FIXED: usize = 100;

    fn item(trace: u128, bytes: usize) -> Item {
        Item { trace, sampled: true, scope: 0, bytes, start: 0, end: 0 }
    }

    fn requests(items: &[Item], limits: &Limits) -> Vec<Vec<usize>> {
        let mut plan = Plan::default();
        plan.arrange(items, FIXED, &[10, 20, 300], limits);
        plan.requests().map(<[usize]>::to_vec).collect()
    }

    #[test]
    fn traces_stay_together_as_far_as_they_fit() {
        let limits = Limits { bytes: 1_000, spans: 3, spread: 10 };
        let unsampled = Item { sampled: false, ..item(1, 1) };
        let later = Item { start: 11, end: 11, ..item(1, 1) };
        let scoped = |scope| Item { scope, ..item(1, 1) };
        for (name, items, expected) in [
            ("nothing", vec![], vec![]),
            ("all fits", vec![item(1, 1), item(2, 1), item(1, 1)], vec![vec![0, 2, 1]]),
            (
                "a trace goes as a whole",
                vec![item(1, 1), item(1, 1), item(2, 1), item(2, 1)],
                vec![vec![0, 1], vec![2, 3]],
            ),
            ("a trace of many spans", vec![item(1, 1); 5], vec![vec![0, 1, 2], vec![3, 4]]),
            (
                "… and its neighbours",
                vec![item(2, 1), item(1, 1), item(1, 1), item(1, 1), item(1, 1), item(3, 1)],
                vec![vec![0], vec![1, 2, 3], vec![4, 5]],
            ),
            ("large spans", vec![item(1, 500), item(1, 500), item(1, 100)], vec![vec![0], vec![1, 2]]),
            (
                "unsampled ones apart, and last",
                vec![unsampled, item(1, 1), unsampled],
                vec![vec![1], vec![0, 2]],
            ),
            ("far apart in time", vec![item(1, 1), later, item(1, 1)], vec![vec![0], vec![1], vec![2]]),
            ("by scope", vec![scoped(1), scoped(0), scoped(1)], vec![vec![1, 0, 2]]),
        ] {
            assert_eq!(requests(&items, &limits), expected, "{name}");
        }
    }

    fn items() -> impl Strategy<Value = Vec<Item>> {
        let item = (0..5_u128, any::<bool>(), 0..3_usize, 0..600_usize, 0..40_u64, 0..20_u64);
        let item = item.prop_map(|(trace, sampled, scope, bytes, start, length)| Item {
            trace,
            sampled,
            scope,
            bytes,
            start,
            end: start + length,
        });
        vec(item, 0..40)
    }

    proptest! {
        #[test]
        fn every_span_is_in_one_request_that_keeps_to_the_limits(items in items(), spans in 1..9_usize) {
            let limits = Limits { bytes: 1_100, spans, spread: 30 };
            let requests = requests(&items, &limits);
            let mut all: Vec<usize> = requests.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..items.len()).collect::<Vec<_>>());
            for request in &requests {
                let of = |value: fn(&Item) -> u64| request.iter().map(|&index| value(&items[index])).collect::<Vec<_>>();
                prop_assert!(request.len() <= spans);
                prop_assert!(of(|item| item.end).iter().max().unwrap() - of(|item| item.start).iter().min().unwrap() <= 30);
                prop_assert_eq!(HashSet::<u64>::from_iter(of(|item| item.sampled.into())).len(), 1);
                prop_assert!(request.is_sorted_by_key(|&index| items[index].scope));
                prop_assert!(bytes(request, &items) <= limits.bytes);
            }
        }
    }

    /// The size of a request, computed from the whole.
    fn bytes(request: &[usize], items: &[Item]) -> usize {
        let scopes = [10, 20, 300].iter().enumerate().map(|(scope, scope_bytes)| {
            let spans = request.iter().map(|&index| &items[index]).filter(|item| item.scope == scope);
            let bytes: usize = spans.map(|item| field_len(item.bytes)).sum();
            if bytes == 0 { 0 } else { field_len(scope_bytes + bytes) }
        });
        field_len(FIXED + scopes.sum::<usize>())
    }
}
