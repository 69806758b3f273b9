//! The `cause` block.

use alloc::{borrow::Cow, vec::Vec};

use super::{SkipReason, json::Json, reader::Reader};
use crate::segment::{Cause, Exception, Exceptions, Frame};

/// The id of an exception elsewhere, or the exceptions. An empty block says nothing and is none.
pub(super) fn cause<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<Cause<'a>> {
    if matches!(json, Json::Str(_)) {
        return reader.segment_id(json).map(Cause::Reference);
    }
    let mut cause = Exceptions::default();
    reader.fields(json, |reader, key, json| match &**key {
        "working_directory" => cause.working_directory = reader.text(json),
        "paths" => cause.paths = reader.list(json, Reader::text),
        "exceptions" => cause.exceptions = reader.list(json, exception),
        _ => reader.skip(SkipReason::Unknown),
    })?;
    (cause != Exceptions::default()).then_some(Cause::Exceptions(cause))
}

fn exception<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<Exception<'a>> {
    let mut exception = Exception {
        id: None,
        kind: Cow::Borrowed(""),
        message: Cow::Borrowed(""),
        remote: false,
        truncated: 0,
        skipped: 0,
        cause: None,
        stack: Vec::new(),
    };
    reader.fields(json, |reader, key, json| match &**key {
        "id" => exception.id = reader.segment_id(json),
        "type" => exception.kind = reader.text(json).unwrap_or_default(),
        "message" => exception.message = reader.text(json).unwrap_or_default(),
        "remote" => exception.remote = reader.flag(json),
        "truncated" => exception.truncated = reader.unsigned(json).unwrap_or_default(),
        "skipped" => exception.skipped = reader.unsigned(json).unwrap_or_default(),
        "cause" => exception.cause = reader.segment_id(json),
        "stack" => exception.stack = reader.list(json, frame),
        _ => reader.skip(SkipReason::Unknown),
    })?;
    Some(exception)
}

fn frame<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<Frame<'a>> {
    let mut frame = Frame::default();
    reader.fields(json, |reader, key, json| match &**key {
        "path" => frame.path = reader.text(json),
        "line" => frame.line = reader.unsigned(json),
        "label" => frame.label = reader.text(json),
        _ => reader.skip(SkipReason::Unknown),
    })?;
    Some(frame)
}
