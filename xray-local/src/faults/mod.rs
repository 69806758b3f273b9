//! Faults: what `xray-local` does wrong when it is told to, to see what a client makes of it.

mod describe;
mod draw;
mod inject;
mod json;

use std::time::Duration;

pub(crate) use inject::{Injector, Refusal, Strike};
pub(crate) use json::{read, write};

/// Faults that may be set at once: more than anybody can follow.
pub(crate) const MAX_FAULTS: usize = 100;

/// The longest delay: beyond it every client has given up.
pub(crate) const MAX_DELAY: Duration = Duration::from_secs(600);

/// A list of faults and the seed of their chance.
///
/// They strike calls of the X-Ray API, not the viewer and not `/api/…`. For each call they are asked in their
/// order: delays add up, and of the others the first that strikes decides. The same seed, faults and calls give
/// the same strikes.
///
/// ```
/// use std::time::Duration;
/// use xray_local::{Effect, ErrorAnswer, Fault, Faults, Unprocessed};
///
/// let faults = Faults::default()
///     .with(Fault::from(ErrorAnswer::new(429).with_retry_after(Duration::from_secs(1))).times(3))
///     .with(Fault::from(Effect::Delay(Duration::from_millis(50))).with_share(0.5))
///     .with(Unprocessed::new(0.1, "InternalFailure"));
/// assert_eq!(faults.list().len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    seed: u64,
    list: Vec<Fault>,
}

/// One kind of fault: what happens, to which calls, how often.
///
/// ```
/// use std::time::Duration;
///
/// use xray_local::{Effect, Fault, Faults};
///
/// // Every second report of the sampler takes a second, twenty times.
/// let slow = Fault::from(Effect::Delay(Duration::from_secs(1))).on("/SamplingTargets").with_share(0.5).times(20);
/// assert_eq!(Faults::default().with(slow.clone()).list(), [slow]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    effect: Effect,
    path: Option<String>,
    share: f64,
    times: Option<u64>,
}

/// What happens to a call.
///
/// ```
/// use xray_local::{Effect, Fault, Faults};
///
/// // X-Ray takes what was sent, but nobody hears of it: is it sent again?
/// let faults = Faults::default().with(Fault::from(Effect::LostAnswer).on("/TraceSegments").times(1));
/// # drop(faults);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// The answer comes so much later; at most ten minutes. The call is taken.
    Delay(Duration),
    /// The answer is this error, once the body has been read. Nothing is taken.
    Status(ErrorAnswer),
    /// The connection is reset before the body is read.
    ResetBeforeBody,
    /// The connection is reset after the body was read. Nothing is taken.
    ResetAfterBody,
    /// The call is taken, but the connection is reset instead of an answer.
    LostAnswer,
    /// The call is taken, but the connection ends in the middle of the answer's body.
    HalfAnswer,
    /// Some of the documents of `PutTraceSegments` come back as unprocessed; the others are taken.
    Unprocessed(Unprocessed),
}

/// An answer with an error.
///
/// ```
/// use std::time::Duration;
///
/// use xray_local::{ErrorAnswer, Fault, Faults};
///
/// let throttled = ErrorAnswer::new(429).with_retry_after(Duration::from_secs(2));
/// let forbidden = ErrorAnswer::new(403).with_code("ExpiredTokenException");
/// let faults = Faults::default().with(Fault::from(throttled).times(3)).with(forbidden);
/// # drop(faults);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAnswer {
    status: u16,
    code: Option<String>,
    retry_after: Option<Duration>,
}

/// Which documents come back as unprocessed, and with what.
///
/// ```
/// use xray_local::{Faults, Unprocessed};
///
/// // One document in ten, with this error or that, and always the same ones.
/// let refused = Unprocessed::new(0.1, "InternalFailure").or("ThrottledException").permanent();
/// let faults = Faults::default().with_seed(7).with(refused);
/// # drop(faults);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Unprocessed {
    share: f64,
    codes: Vec<String>,
    permanent: bool,
}

impl Faults {
    /// Draws from this seed. Default: 0.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a fault behind the others; the 101st and further ones are left out.
    #[must_use]
    pub fn with(mut self, fault: impl Into<Fault>) -> Self {
        if self.list.len() < MAX_FAULTS {
            self.list.push(fault.into());
        }
        self
    }

    /// The faults, in the order in which they are asked.
    #[must_use]
    pub fn list(&self) -> &[Fault] {
        &self.list
    }
}

impl Fault {
    /// Strikes calls of this path alone, say `/TraceSegments`. Default: of every operation of the X-Ray API.
    #[must_use]
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Strikes this share of the calls, from 0 to 1; what is outside counts as the nearer end. Default: 1.
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        self.share = as_share(share);
        self
    }

    /// Strikes so many times, then no more. Default: without end.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }
}

impl ErrorAnswer {
    /// An answer with this status, from 400 to 599; what is outside counts as 500.
    #[must_use]
    pub fn new(status: u16) -> Self {
        let status = if (400..=599).contains(&status) { status } else { 500 };
        Self { status, code: None, retry_after: None }
    }

    /// The error's name, in the header `x-amzn-errortype`. Default: the one that AWS uses with the status, as
    /// `ThrottledException` with 429.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Asks the client to wait, in the header `Retry-After`, in whole seconds. Default: does not.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| wait.as_secs())
    }

    pub(crate) fn code(&self) -> &str {
        let usual = match self.status {
            403 => "AccessDeniedException",
            404 => "ResourceNotFoundException",
            408 => "RequestTimeoutException",
            429 => "ThrottledException",
            503 => "ServiceUnavailable",
            500..=599 => "InternalFailure",
            _ => "InvalidRequestException",
        };
        self.code.as_deref().unwrap_or(usual)
    }
}

impl Unprocessed {
    /// This share of the documents comes back with this error code, from 0 to 1.
    #[must_use]
    pub fn new(share: f64, code: impl Into<String>) -> Self {
        Self { share: as_share(share), codes: vec![code.into()], permanent: false }
    }

    /// Another error code, which documents get as often. Default: one code alone.
    #[must_use]
    pub fn or(mut self, code: impl Into<String>) -> Self {
        self.codes.push(code.into());
        self
    }

    /// Refuses the same documents, known by their ids, each time they come. Default: chance decides anew.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.permanent = true;
        self
    }
}

/// Strikes every call.
impl From<Effect> for Fault {
    fn from(effect: Effect) -> Self {
        Self { effect, path: None, share: 1.0, times: None }
    }
}

impl From<ErrorAnswer> for Fault {
    fn from(answer: ErrorAnswer) -> Self {
        Effect::Status(answer).into()
    }
}

impl From<Unprocessed> for Fault {
    fn from(unprocessed: Unprocessed) -> Self {
        Effect::Unprocessed(unprocessed).into()
    }
}

/// From 0 to 1; what is no number is 0.
fn as_share(share: f64) -> f64 {
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}
