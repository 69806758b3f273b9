//! What is recorded of an error of a service or of a body.

use std::{
    any::{self, Any},
    error::Error,
    fmt, io,
};

use super::text;
use crate::error_chain;

/// An error's type and message.
pub(super) struct Told {
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Told {
    /// Layers ask of errors only that they can be shown, since an error in a box (`tower::BoxError`) is no [`Error`] itself. The sources
    /// are told of those types that are known here to have some.
    pub(super) fn by<E: fmt::Display + 'static>(error: &E) -> Self {
        let any: &dyn Any = error;
        let message = known(any).map_or_else(|| error.to_string(), error_chain::message);
        // As the layer for Lambda names it: the whole name says no more.
        let kind = if any.is::<BoxError>() { "Box<dyn Error>" } else { any::type_name::<E>() };
        Self { kind, message: text::message(&message) }
    }
}

/// The same as `tower::BoxError`.
type BoxError = Box<dyn Error + Send + Sync>;

fn known(error: &dyn Any) -> Option<&dyn Error> {
    if let Some(boxed) = error.downcast_ref::<BoxError>() {
        return Some(&**boxed);
    }
    #[cfg(feature = "axum")]
    if let Some(error) = error.downcast_ref::<axum::Error>() {
        return Some(error);
    }
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return Some(error);
    }
    error.downcast_ref::<io::Error>().map(|error| error as _)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says little by itself.
    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("error sending request")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn outer() -> Outer {
        Outer(io::Error::other("no such host: https://h/?X-Amz-Signature=secret"))
    }

    #[test]
    fn what_an_error_says() {
        const WHOLE: &str = "error sending request: no such host: https://h/?X-Amz-Signature=REDACTED";
        let told = |Told { kind, message }| (kind, message);
        let boxed: BoxError = outer().into();
        assert_eq!(told(Told::by(&boxed)), ("Box<dyn Error>", WHOLE.to_owned()));
        assert_eq!(Told::by(&io::Error::other(outer())).message, WHOLE);
        let (kind, message) = told(Told::by(&outer()));
        assert!(kind.ends_with("::Outer"), "{kind}");
        assert_eq!(message, "error sending request", "of a type that is not known");
        assert_eq!(told(Told::by(&"disk on fire")), ("&str", "disk on fire".to_owned()));
    }
}
