//! What a failed call is worth: another attempt, and when; or none.

use std::time::Duration;

use crate::{
    exporter::DropReason,
    post::{CallError, CallErrorKind},
};

/// For how long after its first attempt a call is made again that is answered with a failure that may pass, or not answered;
/// from the beginning, if nobody was there in between.
/// Attempts are not counted: while there is room for its documents nothing is gained by giving them up, and X-Ray is
/// seldom away for longer. It is an end for what fails for ever.
pub(super) const TRY_FOR: Duration = Duration::from_secs(15 * 60);

/// The wait before the second attempt is drawn from zero to this, and doubles from there on ("full jitter": calls that failed
/// together don't come back together).
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// No wait of our own is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// A wait that the other side asks for is honoured up to this; a mistaken one would hold documents for ever.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What becomes of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Another attempt, after so long.
    Again(Duration),
    /// Nobody is there to try with. The documents wait, and no attempt is counted.
    Wait(DropReason),
    /// One document among several may be at fault: each half is tried on its own, after so long.
    Split(Duration),
    /// No further attempt.
    Final(DropReason),
}

/// Judges a failed call that was made `attempts` times, this one included, the first time so long ago. `jitter` is random, from
/// 0 to 1.
pub(super) fn verdict(
    error: &CallError,
    attempts: u32,
    tried_for: Duration,
    documents: usize,
    jitter: f64,
) -> Verdict {
    match error.kind {
        CallErrorKind::Unresolved => Verdict::Wait(DropReason::Unresolved),
        CallErrorKind::Unreachable => Verdict::Wait(DropReason::Unreachable),
        // Who signs may get other credentials, or the permission, while documents wait.
        CallErrorKind::Credentials | CallErrorKind::Status(401 | 403) => {
            Verdict::Wait(DropReason::NoCredentials)
        }
        CallErrorKind::Timeout | CallErrorKind::Broken | CallErrorKind::Status(408 | 429 | 500..=599) => {
            let asked_for = error.retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
            let after = asked_for + backoff(attempts, jitter);
            match documents {
                _ if tried_for < TRY_FOR => Verdict::Again(after),
                1 => Verdict::Final(DropReason::Unanswered),
                // It may be one document that fails the others.
                _ => Verdict::Split(after),
            }
        }
        CallErrorKind::Status(400 | 413 | 422) if documents > 1 => Verdict::Split(Duration::ZERO),
        CallErrorKind::Status(_) => Verdict::Final(DropReason::Rejected),
    }
}

/// How long to wait after so many failures, at least one. `jitter` is random, from 0 to 1.
pub(super) fn backoff(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_BACKOFF * (1 << doublings)).min(MAX_BACKOFF).mul_f64(jitter.clamp(0.0, 1.0))
}

/// Whether a document that was not taken is worth another attempt. X-Ray documents no list of codes, so these are the transient
/// ones of AWS' services in general, with or without `Exception` behind.
pub(super) fn is_transient(code: &str) -> bool {
    const TRANSIENT: [&str; 13] = [
        "InternalError",
        "InternalFailure",
        "InternalServer",
        "InternalServerError",
        "InternalService",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttled",
        "Throttling",
        "TooManyRequests",
        "Unavailable",
    ];
    let code = code.strip_suffix("Exception").unwrap_or(code);
    TRANSIENT.iter().any(|transient| transient.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        use CallErrorKind::{Broken, Credentials, Status, Timeout, Unreachable, Unresolved};
        use Verdict::{Again, Final, Split, Wait};
        let second = Duration::from_secs(1);
        // Kind, attempts, minutes since the first, documents, asked to wait for, verdict with the longest wait.
        for (kind, attempts, minutes, documents, retry_after, expected) in [
            (Unreachable, 1, 0, 5, None, Wait(DropReason::Unreachable)),
            (Unreachable, 99, 60, 5, None, Wait(DropReason::Unreachable)),
            (Unresolved, 99, 60, 5, None, Wait(DropReason::Unresolved)),
            (Credentials, 99, 60, 5, None, Wait(DropReason::NoCredentials)),
            (Timeout, 1, 0, 5, None, Again(second)),
            (Broken, 2, 0, 5, None, Again(2 * second)),
            (Timeout, 99, 14, 5, None, Again(10 * second)),
            (Timeout, 99, 15, 5, None, Split(10 * second)),
            (Timeout, 99, 15, 1, None, Final(DropReason::Unanswered)),
            (Status(408), 1, 0, 1, None, Again(second)),
            (Status(429), 1, 0, 1, Some(7), Again(8 * second)),
            (Status(429), 1, 0, 1, Some(u64::MAX), Again(61 * second)),
            (Status(429), 99, 16, 2, Some(7), Split(17 * second)),
            (Status(429), 3, 16, 1, Some(7), Final(DropReason::Unanswered)),
            (Status(500), 2, 0, 1, None, Again(2 * second)),
            (Status(503), 2, 0, 9, None, Again(2 * second)),
            (Status(400), 1, 0, 2, None, Split(Duration::ZERO)),
            (Status(413), 1, 0, 2, None, Split(Duration::ZERO)),
            (Status(400), 1, 0, 1, None, Final(DropReason::Rejected)),
            (Status(403), 99, 60, 9, None, Wait(DropReason::NoCredentials)),
            (Status(404), 1, 0, 9, None, Final(DropReason::Rejected)),
            (Status(302), 1, 0, 9, None, Final(DropReason::Rejected)),
        ] {
            let mut error = CallError::new(kind, "");
            error.retry_after = retry_after.map(Duration::from_secs);
            assert_eq!(
                verdict(&error, attempts, Duration::from_secs(60 * minutes), documents, 1.0),
                expected,
                "{kind:?} {attempts} {minutes} {documents}"
            );
        }
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        for (failures, jitter, seconds) in
            [(1, 1.0, 1.0), (2, 1.0, 2.0), (4, 1.0, 8.0), (5, 1.0, 10.0), (u32::MAX, 0.5, 5.0), (3, 0.0, 0.0)]
        {
            assert_eq!(backoff(failures, jitter).as_secs_f64(), seconds, "{failures} {jitter}");
        }
    }

    #[test]
    fn transient_codes() {
        for (code, expected) in [
            ("ThrottledException", true),
            ("Throttled", true),
            ("InternalFailure", true),
            ("internalerror", true),
            ("ServiceUnavailableException", true),
            ("InvalidName", false),
            ("MissingParentId", false),
            ("InvalidSegment", false),
            ("", false),
            ("Exception", false),
        ] {
            assert_eq!(is_transient(code), expected, "{code}");
        }
    }
}
