//! What is known of the last traces.

use std::collections::HashMap;

use opentelemetry::TraceId;

/// Remembers something of between `max` and twice as many of the last traces.
///
/// The older half is forgotten at once, which needs no list of who came first.
pub(crate) struct Recent<V> {
    young: HashMap<TraceId, V>,
    old: HashMap<TraceId, V>,
    max: usize,
}

impl<V: Copy> Recent<V> {
    pub(crate) fn new(max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), max: max.max(1) }
    }

    pub(crate) fn find(&self, trace: TraceId) -> Option<V> {
        self.young.get(&trace).or_else(|| self.old.get(&trace)).copied()
    }

    pub(crate) fn remember(&mut self, trace: TraceId, value: V) {
        if self.young.len() >= self.max && !self.young.contains_key(&trace) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(trace, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_known_and_not_many_more() {
        let mut recent = Recent::new(10);
        for n in 0..1_000_u128 {
            recent.remember(TraceId::from(n + 1), n);
            for last in n.saturating_sub(9)..=n {
                assert_eq!(recent.find(TraceId::from(last + 1)), Some(last));
            }
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!(recent.find(TraceId::from(1)), None);
        recent.remember(TraceId::from(1_000), 0);
        assert_eq!(recent.find(TraceId::from(1_000)), Some(0));
    }
}
