//! Roads on which the other side answers: what was taken, what was not, and when to try again.

#![allow(dead_code, unused_imports, reason = "the roads that use it come with their features")]

mod caller;
mod post;

pub(crate) use caller::{Answer, CallError, CallErrorKind, CallLimits, Caller, Unprocessed};
pub(crate) use post::{Post, PostRequest, PostResponse};
