//! The operations of central sampling, as samplers, the AWS SDKs and the console call them.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    App, Connection,
    aws::{aws_error, invalid_request, read},
};
use crate::{
    clock,
    sampling::{Caller, Draft, Overview, RuleKey, RuleRecord, Sampling, SamplingError, TargetsCall},
};

/// A report of 50 documents, many times over.
const MAX_BODY_BYTES: usize = 256 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    sampling_rule: Draft,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    sampling_rule_update: Draft,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    rule_name: Option<String>,
    #[serde(rename = "RuleARN")]
    rule_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RuleAnswer {
    sampling_rule_record: RuleRecord,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RulesAnswer {
    sampling_rule_records: Vec<RuleRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(super) async fn create_rule(State(app): State<Arc<App>>, body: Body) -> Response {
    answer(&app, body, |sampling, call: Create| {
        let rule = call.sampling_rule.into_new_rule()?;
        sampling.create(rule, clock::now()).map(rule_answer)
    })
    .await
}

pub(super) async fn update_rule(State(app): State<Arc<App>>, body: Body) -> Response {
    answer(&app, body, |sampling, call: Update| {
        sampling.update(call.sampling_rule_update, clock::now()).map(rule_answer)
    })
    .await
}

pub(super) async fn delete_rule(State(app): State<Arc<App>>, body: Body) -> Response {
    answer(&app, body, |sampling, call: Delete| {
        let key = RuleKey::of(call.rule_name, call.rule_arn)?;
        sampling.delete(&key, clock::now()).map(rule_answer)
    })
    .await
}

pub(super) async fn rules(
    State(app): State<Arc<App>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let caller = caller(&connection, &headers);
    answer(&app, body, |sampling, call: Page| {
        let (sampling_rule_records, next_token) =
            sampling.rules(call.next_token.as_deref(), &caller, clock::now())?;
        Ok(RulesAnswer { sampling_rule_records, next_token })
    })
    .await
}

pub(super) async fn targets(
    State(app): State<Arc<App>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let caller = caller(&connection, &headers);
    answer(&app, body, |sampling, call: TargetsCall| sampling.targets(&call, &caller, clock::now())).await
}

pub(super) async fn summaries(State(app): State<Arc<App>>, body: Body) -> Response {
    answer(&app, body, |sampling, call: Page| sampling.summaries(call.next_token.as_deref())).await
}

/// `GET /api/sampling`.
pub(super) async fn overview(State(app): State<Arc<App>>) -> Json<Overview> {
    Json(app.sampling.read(|sampling| sampling.overview(clock::now())))
}

/// Reads a call, does it, and answers in AWS' way.
async fn answer<C: DeserializeOwned, A: Serialize>(
    app: &App,
    body: Body,
    operation: impl FnOnce(&mut Sampling, C) -> Result<A, SamplingError>,
) -> Response {
    let call = match read(body, MAX_BODY_BYTES).await {
        Ok(call) => call,
        Err(response) => return response,
    };
    match app.sampling.change(|sampling| operation(sampling, call)) {
        Ok(answer) => Json(answer).into_response(),
        Err(error @ SamplingError::Invalid(_)) => invalid_request(&error.to_string()),
        Err(error @ SamplingError::LimitExceeded(_)) => {
            aws_error(StatusCode::BAD_REQUEST, "RuleLimitExceededException", &error.to_string())
        }
    }
}

fn rule_answer(sampling_rule_record: RuleRecord) -> RuleAnswer {
    RuleAnswer { sampling_rule_record }
}

fn caller(connection: &Connection, headers: &HeaderMap) -> Caller {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Caller::new(connection.peer().ip(), agent.unwrap_or_default())
}
