//! The `aws` block, as far as the span knows it (docs/mapping.md). What the resource knows stands
//! in every segment anyway: see [`resource`](super::resource).

use std::borrow::Cow;

use opentelemetry::{Array, StringValue, Value};
use xray_wire::{
    encode::{AwsFields, Body},
    limits::MAX_TEXT_CHARS,
    segment::{Kind, Namespace},
};

use super::{
    super::attributes::{Attributes, Slot, Slots},
    budget::Budget,
    holes::{Holes, Rule},
    local_root::Role,
    name::is_aws_api,
    resource::ResourceView,
    texts::Texts,
};
use crate::redact;

/// Writes the block. If the application runs on another cloud, attributes stay metadata. Of a span that is two documents,
/// only the sampling rule is the service's.
#[inline]
pub(super) fn aws(
    (document, role): (Kind, Role),
    namespace: Option<&Namespace<'_>>,
    attributes: &mut Attributes<'_, '_>,
    resource: &ResourceView,
    budget: &Budget,
    (texts, holes): (&mut Texts, &mut Holes),
    body: &mut Body<'_>,
) {
    const SLOTS: Slots = Slots::of(&[
        Slot::AwsOperation,
        Slot::RpcMethod,
        Slot::AwsAccountId,
        Slot::AwsRegion,
        Slot::CloudRegion,
        Slot::AwsRequestId,
        Slot::AwsRequestIdCamel,
        Slot::FaasInvocationId,
        Slot::AwsExtendedRequestId,
        Slot::AwsS3Bucket,
        Slot::AwsS3Key,
        Slot::AwsSnsTopicArn,
        Slot::AwsLambdaFunctionName,
        Slot::MessagingUrl,
        Slot::AwsSqsQueueUrl,
        Slot::AwsQueueUrl,
        Slot::AwsQueueDotUrl,
        Slot::MessagingDestinationName,
        Slot::AwsDynamodbTableNames,
        Slot::AwsTableName,
        Slot::AwsTableDotName,
        Slot::AwsXrayRetries,
        Slot::HttpRequestResendCount,
        Slot::AwsXraySamplingRule,
    ]);
    if !resource.is_aws {
        body.aws(None);
        return;
    }
    let is_aws_call = namespace == Some(&Namespace::Aws);
    let own_region = resource.region.as_deref().filter(|_| is_aws_call);
    let own_account = resource.account_id.as_deref().filter(|_| is_aws_call || document == Kind::Segment);
    // Most spans know nothing of AWS.
    if own_region.is_none() && own_account.is_none() && !attributes.has_any(SLOTS) {
        body.aws(None);
        return;
    }
    let queue_url = queue_url(attributes, texts);
    let (table_name, table_names) = tables(attributes, budget, texts);
    let others = if is_aws_call { others(attributes, texts) } else { Vec::new() };
    let mut block = AwsFields {
        operation: operation(attributes, texts),
        account_id: texts.field(&[Slot::AwsAccountId], attributes).or(own_account),
        region: texts.field(&[Slot::AwsRegion, Slot::CloudRegion], attributes).or(own_region),
        request_id: request_id(attributes, resource, texts),
        queue_url: queue_url.as_deref(),
        table_name,
        table_names: &table_names,
        retries: retries(attributes),
        others: &others,
        sampling_rule_name: texts.field(&[Slot::AwsXraySamplingRule], attributes),
    };
    if role == Role::Service {
        block = AwsFields { sampling_rule_name: block.sampling_rule_name, ..AwsFields::default() };
    }
    // A call has an operation.
    let is_told = block.operation.is_some() || block != AwsFields::default();
    let place = body.aws(is_told.then_some(&block));
    if let Some((slot, _)) = attributes.first_text(&REQUEST_IDS) {
        holes.note(attributes.found(slot), Rule::Text, MAX_TEXT_CHARS, place);
    }
}

const REQUEST_IDS: [Slot; 2] = [Slot::AwsRequestId, Slot::AwsRequestIdCamel];

