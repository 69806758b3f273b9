//! What went wrong, in plain words, and whether another attempt may help.

use std::{error::Error, fmt, io, iter::successors};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_xray::error::SdkError;
use xray_wire::sanitize::truncate;

use crate::post::{CallError, CallErrorKind, Identity};

/// As much of a foreign message as a person wants to read, in characters.
const MAX_MESSAGE_CHARS: usize = 400;

const NO_CREDENTIALS: &str = "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
    AWS_SECRET_ACCESS_KEY, or give the instance, container or function a role";

/// A call that failed, and what to do about the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) error: CallError,
    /// Whether region and credentials have to be found anew.
    pub(super) reconnect: bool,
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self { error, reconnect: false }
    }
}

/// An answer that is about who we are, not about what we sent: documents wait until that is mended.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Option<Failed> {
    if !(400..500).contains(&status) {
        return None;
    }
    let (what, reconnect) = match Identity::of(code)? {
        Identity::Expired => ("the AWS credentials have expired, and new ones are looked for", true),
        Identity::Unknown => {
            ("AWS does not know these credentials; they may be of another partition, or deleted", true)
        }
        // The client stays: it learns from answers how wrong the clock is.
        Identity::Signature => (
            "AWS does not accept the signature: either the secret key is wrong, or this machine's clock",
            false,
        ),
        Identity::Denied => (
            "a permission is missing: allow xray:PutTraceSegments (and xray:PutTelemetryRecords, if these are sent), \
             as the managed policy AWSXRayDaemonWriteAccess does",
            false,
        ),
    };
    let message = format!("{what} ({code}, HTTP {status}: {})", truncate(message, MAX_MESSAGE_CHARS));
    Some(Failed { error: CallError::new(CallErrorKind::Credentials, message), reconnect })
}

/// There was no answer, and this is why.
pub(super) fn without_answer<E, R>(error: &SdkError<E, R>) -> Failed
where
    E: Error + 'static,
    R: fmt::Debug + 'static,
{
    let kind = match error {
        SdkError::TimeoutError(_) => CallErrorKind::Timeout,
        SdkError::DispatchFailure(failure) => {
            let told = failure.as_connector_error().and_then(|error| told(error));
            told.unwrap_or(if failure.is_timeout() { CallErrorKind::Timeout } else { CallErrorKind::Broken })
        }
        _ => CallErrorKind::Broken,
    };
    let is_late = causes(error).any(is_late);
    let message = match credentials(error) {
        Some(CredentialsError::CredentialsNotLoaded(_)) => NO_CREDENTIALS.into(),
        None if kind == CallErrorKind::Credentials && !is_late => NO_CREDENTIALS.into(),
        None if !is_late => chain(error),
        _ => format!("the AWS credentials could not be loaded: {}", chain(error)),
    };
    let reconnect = kind == CallErrorKind::Credentials;
    Failed { error: CallError::new(kind, message), reconnect }
}

/// The SDK says that it succeeded, and nobody saw the answer.
pub(super) fn nothing_came() -> Failed {
    CallError::new(CallErrorKind::Broken, "the answer could not be read").into()
}

/// What the errors underneath say, the outermost first that says something.
fn told(error: &(dyn Error + 'static)) -> Option<CallErrorKind> {
    causes(error).find_map(|error| {
        if error.is::<CredentialsError>() {
            return Some(CallErrorKind::Credentials);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_io(error.kind());
        }
        // hyper and the SDK keep the types of these to themselves.
        let text = error.to_string();
        if text.starts_with("dns error") {
            Some(CallErrorKind::Unresolved)
        } else if text.contains("connect timeout") {
            Some(CallErrorKind::Unreachable)
        } else if text.contains("auth scheme") || is_late(error) {
            Some(CallErrorKind::Credentials)
        } else {
            None
        }
    })
}

fn of_io(kind: io::ErrorKind) -> Option<CallErrorKind> {
    use io::ErrorKind::{
        AddrNotAvailable, BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
        InvalidData, NetworkDown, NetworkUnreachable, TimedOut, UnexpectedEof,
    };
    match kind {
        // Invalid data is a certificate that is not trusted: nothing was sent.
        AddrNotAvailable | ConnectionRefused | HostUnreachable | InvalidData | NetworkDown
        | NetworkUnreachable => Some(CallErrorKind::Unreachable),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Some(CallErrorKind::Broken),
        TimedOut => Some(CallErrorKind::Timeout),
        _ => None,
    }
}

/// Whether the providers of credentials took longer than they may, which their cache says in words only.
fn is_late(error: &(dyn Error + 'static)) -> bool {
    error.to_string().starts_with("identity resolver timed out")
}

fn credentials<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CredentialsError> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// An error and its causes in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<_> = causes(error).map(ToString::to_string).collect();
    truncate(&texts.join(": "), MAX_MESSAGE_CHARS).to_owned()
}

/// An error, and what is underneath it.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(error), |error| (*error).source())
}

