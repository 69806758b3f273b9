//! Which parameters of which service are recorded, and how they are found in what is sent and answered.
//!
//! The lists are those of the X-Ray SDKs, in the names of the semantic conventions where these have one. They hold names and
//! numbers, never what is stored, sent or secret.

mod table;

use std::borrow::Cow;

use aws_smithy_runtime_api::{
    client::orchestrator::{HttpRequest, HttpResponse},
    http::Headers,
};
use opentelemetry::{Array, KeyValue, StringValue, Value};

use self::table::{Parameter, Place, Service, Shape};
use super::{
    members::{self, MAX_BODY_BYTES, Member},
    text,
};

/// What a request says about its target.
pub(super) fn of_request(service: &str, request: &HttpRequest) -> Vec<KeyValue> {
    let Some(service) = Service::named(service) else { return Vec::new() };
    let message = Message {
        path: text::path(request.uri()),
        query: request.uri().split_once('?').map_or("", |(_, query)| query),
        headers: request.headers(),
        body: request.body().bytes().unwrap_or_default(),
    };
    let mut attributes: Vec<_> =
        service.constants.iter().map(|&(name, value)| KeyValue::new(name, value)).collect();
    message.record(service.request, &mut attributes);
    attributes
}

/// What an answer says, as far as it is in memory.
pub(super) fn of_response(service: &str, response: &HttpResponse) -> Vec<KeyValue> {
    let Some(service) = Service::named(service) else { return Vec::new() };
    let body = response.body().bytes().unwrap_or_default();
    let message = Message { path: "", query: "", headers: response.headers(), body };
    let mut attributes = Vec::new();
    message.record(service.response, &mut attributes);
    attributes
}

/// A request or an answer.
struct Message<'m> {
    path: &'m str,
    query: &'m str,
    headers: &'m Headers,
    body: &'m [u8],
}

impl Message<'_> {
    fn record(&self, parameters: &[Parameter], attributes: &mut Vec<KeyValue>) {
        for parameter in parameters {
            let found = match parameter.place {
                Place::Member(_) | Place::LastMember(_) => continue,
                Place::PathAfter(label) => self.path_after(label),
                Place::Query(name) => {
                    text::pairs(self.query).find(|(found, _)| found == name).map(|(_, value)| value)
                }
                Place::Header(name) => self.headers.get(name).map(Cow::Borrowed),
            };
            if let Some(value) = found.filter(|value| !value.is_empty()) {
                parameter.record(Member::Text(text::bounded(&value)), attributes);
            }
        }
        self.record_members(parameters, attributes);
    }

    /// The path segment behind the one that is `label`.
    fn path_after(&self, label: &str) -> Option<Cow<'_, str>> {
        let mut segments = self.path.split('/').skip_while(|segment| *segment != label).skip(1);
        segments.next().map(text::percent_decoded)
    }

    fn record_members(&self, parameters: &[Parameter], attributes: &mut Vec<KeyValue>) {
        if parameters.iter().all(|parameter| parameter.member().is_none()) {
            return;
        }
        let parameter = |name: &str| parameters.iter().find(|parameter| parameter.member() == Some(name));
        let mut record = |name: &str, member| {
            if let Some(parameter) = parameter(name) {
                parameter.record(member, attributes);
            }
        };
        let content_type = self.headers.get("content-type").unwrap_or_default();
        if content_type.starts_with("application/x-amz-json") || content_type.starts_with("application/json")
        {
            members::read(self.body, |name| parameter(name).is_some(), &mut record);
            let is_last = |name: &str| parameters.iter().any(|row| row.place == Place::LastMember(name));
            members::read_tail(self.body, is_last, record);
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            text::pairs(whole_pairs(self.body))
                .for_each(|(name, value)| record(&name, Member::Text(text::bounded(&value))));
        }
    }
}

/// What is read of a form, without the pair in which that ends.
fn whole_pairs(form: &[u8]) -> &str {
    let read = &form[..form.len().min(MAX_BODY_BYTES)];
    let is_cut = read.len() < form.len();
    let end = if is_cut { read.iter().rposition(|byte| *byte == b'&').unwrap_or(0) } else { read.len() };
    std::str::from_utf8(&read[..end]).unwrap_or_default()
}

impl Parameter {
    fn record(&self, member: Member, attributes: &mut Vec<KeyValue>) {
        match &member {
            Member::Text(value) => self.record_what_it_tells(value, attributes),
            Member::Several { names, .. } | Member::Part(names) => {
                names.first().into_iter().for_each(|name| self.record_what_it_tells(name, attributes));
            }
            _ => {}
        }
        if let Some(value) = self.value(member) {
            attributes.push(KeyValue::new(self.attribute, value));
        }
    }

    fn value(&self, member: Member) -> Option<Value> {
        let strings = |names: Vec<String>| {
            Value::Array(Array::String(names.into_iter().map(StringValue::from).collect()))
        };
        let tables = |names: Vec<String>| strings(names.into_iter().map(table_name).collect());
        match (self.shape, member) {
            (Shape::Text | Shape::Arn | Shape::QueueUrl, Member::Text(value)) => Some(value.into()),
            (Shape::Integer, Member::Integer(number)) => Some(number.into()),
            (Shape::Integer, Member::Text(digits)) => digits.parse::<i64>().ok().map(Value::I64),
            (Shape::Flag, Member::Flag(flag)) => Some(flag.into()),
            (Shape::Count, Member::Several { count, .. }) => i64::try_from(count).ok().map(Value::I64),
            (Shape::Names, Member::Text(name)) => Some(strings(vec![name])),
            (Shape::Tables, Member::Text(name)) => Some(tables(vec![name])),
            (Shape::Names, Member::Several { names, .. } | Member::Part(names)) if !names.is_empty() => {
                Some(strings(names))
            }
            (Shape::Tables, Member::Several { names, .. } | Member::Part(names)) if !names.is_empty() => {
                Some(tables(names))
            }
            _ => None,
        }
    }

    /// What stands inside an ARN or a queue's URL: who owns the resource, and a queue's name.
    fn record_what_it_tells(&self, value: &str, attributes: &mut Vec<KeyValue>) {
        let account = match self.shape {
            Shape::Arn | Shape::Tables => account_of_arn(value),
            Shape::QueueUrl => {
                let mut parts = value.rsplit('/');
                if let Some(queue) = parts.next().filter(|queue| !queue.is_empty()) {
                    attributes.push(KeyValue::new("messaging.destination.name", queue.to_owned()));
                }
                parts.next().filter(|account| is_account(account))
            }
            _ => None,
        };
        if let Some(account) = account {
            attributes.push(KeyValue::new("aws.account_id", account.to_owned()));
        }
    }
}

/// `arn:partition:service:region:account:resource`.
fn account_of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(3).filter(|account| is_account(account))
}

/// The table's name, which stands in `arn:aws:dynamodb:region:account:table/name`.
fn table_name(table: String) -> String {
    match table.strip_prefix("arn:").and_then(|arn| arn.split_once(":table/")) {
        Some((_, name)) => name.split('/').next().unwrap_or(name).to_owned(),
        None => table,
    }
}

/// Twelve digits.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
