//! `/sampling`: the rules, what they do, and who reports; rules are created, changed and deleted.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use xray_wire::Timestamp;

use super::{Frame, format, render, sampling_chart::RuleChart, sampling_form::RuleForm};
use crate::{
    clock,
    http::App,
    sampling::{CallerRow, ClientRow, Overview, Polls, Rule, RuleKey, RuleRow, SamplingError},
};

/// Characters of a `User-Agent` in the tables: its first names and versions.
const MAX_PROGRAM_CHARS: usize = 40;

/// Characters of what a rule matches.
const MAX_MATCHES_CHARS: usize = 60;

#[derive(Template)]
#[template(path = "sampling.html")]
struct Page {
    frame: Frame,
    error: Option<String>,
    rates: Vec<Rates>,
    charts: Vec<RuleChart>,
    clients: Vec<Client>,
    callers: Vec<Caller>,
    forms: Vec<RuleForm>,
    blank: RuleForm,
}

/// What a rule does.
struct Rates {
    rule: Rule,
    matches: String,
    matches_cut: String,
    fixed_rate: String,
    requests: String,
    sampled: String,
    borrowed: String,
    /// Of the requests, in percent.
    share: Option<f64>,
    clients: usize,
    boost: String,
}

struct Client {
    row: ClientRow,
    program: String,
    requests: String,
    sampled: String,
    quota: String,
    reported: String,
}

struct Caller {
    row: CallerRow,
    program: String,
    rules: String,
    targets: String,
}

pub(super) async fn page(State(app): State<Arc<App>>) -> Response {
    show(&app, None)
}

/// Creates or changes a rule.
pub(super) async fn save(State(app): State<Arc<App>>, Form(form): Form<RuleForm>) -> Response {
    let is_new = form.is_new();
    let saved = form.into_draft().and_then(|draft| {
        app.sampling.change(|sampling| {
            if is_new {
                sampling.create(draft.into_rule_for_everything()?, clock::now())
            } else {
                sampling.update(draft, clock::now())
            }
        })
    });
    back(&app, saved.map(drop))
}

#[derive(Deserialize)]
pub(super) struct DeleteForm {
    name: String,
}

pub(super) async fn delete(State(app): State<Arc<App>>, Form(form): Form<DeleteForm>) -> Response {
    let deleted = app.sampling.change(|sampling| sampling.delete(&RuleKey::Name(form.name), clock::now()));
    back(&app, deleted.map(drop))
}

fn back(app: &App, result: Result<(), SamplingError>) -> Response {
    match result {
        Ok(()) => Redirect::to("/sampling").into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, show(app, Some(error.to_string()))).into_response(),
    }
}

fn show(app: &App, error: Option<String>) -> Response {
    let now = clock::now();
    let (overview, history) = app.sampling.read(|sampling| (sampling.overview(now), sampling.history(now)));
    let Overview { rules, clients, callers, .. } = overview;
    render(&Page {
        frame: Frame::new(app, app.store.stats(), "sampling"),
        error,
        forms: rules.iter().map(|row| RuleForm::of(&row.rule)).collect(),
        rates: rules.into_iter().map(Rates::of).collect(),
        charts: history.into_iter().map(|history| RuleChart::of(history, now)).collect(),
        clients: clients.into_iter().map(|row| Client::of(row, now)).collect(),
        callers: callers.into_iter().map(|row| Caller::of(row, now)).collect(),
        blank: RuleForm::blank(),
    })
}

impl Rates {
    fn of(row: RuleRow) -> Self {
        let matches = matches(&row.rule);
        Self {
            matches_cut: format::cut(&matches, MAX_MATCHES_CHARS),
            matches,
            fixed_rate: percent(row.rule.fixed_rate),
            requests: rate(row.requests_per_second),
            sampled: rate(row.sampled_per_second),
            borrowed: rate(row.borrowed_per_second),
            share: row.sampled_share.map(|share| (share * 1_000.0).round() / 10.0),
            clients: row.clients,
            boost: boost(&row),
            rule: row.rule,
        }
    }
}

impl Client {
    fn of(row: ClientRow, now: Timestamp) -> Self {
        let left = row.quota_until.nanos_since(now) / 1_000_000_000;
        let quota = if left == 0 { "expired".to_owned() } else { format!("{} /s for {left} s", row.quota) };
        Self {
            program: format::cut(&row.agent, MAX_PROGRAM_CHARS),
            requests: rate(row.requests_per_second),
            sampled: rate(row.sampled_per_second),
            quota,
            reported: ago(row.reported, now),
            row,
        }
    }
}

impl Caller {
    fn of(row: CallerRow, now: Timestamp) -> Self {
        Self {
            program: format::cut(&row.caller.agent, MAX_PROGRAM_CHARS),
            rules: polls(row.polled.rules, now),
            targets: polls(row.polled.targets, now),
            row,
        }
    }
}

/// What a rule asks for, `everything` if nothing.
fn matches(rule: &Rule) -> String {
    let fields = [
        ("method", &rule.http_method),
        ("path", &rule.url_path),
        ("host", &rule.host),
        ("service", &rule.service_name),
        ("type", &rule.service_type),
        ("ARN", &rule.resource_arn),
    ];
    let asked = fields.into_iter().filter(|(_, pattern)| *pattern != "*");
    let asked = asked.map(|(name, pattern)| format!("{name} {pattern}"));
    let attributes = rule.attributes.iter().map(|(key, pattern)| format!("{key}={pattern}"));
    let all: Vec<String> = asked.chain(attributes).collect();
    if all.is_empty() { "everything".to_owned() } else { all.join(", ") }
}

/// What a rule's boost does, or may do.
fn boost(row: &RuleRow) -> String {
    let Some(limits) = row.rule.sampling_rate_boost else { return "–".to_owned() };
    let state = match row.boost_rate {
        Some(rate) => format!("now {}", percent(rate)),
        None => format!("up to {}", percent(limits.max_rate)),
    };
    if row.traces == 0 && row.anomalies == 0 {
        return state;
    }
    format!("{state}, saw {} of {} anomalies", row.sampled_anomalies, row.anomalies)
}

fn polls(polls: Polls, now: Timestamp) -> String {
    if polls.calls == 0 {
        "never".to_owned()
    } else {
        format!("{} ×, {}", polls.calls, ago(polls.last, now))
    }
}

fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.nanos_since(then) / 1_000_000_000;
    if seconds == 0 { "now".to_owned() } else { format!("{} ago", format::duration(seconds * 1_000_000_000)) }
}

/// Requests a second.
fn rate(per_second: f64) -> String {
    if per_second == 0.0 { "0".to_owned() } else { format!("{per_second:.2}") }
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 10_000.0).round() / 100.0)
}