#[cfg(test)]
mod tests {
    use aws_sdk_xray::{config::http::HttpResponse, error::ConnectorError};

    use super::*;

    type Sdk = SdkError<io::Error, HttpResponse>;

    /// An error that says something and has a cause.
    #[derive(Debug)]
    struct Says(&'static str, Option<Box<dyn Error + Send + Sync>>);

    impl fmt::Display for Says {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Says {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|error| error as _)
        }
    }

    #[test]
    fn answers_about_who_we_are() {
        for (status, code, says, reconnect) in [
            (403, "ExpiredTokenException", "have expired", true),
            (403, "UnrecognizedClientException", "does not know these credentials", true),
            (403, "InvalidSignatureException", "machine's clock", false),
            (400, "RequestExpired", "machine's clock", false),
            (403, "AccessDeniedException", "xray:PutTraceSegments", false),
        ] {
            let failed = refusal(status, code, "in their words").unwrap();
            assert_eq!(
                (failed.error.kind, failed.reconnect),
                (CallErrorKind::Credentials, reconnect),
                "{code}"
            );
            let message = &failed.error.message;
            assert!(message.contains(says) && message.contains("in their words"), "{message}");
        }
        for (status, code) in [
            (400, "InvalidRequestException"),
            (429, "ThrottledException"),
            (403, ""),
            (500, "AccessDenied"),
            (200, "AccessDenied"),
        ] {
            assert_eq!(refusal(status, code, ""), None, "{status} {code}");
        }
        let long = refusal(403, "AccessDenied", &"long ".repeat(1_000)).unwrap();
        assert!(long.error.message.len() < 2 * MAX_MESSAGE_CHARS);
    }

    #[test]
    fn no_answer() {
        use CallErrorKind::{Broken, Credentials, Timeout, Unreachable, Unresolved};
        let io = |kind: io::ErrorKind| Box::new(io::Error::from(kind)) as Box<dyn Error + Send + Sync>;
        let other =
            |says, cause| Sdk::dispatch_failure(ConnectorError::other(Box::new(Says(says, cause)), None));
        let not_loaded = || Box::new(CredentialsError::not_loaded_no_source());
        let in_vain = Box::new(CredentialsError::provider_error(io(io::ErrorKind::ConnectionRefused)));
        for (error, kind, says) in [
            (Sdk::timeout_error("late"), Timeout, "late"),
            (Sdk::dispatch_failure(ConnectorError::timeout("slow".into())), Timeout, "slow"),
            (other("HTTP connect timeout", None), Unreachable, "connect timeout"),
            (
                other("client error", Some(io(io::ErrorKind::ConnectionRefused))),
                Unreachable,
                "client error: ",
            ),
            (other("client error", Some(io(io::ErrorKind::InvalidData))), Unreachable, "client error"),
            (other("client error", Some(io(io::ErrorKind::ConnectionReset))), Broken, "client error"),
            (other("dns error", Some(io(io::ErrorKind::Other))), Unresolved, "dns error"),
            (other("what?", None), Broken, "what?"),
            (other("failed", Some(not_loaded())), Credentials, "set AWS_PROFILE"),
            // Whoever has the credentials is away, not X-Ray.
            (other("failed", Some(in_vain)), Credentials, "could not be loaded: "),
            (other("identity resolver timed out after 25s", None), Credentials, "could not be loaded: "),
            (Sdk::construction_failure("no endpoint"), Broken, "no endpoint"),
        ] {
            let failed = without_answer(&error);
            let CallError { kind: found, message, .. } = &failed.error;
            assert_eq!((*found, failed.reconnect), (kind, kind == Credentials), "{message}");
            assert!(message.contains(says), "{message}");
        }
    }
}
