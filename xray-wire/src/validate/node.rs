//! The rules for a segment or subsegment, and for the tree of them.

use alloc::vec::Vec;
use core::iter::Enumerate;

use super::{
    blocks::{annotations, aws, cause, http, link, metadata, service, sql},
    checker::{Checked, Checker},
};
use crate::{
    decode::{
        json::{Items, Json},
        path::Mark,
    },
    limits::{MAX_LINKS, MAX_NAME_CHARS, MAX_TEXT_CHARS},
    sanitize::is_name_char,
};

/// Where a node was met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the document.
    Alone,
    /// In the list of another's subsegments.
    Inside,
}

/// A document with all subsegments inside each other, walked without recursion.
pub(super) fn document(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    let mut open: Vec<(Enumerate<Items<'_, '_>>, Option<Mark>)> = Vec::new();
    open.push((node(checker, json, Place::Alone)?.enumerate(), None));
    checker.path.enter_key("subsegments");
    while let Some((rest, mark)) = open.last_mut() {
        let Some((index, json)) = rest.next() else {
            // The document's own path ends with the walk.
            if let Some(mark) = *mark {
                checker.path.leave(mark);
            }
            open.pop();
            continue;
        };
        let mark = checker.path.enter_index(index);
        let inside = node(checker, json, Place::Inside)?;
        checker.path.enter_key("subsegments");
        open.push((inside.enumerate(), Some(mark)));
    }
    Ok(())
}

/// One node; gives back its subsegments.
fn node<'t, 'a>(checker: &mut Checker, json: Json<'t, 'a>, place: Place) -> Checked<Items<'t, 'a>> {
    if !matches!(json, Json::Object(_)) {
        return checker.fail("an object", json.kind());
    }
    checker.required(json, "name", "a name", name)?;
    checker.required(json, "id", "16 hex digits", unique_id)?;
    if place == Place::Alone {
        checker.required(json, "trace_id", "`1-` + 8 + `-` + 24 hex digits", Checker::trace_id)?;
    }
    times(checker, json)?;
    let is_subsegment = place == Place::Inside || json.member("type").is_some();
    if is_subsegment && place == Place::Alone {
        let expected = "16 hex digits on a subsegment that stands alone (MissingParentId)";
        checker.required(json, "parent_id", expected, Checker::segment_id)?;
    }

    let mut subsegments = Items::default();
    checker.fields(json, |checker, key, json| match key {
        "trace_id" => checker.trace_id(json).map(drop),
        "parent_id" => checker.segment_id(json).map(drop),
        "type" => match checker.text(json)? {
            "subsegment" => Ok(()),
            _ => checker.fail("`subsegment` or no such field", "other text"),
        },
        "namespace" if !is_subsegment => checker.fail("no such field on a segment", json.kind()),
        "namespace" => match checker.text(json)? {
            // Native SDKs write `local` on subsegments of their own service, which the service takes.
            "aws" | "remote" | "local" => Ok(()),
            _ => checker.fail("`aws`, `remote` or `local`", "other text"),
        },
        "fault" | "error" | "throttle" | "inferred" | "traced" => checker.flag(json),
        "origin" | "resource_arn" => checker.any_text(json),
        "user" => checker.text_within(json, MAX_TEXT_CHARS),
        "http" => http(checker, json),
        "aws" => aws(checker, json),
        "sql" => sql(checker, json),
        "service" => service(checker, json),
        "cause" => cause(checker, json),
        "annotations" => annotations(checker, json),
        "metadata" => metadata(checker, json),
        "links" => {
            checker.within(MAX_LINKS, checker.array(json)?.count(), "links")?;
            checker.list(json, link)
        }
        "precursor_ids" => checker.list(json, |checker, json| checker.segment_id(json).map(drop)),
        "subsegments" => {
            subsegments = checker.array(json)?;
            Ok(())
        }
        _ => Ok(()),
    })?;
    Ok(subsegments)
}

fn name(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    let name = checker.text(json)?;
    if name.is_empty() {
        return checker.fail("a name", "an empty string");
    }
    checker.within(MAX_NAME_CHARS, name.chars().count(), "characters")?;
    match name.chars().find(|c| !is_name_char(*c) && !c.is_whitespace()) {
        Some(c) => checker.fail(
            r"letters, digits, white space and `_ . : / % & # = + \ - @`",
            format_args!("`{}`", c.escape_debug()),
        ),
        None => Ok(()),
    }
}

fn unique_id(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    let id = checker.segment_id(json)?;
    if checker.ids.insert(id) {
        return Ok(());
    }
    checker.fail("an id that no other node of the document has", "one again")
}

/// A start, and an end that is not before it or `in_progress: true`.
fn times(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    let start = checker.required(json, "start_time", "epoch seconds", Checker::timestamp)?;
    let in_progress = match json.member("in_progress") {
        Some(_) => checker.required(json, "in_progress", "a truth value", Checker::bool)?,
        None => false,
    };
    if in_progress && json.member("end_time").is_none() {
        return Ok(());
    }
    checker.required(json, "end_time", "epoch seconds, or `in_progress: true`", |checker, json| {
        if in_progress {
            return checker.fail("no such field beside `in_progress: true`", json.kind());
        }
        if checker.timestamp(json)? < start {
            return checker.fail("no time before `start_time`", "one");
        }
        Ok(())
    })
}