/// The operation of an AWS call; of any other call, the method is no operation.
fn operation<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<&'a str> {
    if attributes.has(Slot::AwsOperation) {
        return texts.field(&[Slot::AwsOperation], attributes);
    }
    let method = attributes.text(Slot::RpcMethod).filter(|_| is_aws_api(attributes))?;
    match method.rsplit_once('/') {
        // Only a part of the method is told here.
        Some((_, operation)) => Some(texts.cut_borrowed(operation, MAX_TEXT_CHARS).0),
        None => texts.field(&[Slot::RpcMethod], attributes),
    }
}

/// What single services tell of a call, in the names of the X-Ray SDKs, by which X-Ray knows the resource.
fn others<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Vec<(&'static str, &'a str)> {
    const FIELDS: [(Slot, &str); 5] = [
        (Slot::AwsExtendedRequestId, "id_2"),
        (Slot::AwsS3Bucket, "bucket_name"),
        (Slot::AwsS3Key, "key"),
        (Slot::AwsSnsTopicArn, "topic_arn"),
        (Slot::AwsLambdaFunctionName, "function_name"),
    ];
    FIELDS.iter().filter_map(|&(slot, name)| Some((name, texts.field(&[slot], attributes)?))).collect()
}

fn request_id<'a>(
    attributes: &mut Attributes<'a, '_>,
    resource: &ResourceView,
    texts: &mut Texts,
) -> Option<&'a str> {
    let own = texts.field(&REQUEST_IDS, attributes);
    if own.is_some() || !resource.is_lambda {
        return own;
    }
    texts.field(&[Slot::FaasInvocationId], attributes)
}

/// A queue's URL. `messaging.url` has other uses and stays metadata too.
fn queue_url<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<Cow<'a, str>> {
    const QUEUES: [Slot; 3] = [Slot::AwsSqsQueueUrl, Slot::AwsQueueUrl, Slot::AwsQueueDotUrl];
    if let Some(url) = attributes.text(Slot::MessagingUrl) {
        return Some(texts.cut(redact::url(url), MAX_TEXT_CHARS).0);
    }
    texts.field(&QUEUES, attributes).map(Cow::Borrowed).or_else(|| {
        let destination = attributes.text(Slot::MessagingDestinationName)?;
        let is_queue =
            destination.starts_with("https://sqs.") || destination.contains(".queue.amazonaws.com");
        is_queue.then(|| texts.cut(redact::url(destination), MAX_TEXT_CHARS).0)
    })
}

/// One table or several; most calls are of one, which takes no list of ours. The call's own list stays metadata too,
/// where tools look for it.
fn tables<'a>(
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    texts: &mut Texts,
) -> (Option<&'a str>, Vec<Cow<'a, str>>) {
    /// More than DynamoDB takes in one transaction or batch.
    const MAX_TABLES: usize = 100;
    let listed = match attributes.value(Slot::AwsDynamodbTableNames) {
        Some(Value::String(table)) => std::slice::from_ref(table),
        Some(Value::Array(Array::String(names))) => names,
        _ => &[],
    };
    let most = MAX_TABLES.min(budget.entries);
    texts.count_cuts(listed.len().saturating_sub(most));
    let listed = &listed[..listed.len().min(most)];
    let mut names = listed.iter().map(StringValue::as_str).filter(|table| !table.is_empty());
    let mut name = |name: &'a str| texts.cut_borrowed(name, MAX_TEXT_CHARS).0;
    match (names.next(), names.next()) {
        (None, _) => (texts.field(&[Slot::AwsTableName, Slot::AwsTableDotName], attributes), Vec::new()),
        (Some(only), None) => (Some(name(only)), Vec::new()),
        (Some(first), Some(second)) => {
            (None, [first, second].into_iter().chain(names).map(name).map(Cow::Borrowed).collect())
        }
    }
}

fn retries(attributes: &mut Attributes<'_, '_>) -> Option<u32> {
    let (slot, count) = [Slot::AwsXrayRetries, Slot::HttpRequestResendCount]
        .into_iter()
        .find_map(|slot| Some((slot, u32::try_from(attributes.integer(slot)?).ok()?)))?;
    attributes.consume(slot);
    Some(count)
}
