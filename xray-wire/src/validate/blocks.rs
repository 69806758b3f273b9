//! The rules for the blocks of a node.

use super::checker::{Checked, Checker};
use crate::{
    decode::json::Json,
    limits::{MAX_ANNOTATION_KEY_CHARS, MAX_ANNOTATION_VALUE_CHARS, MAX_ANNOTATIONS, MAX_TEXT_CHARS},
};

/// The highest status that three digits can say.
const MAX_STATUS: u64 = 999;

pub(super) fn http(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    checker.fields(json, |checker, key, json| match key {
        "request" => checker.fields(json, |checker, key, json| match key {
            "method" | "url" | "user_agent" | "client_ip" => checker.text_within(json, MAX_TEXT_CHARS),
            "x_forwarded_for" | "traced" => checker.flag(json),
            _ => Ok(()),
        }),
        "response" => checker.fields(json, |checker, key, json| match key {
            "status" => checker.whole(json, MAX_STATUS),
            "content_length" => checker.length(json),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}

pub(super) fn aws(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    checker.fields(json, |checker, key, json| match key {
        "account_id" | "operation" | "region" | "request_id" | "queue_url" | "table_name" => {
            checker.any_text(json)
        }
        "table_names" => checker.list(json, Checker::any_text),
        "retries" => checker.whole(json, u64::from(u32::MAX)),
        "cloudwatch_logs" => checker.list(json, texts),
        "ec2" | "ecs" | "eks" => texts(checker, json),
        "elastic_beanstalk" => checker.fields(json, |checker, key, json| match key {
            "deployment_id" => checker.whole(json, i64::MAX.unsigned_abs()),
            "environment_name" | "version_label" => checker.any_text(json),
            _ => Ok(()),
        }),
        "xray" => checker.fields(json, |checker, key, json| match key {
            "auto_instrumentation" => checker.flag(json),
            "sdk" | "sdk_version" | "sampling_rule_name" | "rule_name" => checker.any_text(json),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}

pub(super) fn sql(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    texts(checker, json)
}

pub(super) fn service(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    texts(checker, json)
}

/// A block all of whose fields are text.
fn texts(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    checker.fields(json, |checker, _, json| checker.any_text(json))
}

pub(super) fn cause(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    if matches!(json, Json::Str(_)) {
        return checker.segment_id(json).map(drop);
    }
    if !matches!(json, Json::Object(_)) {
        return checker.fail("an exception's id or an object", json.kind());
    }
    checker.fields(json, |checker, key, json| match key {
        "working_directory" => checker.any_text(json),
        "paths" => checker.list(json, Checker::any_text),
        "exceptions" => checker.list(json, exception),
        _ => Ok(()),
    })
}

fn exception(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    const MAX_COUNT: u64 = u32::MAX as u64;

    checker.fields(json, |checker, key, json| match key {
        "id" | "cause" => checker.segment_id(json).map(drop),
        "message" | "type" => checker.any_text(json),
        "remote" => checker.flag(json),
        "truncated" | "skipped" => checker.whole(json, MAX_COUNT),
        "stack" => checker.list(json, |checker, json| {
            checker.fields(json, |checker, key, json| match key {
                "path" | "label" => checker.any_text(json),
                // Java's SDK writes −1 where there is none, and −2 for native code.
                "line" => checker.integer(json),
                _ => Ok(()),
            })
        }),
        _ => Ok(()),
    })?;
    checker.required(json, "id", "16 hex digits", |_, _| Ok(()))
}

pub(super) fn annotations(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    if let Json::Object(members) = json {
        checker.within(MAX_ANNOTATIONS, members.count(), "annotations")?;
    }
    checker.fields(json, |checker, key, json| {
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
            || key.is_empty()
        {
            return checker.fail("a key of letters, digits, `_` and `.`", "another key");
        }
        // One byte is one character here.
        checker.within(MAX_ANNOTATION_KEY_CHARS, key.len(), "characters of a key")?;
        match json {
            Json::Str(_) => checker.text_within(json, MAX_ANNOTATION_VALUE_CHARS),
            Json::Bool(_) => Ok(()),
            Json::Number(text) if text.parse().is_ok_and(f64::is_finite) => Ok(()),
            Json::Number(_) => checker.fail("a number of 64 bits", "one that is too large"),
            _ => checker.fail("a string, a number or a truth value", json.kind()),
        }
    })
}

/// Namespaces of keys of anything.
pub(super) fn metadata(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    checker.fields(json, |checker, namespace, json| {
        if namespace.starts_with("AWS.") {
            return checker.fail("a namespace that X-Ray does not reserve", "one that begins with `AWS.`");
        }
        if !matches!(json, Json::Object(_)) {
            return checker.fail("a namespace that is an object", json.kind());
        }
        Ok(())
    })
}

pub(super) fn link(checker: &mut Checker, json: Json<'_, '_>) -> Checked {
    checker.fields(json, |checker, key, json| match key {
        "attributes" => checker.fields(json, |_, _, _| Ok(())),
        _ => Ok(()),
    })?;
    checker.required(json, "trace_id", "`1-` + 8 + `-` + 24 hex digits", Checker::trace_id)?;
    checker.required(json, "id", "16 hex digits", Checker::segment_id)?;
    Ok(())
}
