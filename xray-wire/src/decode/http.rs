//! The `http` block.

use super::{SkipReason, json::Json, reader::Reader};
use crate::segment::Http;

pub(super) fn http<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<Http<'a>> {
    let mut http = Http::default();
    reader.fields(json, |reader, key, json| match &**key {
        "request" => request(reader, json, &mut http),
        "response" => response(reader, json, &mut http),
        _ => reader.skip(SkipReason::Unknown),
    })?;
    (http != Http::default()).then_some(http)
}

fn request<'a>(reader: &mut Reader, json: Json<'_, 'a>, http: &mut Http<'a>) {
    reader.fields(json, |reader, key, json| match &**key {
        "method" => http.method = reader.text(json),
        "url" => http.url = reader.text(json),
        "user_agent" => http.user_agent = reader.text(json),
        "client_ip" => http.client_ip = reader.text(json),
        "x_forwarded_for" => http.x_forwarded_for = reader.flag(json),
        "traced" => http.traced = reader.flag(json),
        _ => reader.skip(SkipReason::Unknown),
    });
}

fn response(reader: &mut Reader, json: Json<'_, '_>, http: &mut Http<'_>) {
    reader.fields(json, |reader, key, json| match &**key {
        "status" => http.status = reader.unsigned(json),
        // Some writers say so when they do not know the length.
        "content_length" if matches!(json, Json::Number("-1")) => {}
        "content_length" => http.content_length = reader.unsigned(json),
        _ => reader.skip(SkipReason::Unknown),
    });
}
