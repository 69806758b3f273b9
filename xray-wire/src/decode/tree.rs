//! The tree of subsegments, walked without recursion.

use alloc::{borrow::ToOwned, format, vec::Vec};
use core::iter::Enumerate;

use super::{
    DecodeError, SkipReason,
    json::{Items, Json},
    node::{Node, Place, node},
    path::Mark,
    reader::Reader,
};
use crate::Segment;

/// A node whose subsegments are being read.
struct Open<'t, 'a> {
    segment: Segment<'a>,
    rest: Enumerate<Items<'t, 'a>>,
    /// Where the path was before this node.
    mark: Mark,
}

/// Reads the document's node with all that are inside.
pub(super) fn tree<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Result<Segment<'a>, DecodeError> {
    let root = node(reader, json, Place::Alone).ok_or_else(|| unusable(reader, json))?;
    // The root's own mark is never used: the walk ends there.
    let mark = reader.path.enter_key("subsegments");
    let mut current = Open { segment: root.segment, rest: root.subsegments.enumerate(), mark };
    let mut above: Vec<Open<'_, 'a>> = Vec::new();
    loop {
        if let Some((index, json)) = current.rest.next() {
            let mark = reader.path.enter_index(index);
            match subsegment(reader, json) {
                Some(Node { segment, subsegments }) => {
                    reader.path.enter_key("subsegments");
                    let inside = Open { segment, rest: subsegments.enumerate(), mark };
                    above.push(core::mem::replace(&mut current, inside));
                }
                None => reader.path.leave(mark),
            }
            continue;
        }
        reader.path.leave(current.mark);
        let Some(parent) = above.pop() else { return Ok(current.segment) };
        let done = core::mem::replace(&mut current, parent);
        current.segment.subsegments.push(done.segment);
    }
}

/// Reads one subsegment.
fn subsegment<'t, 'a>(reader: &mut Reader, json: Json<'t, 'a>) -> Option<Node<'t, 'a>> {
    if matches!(json, Json::Null) {
        return None;
    }
    let node = node(reader, json, Place::Inside);
    if node.is_none() && matches!(json, Json::Object(_)) {
        reader.skip(SkipReason::Unusable);
    }
    node
}

/// Why the document is no node: the first of the fields it needs that was skipped.
fn unusable(reader: &Reader, json: Json<'_, '_>) -> DecodeError {
    let field = reader.skipped.first().map(|skipped| skipped.field.clone()).unwrap_or_default();
    let (expected, found) = match &*field {
        "name" => ("text", json.member("name")),
        "id" => ("16 hex digits, not all zero", json.member("id")),
        "start_time" => ("epoch seconds", json.member("start_time")),
        "trace_id" => ("`1-` + 8 + `-` + 24 hex digits, not all zero", json.member("trace_id")),
        _ => ("an object", Some(json)),
    };
    let found = match found {
        None => "nothing".to_owned(),
        Some(Json::Str(text)) => format!("{} characters of other text", text.chars().count()),
        Some(Json::Number(_)) if field == "start_time" => "one that is negative or too large".to_owned(),
        Some(other) => other.kind().to_owned(),
    };
    DecodeError { reason: format!("expected {expected}, but found {found}"), field }
}
