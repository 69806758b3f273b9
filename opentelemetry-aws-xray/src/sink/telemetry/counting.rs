//! A road that counts how calls fail.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::record::Errors;
use crate::post::{CallError, CallErrorKind, Post, PostRequest, PostResponse};

/// Passes requests on and counts what failed. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct CountingPost {
    post: Arc<dyn Post>,
    errors: Arc<Mutex<Errors>>,
}

impl CountingPost {
    pub(crate) fn new(post: impl Post) -> Self {
        Self { post: Arc::new(post), errors: Arc::default() }
    }

    /// The road itself, for requests that shall not count.
    pub(super) fn uncounted(&self) -> &dyn Post {
        &*self.post
    }

    /// What failed so far.
    pub(super) fn errors(&self) -> Errors {
        *self.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post for CountingPost {
    fn post(&self, request: &PostRequest<'_>, timeout: Duration) -> Result<PostResponse, CallError> {
        let result = self.post.post(request, timeout);
        count(&result, &mut self.errors.lock().unwrap_or_else(PoisonError::into_inner));
        result
    }
}

fn count(result: &Result<PostResponse, CallError>, errors: &mut Errors) {
    let kind = match result {
        Ok(response) => CallErrorKind::Status(response.status),
        Err(error) => error.kind,
    };
    let counter = match kind {
        CallErrorKind::Status(200..=299) => return,
        CallErrorKind::Status(400..=499) | CallErrorKind::Credentials => &mut errors.status_4xx,
        CallErrorKind::Status(500..=599) => &mut errors.status_5xx,
        CallErrorKind::Timeout => &mut errors.timeout,
        CallErrorKind::Unreachable => &mut errors.connection_refused,
        CallErrorKind::Unresolved => &mut errors.unknown_host,
        CallErrorKind::Broken | CallErrorKind::Status(_) => &mut errors.other,
    };
    *counter += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_counter() {
        let status = |status| Ok(PostResponse { status, ..PostResponse::default() });
        let error = |kind| Err(CallError::new(kind, ""));
        let none = Errors::default();
        for (result, expected) in [
            (status(200), none),
            (status(429), Errors { status_4xx: 1, ..none }),
            (status(503), Errors { status_5xx: 1, ..none }),
            (status(302), Errors { other: 1, ..none }),
            (error(CallErrorKind::Credentials), Errors { status_4xx: 1, ..none }),
            (error(CallErrorKind::Timeout), Errors { timeout: 1, ..none }),
            (error(CallErrorKind::Unreachable), Errors { connection_refused: 1, ..none }),
            (error(CallErrorKind::Unresolved), Errors { unknown_host: 1, ..none }),
            (error(CallErrorKind::Broken), Errors { other: 1, ..none }),
        ] {
            let mut errors = none;
            count(&result, &mut errors);
            assert_eq!(errors, expected, "{result:?}");
        }
    }
}
