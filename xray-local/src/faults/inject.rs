//! The decision what goes wrong with a call: pure but for its counters.

use std::time::Duration;

use super::{
    Effect, ErrorAnswer, Fault, Faults, MAX_DELAY, Unprocessed,
    draw::{Draws, draw_for, is_within},
};

/// The faults that are set, and how often each has struck.
#[derive(Debug, Default)]
pub(crate) struct Injector {
    seed: u64,
    armed: Vec<Armed>,
}

/// A fault and its state.
#[derive(Debug)]
pub(crate) struct Armed {
    pub(super) fault: Fault,
    pub(super) struck: u64,
    draws: Draws,
}

/// What to do with a call.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Action {
    /// Wait before all else.
    pub(crate) delay: Duration,
    /// Then do this instead of what is right.
    pub(crate) strike: Option<Strike>,
}

/// What goes wrong, besides a delay.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Strike {
    Status(ErrorAnswer),
    ResetBeforeBody,
    ResetAfterBody,
    LostAnswer,
    HalfAnswer,
    Refuse(Refusal),
}

/// Which documents of one call are refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    unprocessed: Unprocessed,
    seed: u64,
}

/// The one call that has documents.
const PUT_TRACE_SEGMENTS: &str = "/TraceSegments";

impl Injector {
    pub(crate) fn new(faults: Faults) -> Self {
        let seed = faults.seed;
        let arm = |(stream, fault)| Armed { fault, struck: 0, draws: Draws::new(seed, stream) };
        Self { seed, armed: (0..).zip(faults.list).map(arm).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.armed.is_empty()
    }

    /// What to do with a call of this path.
    pub(crate) fn decide(&mut self, path: &str) -> Action {
        let seed = self.seed;
        let mut action = Action::default();
        for armed in &mut self.armed {
            let is_delay = matches!(armed.fault.effect, Effect::Delay(_));
            if (is_delay || action.strike.is_none()) && armed.strikes(path) {
                armed.apply(seed, &mut action);
            }
        }
        action
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// How often each has struck.
    pub(crate) fn struck(&self) -> Vec<u64> {
        self.armed.iter().map(|armed| armed.struck).collect()
    }

    pub(crate) fn armed(&self) -> &[Armed] {
        &self.armed
    }
}

impl Armed {
    /// How often it may strike yet; `None` is without end.
    pub(crate) fn left(&self) -> Option<u64> {
        self.fault.times.map(|times| times.saturating_sub(self.struck))
    }

    fn strikes(&mut self, path: &str) -> bool {
        let Fault { path: only, share, effect, .. } = &self.fault;
        // Calls without documents have none to refuse, and use up no such fault.
        let can_strike = path == PUT_TRACE_SEGMENTS || !matches!(effect, Effect::Unprocessed(_));
        let is_meant = can_strike && only.as_deref().is_none_or(|only| only == path);
        let strikes = is_meant && self.left() != Some(0) && self.draws.strikes(*share);
        self.struck += u64::from(strikes);
        strikes
    }

    fn apply(&mut self, seed: u64, action: &mut Action) {
        action.strike = Some(match &self.fault.effect {
            Effect::Delay(delay) => {
                action.delay = action.delay.saturating_add(*delay).min(MAX_DELAY);
                return;
            }
            Effect::Status(answer) => Strike::Status(answer.clone()),
            Effect::ResetBeforeBody => Strike::ResetBeforeBody,
            Effect::ResetAfterBody => Strike::ResetAfterBody,
            Effect::LostAnswer => Strike::LostAnswer,
            Effect::HalfAnswer => Strike::HalfAnswer,
            Effect::Unprocessed(unprocessed) => {
                let seed = if unprocessed.permanent { seed } else { self.draws.next() };
                Strike::Refuse(Refusal { unprocessed: unprocessed.clone(), seed })
            }
        });
    }
}

impl Refusal {
    /// The error code with which a document is refused. It is known by its id, or by its text if it has none.
    pub(crate) fn code_for(&self, id: &[u8]) -> Option<&str> {
        let Unprocessed { share, codes, .. } = &self.unprocessed;
        let draw = draw_for(self.seed, id);
        // The draw's upper bits say whether, its lower bits with what.
        let which = (draw % 1024) as usize % codes.len().max(1);
        codes.get(which).filter(|_| is_within(draw, *share)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CALL: &str = PUT_TRACE_SEGMENTS;

    fn statuses(injector: &mut Injector, calls: usize) -> Vec<u16> {
        let status = |action: Action| match action.strike {
            Some(Strike::Status(answer)) => answer.status(),
            _ => 200,
        };
        (0..calls).map(|_| status(injector.decide(CALL))).collect()
    }

    #[test]
    fn faults_are_asked_in_order_until_their_count_is_used_up() {
        let faults = Faults::default()
            .with(Fault::from(ErrorAnswer::new(429)).times(2))
            .with(Fault::from(ErrorAnswer::new(500)).on("/GetSamplingRules"))
            .with(Fault::from(ErrorAnswer::new(503)).times(1));
        assert_eq!(statuses(&mut Injector::new(faults), 5), [429, 429, 503, 200, 200]);
    }

    #[test]
    fn delays_add_up_and_leave_the_rest_to_others() {
        let delay = |millis| Fault::from(Effect::Delay(Duration::from_millis(millis)));
        let faults = Faults::default()
            .with(delay(20))
            .with(Effect::LostAnswer)
            .with(delay(30))
            .with(delay(u64::MAX).on("/x"));
        let mut injector = Injector::new(faults);
        let expected = Action { delay: Duration::from_millis(50), strike: Some(Strike::LostAnswer) };
        assert_eq!(injector.decide(CALL), expected);
        assert_eq!(injector.decide("/x").delay, MAX_DELAY);
    }

    #[test]
    fn a_call_without_documents_uses_up_no_refusal() {
        let faults = Faults::default()
            .with(Fault::from(Unprocessed::new(1.0, "A")).times(1))
            .with(Fault::from(ErrorAnswer::new(500)).times(1));
        let mut injector = Injector::new(faults);
        assert!(matches!(injector.decide("/GetSamplingRules").strike, Some(Strike::Status(_))));
        assert!(matches!(injector.decide(CALL).strike, Some(Strike::Refuse(_))));
        assert_eq!(injector.struck(), [1, 1]);
    }

    #[test]
    fn refuses_the_same_documents_for_ever_or_draws_anew() {
        for (unprocessed, same) in [
            (Unprocessed::new(0.5, "A").or("B").permanent(), true),
            (Unprocessed::new(0.5, "A").or("B"), false),
        ] {
            let mut injector = Injector::new(Faults::default().with(unprocessed));
            let mut codes = || {
                let Some(Strike::Refuse(refusal)) = injector.decide(CALL).strike else {
                    panic!("no refusal")
                };
                (0..200_u32)
                    .map(|id| refusal.code_for(&id.to_be_bytes()).map(str::to_owned))
                    .collect::<Vec<_>>()
            };
            let (first, second) = (codes(), codes());
            assert_eq!(first == second, same);
            for code in ["A", "B"] {
                let share = first.iter().filter(|found| found.as_deref() == Some(code)).count();
                assert!((30..70).contains(&share), "{share} of 200 for {code}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_same_seed_strikes_the_same_calls(seed: u64, share in 0.0..1.0_f64, times in 0_u64..50) {
            let faults = || Faults::default()
                .with_seed(seed)
                .with(Fault::from(ErrorAnswer::new(500)).with_share(share).times(times))
                .with(Fault::from(ErrorAnswer::new(429)).with_share(share));
            let mut injector = Injector::new(faults());
            let found = statuses(&mut injector, 100);
            prop_assert_eq!(&found, &statuses(&mut Injector::new(faults()), 100));
            let count = |status| found.iter().filter(|found| **found == status).count() as u64;
            prop_assert_eq!(injector.struck(), [count(500), count(429)]);
            prop_assert!(count(500) <= times);
        }
    }
}
