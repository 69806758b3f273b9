//! The blocks of a document, one function for each.

use alloc::{borrow::Cow, vec::Vec};

use super::{
    EncodedFrames, HttpFields, HttpPlaces, SqlFields,
    json::{self, Object},
};
use crate::segment::{Annotation, AnnotationValue, Exception, Frame, Link, Service};

#[inline]
pub(super) fn http(http: &HttpFields<'_>, out: &mut Vec<u8>) -> HttpPlaces {
    let HttpFields { method, url, user_agent, client_ip, x_forwarded_for, traced, status, content_length } =
        http;
    let mut places = HttpPlaces::default();
    let mut block = Object::open(out);
    let has_request = method.is_some() || url.is_some() || user_agent.is_some() || client_ip.is_some();
    if has_request || *x_forwarded_for || *traced {
        let mut request = Object::open(block.field(br#","request":"#));
        request.text(br#","method":""#, *method);
        places.url = request.text(br#","url":""#, *url);
        places.user_agent = request.text(br#","user_agent":""#, *user_agent);
        places.client_ip = request.text(br#","client_ip":""#, *client_ip);
        request.flag(br#","x_forwarded_for":true"#, *x_forwarded_for);
        request.flag(br#","traced":true"#, *traced);
        request.close();
    }
    if status.is_some() || content_length.is_some() {
        let mut response = Object::open(block.field(br#","response":"#));
        places.status = response.integer(br#","status":"#, *status);
        places.content_length = response.integer(br#","content_length":"#, *content_length);
        response.close();
    }
    block.close();
    places
}

#[inline]
pub(super) fn sql(sql: &SqlFields<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text(br#","connection_string":""#, sql.connection_string);
    block.text(br#","url":""#, sql.url);
    block.text(br#","sanitized_query":""#, sql.sanitized_query);
    block.text(br#","database_type":""#, sql.database_type);
    block.text(br#","database_version":""#, sql.database_version);
    block.text(br#","driver_version":""#, sql.driver_version);
    block.text(br#","user":""#, sql.user);
    block.text(br#","preparation":""#, sql.preparation);
    block.close();
}

pub(super) fn service(service: &Service<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text(br#","version":""#, service.version.as_deref());
    block.text(br#","runtime":""#, service.runtime.as_deref());
    block.text(br#","runtime_version":""#, service.runtime_version.as_deref());
    block.close();
}

/// What went wrong: the exceptions, each with its frames if these are encoded already.
pub(super) fn cause<'e>(
    working_directory: Option<&str>,
    paths: &[Cow<'_, str>],
    exceptions: impl Iterator<Item = (&'e Exception<'e>, Option<&'e EncodedFrames>)>,
    out: &mut Vec<u8>,
) {
    let mut block = Object::open(out);
    block.text(br#","working_directory":""#, working_directory);
    if !paths.is_empty() {
        json::list(paths, block.field(br#","paths":"#), |path, out| json::string(path, out));
    }
    let mut exceptions = exceptions.peekable();
    if exceptions.peek().is_some() {
        json::list(exceptions, block.field(br#","exceptions":"#), |(exception, frames), out| {
            self::exception(exception, frames, out);
        });
    }
    block.close();
}

fn exception(exception: &Exception<'_>, frames: Option<&EncodedFrames>, out: &mut Vec<u8>) {
    let Exception { id, kind, message, remote, truncated, skipped, cause, stack } = exception;
    let mut block = Object::open(out);
    if let Some(id) = id {
        json::segment_id(*id, block.field(br#","id":"#));
    }
    json::string(kind, block.field(br#","type":"#));
    json::string(message, block.field(br#","message":"#));
    block.flag(br#","remote":true"#, *remote);
    if *truncated > 0 {
        json::integer(*truncated, block.field(br#","truncated":"#));
    }
    if *skipped > 0 {
        json::integer(*skipped, block.field(br#","skipped":"#));
    }
    if let Some(cause) = cause {
        json::segment_id(*cause, block.field(br#","cause":"#));
    }
    if let Some(frames) = frames.filter(|frames| !frames.is_empty()) {
        frames.write(block.field(br#","stack":"#));
    } else if !stack.is_empty() {
        json::list(stack, block.field(br#","stack":"#), frame);
    }
    block.close();
}

pub(super) fn frame(frame: &Frame<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text(br#","path":""#, frame.path.as_deref());
    if let Some(line) = frame.line {
        json::integer(line, block.field(br#","line":"#));
    }
    block.text(br#","label":""#, frame.label.as_deref());
    block.close();
}

pub(super) fn link(link: &Link<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    json::trace_id(link.trace_id, block.field(br#","trace_id":"#));
    json::segment_id(link.id, block.field(br#","id":"#));
    if !link.attributes.is_empty() {
        let mut attributes = Object::open(block.field(br#","attributes":"#));
        for (key, value) in &link.attributes {
            json::value(value, attributes.field_named(key));
        }
        attributes.close();
    }
    block.close();
}

pub(super) fn annotations(annotations: &[Annotation<'_>], out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    for Annotation { key, value } in annotations {
        let out = block.field_named(key);
        match value {
            AnnotationValue::Str(text) => json::string(text, out),
            AnnotationValue::I64(value) => json::integer(*value, out),
            AnnotationValue::F64(value) => json::float(*value, out),
            AnnotationValue::Bool(value) => json::boolean(*value, out),
        }
    }
    block.close();
}
