//! Whether anybody is there to send to. While nobody is, one call at a time goes out to see.

use std::time::Duration;

use super::retry;
use crate::exporter::DropReason;

/// The shortest time between two looks: what restarts takes at least that long, and a refused connection costs little.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The other side, as far as the last calls showed.
#[derive(Debug, Default)]
pub(super) struct Presence {
    away: Option<Away>,
}

#[derive(Debug)]
struct Away {
    reason: DropReason,
    /// Looks in a row that found nobody.
    misses: u32,
    missed_at: Duration,
    /// When to look again; `None` while a look is on its way.
    look_at: Option<Duration>,
}

/// Whether a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Any number may.
    Open,
    /// One may, to see whether anybody is there.
    Look,
    /// None may before this time; before a look comes back, if there is no time.
    Shut(Option<Duration>),
}

impl Presence {
    pub(super) fn gate(&self, now: Duration) -> Gate {
        match &self.away {
            None => Gate::Open,
            Some(Away { look_at: Some(at), .. }) if *at <= now => Gate::Look,
            Some(away) => Gate::Shut(away.look_at),
        }
    }

    /// Why nobody is there; `None` if somebody is.
    pub(super) fn away(&self) -> Option<DropReason> {
        self.away.as_ref().map(|away| away.reason)
    }

    /// Whether a call has found nobody since.
    pub(super) fn is_away_since(&self, since: Duration) -> bool {
        self.away.as_ref().is_some_and(|away| away.missed_at >= since)
    }

    /// A call goes out to see.
    pub(super) fn looks(&mut self) {
        if let Some(away) = &mut self.away {
            away.look_at = None;
        }
    }

    /// Look at once, unless a look is on its way.
    pub(super) fn look_now(&mut self, now: Duration) {
        if let Some(Away { look_at: Some(at), .. }) = &mut self.away {
            *at = now;
        }
    }

    /// A call found somebody.
    pub(super) fn met(&mut self) {
        self.away = None;
    }

    /// A call found nobody. Several that were on their way together are one miss. `jitter` is random, from 0 to 1.
    pub(super) fn missed(&mut self, was_look: bool, reason: DropReason, now: Duration, jitter: f64) {
        let away = self.away.get_or_insert(Away { reason, misses: 0, missed_at: now, look_at: None });
        away.reason = reason;
        away.missed_at = now;
        if was_look || away.misses == 0 {
            away.misses = away.misses.saturating_add(1);
            away.look_at = Some(now.saturating_add(LOOK_EVERY + retry::backoff(away.misses, jitter)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_looks_while_nobody_is_there() {
        const REASON: DropReason = DropReason::Unreachable;
        let second = Duration::from_secs(1);
        let mut presence = Presence::default();
        assert_eq!(presence.gate(second), Gate::Open);
        // Two that were on their way together.
        presence.missed(false, REASON, second, 1.0);
        presence.missed(false, REASON, second, 1.0);
        let next = second + LOOK_EVERY + second;
        assert_eq!((presence.gate(second), presence.away()), (Gate::Shut(Some(next)), Some(REASON)));
        assert_eq!(presence.gate(next), Gate::Look);
        presence.looks();
        assert_eq!(presence.gate(next), Gate::Shut(None));
        presence.look_now(next);
        assert_eq!(presence.gate(next), Gate::Shut(None), "a look is on its way");
        presence.missed(true, REASON, next, 1.0);
        assert_eq!(presence.gate(next), Gate::Shut(Some(next + LOOK_EVERY + 2 * second)));
        assert!(presence.is_away_since(next) && !presence.is_away_since(next + second));
        presence.look_now(next);
        assert_eq!(presence.gate(next), Gate::Look);
        presence.met();
        assert_eq!((presence.gate(next), presence.away()), (Gate::Open, None));
    }
}
