//! A fault in words, for the viewer.

use std::fmt;

use super::{Effect, ErrorAnswer, Fault, Unprocessed, inject::Armed};

/// `status 429 ThrottledException for every call of /TraceSegments; struck: 1 of 3`.
impl fmt::Display for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { effect, path, share, times } = &self.fault;
        write!(f, "{effect} ")?;
        if *share < 1.0 {
            write!(f, "for {} % of calls", percent(*share))?;
        } else {
            f.write_str("for every call")?;
        }
        if let Some(path) = path {
            write!(f, " of {path}")?;
        }
        match times {
            Some(times) => write!(f, "; struck: {} of {times}", self.struck),
            None => write!(f, "; struck: {}", self.struck),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(delay) => write!(f, "{} ms late", delay.as_millis()),
            Self::Status(answer) => answer.fmt(f),
            Self::ResetBeforeBody => f.write_str("reset before the body is read"),
            Self::ResetAfterBody => f.write_str("reset after the body is read"),
            Self::LostAnswer => f.write_str("taken, but the answer is lost"),
            Self::HalfAnswer => f.write_str("taken, but the answer is cut in half"),
            Self::Unprocessed(unprocessed) => unprocessed.fmt(f),
        }
    }
}

impl fmt::Display for ErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {} {}", self.status(), self.code())?;
        match self.retry_after_seconds() {
            Some(seconds) => write!(f, ", retry after {seconds} s,"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Unprocessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = if self.permanent { "always the same" } else { "drawn anew each time" };
        write!(f, "{} % of documents unprocessed ({}; {which})", percent(self.share), self.codes.join(", "))
    }
}

/// At most two digits behind the point.
fn percent(share: f64) -> f64 {
    (share * 10_000.0).round() / 100.0
}
