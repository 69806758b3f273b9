//! The `aws` block, as far as the span knows it (docs/mapping.md). What the resource knows stands
//! in every segment anyway: see [`resource`](super::resource).

use std::borrow::Cow;

use opentelemetry::{Array, StringValue, Value};
use xray_wire::{
    limits::MAX_TEXT_CHARS,
    segment::{Aws, Kind, Namespace, XraySdk},
};

use super::{
    super::attributes::{Attributes, Slot, Slots},
    name::is_aws_api,
    resource::ResourceView,
    texts::Texts,
};
use crate::redact;

/// The block, unless the application runs on another cloud; then the attributes stay metadata.
pub(super) fn aws<'a>(
    document: Kind,
    namespace: Option<&Namespace<'_>>,
    attributes: &mut Attributes<'a, '_>,
    resource: &'a ResourceView,
    texts: &mut Texts,
) -> Option<Aws<'a>> {
    const SLOTS: Slots = Slots::of(&[
        Slot::AwsOperation,
        Slot::RpcMethod,
        Slot::AwsAccountId,
        Slot::AwsRegion,
        Slot::CloudRegion,
        Slot::AwsRequestId,
        Slot::AwsRequestIdCamel,
        Slot::FaasInvocationId,
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
        return None;
    }
    let is_aws_call = namespace == Some(&Namespace::Aws);
    let own_region = resource.region.as_deref().filter(|_| is_aws_call);
    let own_account = resource.account_id.as_deref().filter(|_| is_aws_call || document == Kind::Segment);
    // Most spans know nothing of AWS.
    if own_region.is_none() && own_account.is_none() && !attributes.has_any(SLOTS) {
        return None;
    }
    let block = Aws {
        operation: operation(attributes, texts),
        account_id: texts.field(&[Slot::AwsAccountId], attributes).or(own_account.map(Cow::Borrowed)),
        region: texts
            .field(&[Slot::AwsRegion, Slot::CloudRegion], attributes)
            .or(own_region.map(Cow::Borrowed)),
        request_id: request_id(attributes, resource, texts),
        queue_url: queue_url(attributes, texts),
        retries: retries(attributes),
        xray: sampling_rule(attributes, texts),
        ..with_tables(attributes, texts)
    };
    // A call has an operation.
    (block.operation.is_some() || block != Aws::default()).then_some(block)
}

/// The operation of an AWS call; of any other call, the method is no operation.
fn operation<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<Cow<'a, str>> {
    if attributes.has(Slot::AwsOperation) {
        return texts.field(&[Slot::AwsOperation], attributes);
    }
    let method = attributes.text(Slot::RpcMethod).filter(|_| is_aws_api(attributes))?;
    match method.rsplit_once('/') {
        // Only a part of the method is told here.
        Some((_, operation)) => Some(texts.cut(Cow::Borrowed(operation), MAX_TEXT_CHARS).0),
        None => texts.field(&[Slot::RpcMethod], attributes),
    }
}

fn request_id<'a>(
    attributes: &mut Attributes<'a, '_>,
    resource: &ResourceView,
    texts: &mut Texts,
) -> Option<Cow<'a, str>> {
    let own = texts.field(&[Slot::AwsRequestId, Slot::AwsRequestIdCamel], attributes);
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
    texts.field(&QUEUES, attributes).or_else(|| {
        let destination = attributes.text(Slot::MessagingDestinationName)?;
        let is_queue =
            destination.starts_with("https://sqs.") || destination.contains(".queue.amazonaws.com");
        is_queue.then(|| texts.cut(redact::url(destination), MAX_TEXT_CHARS).0)
    })
}

/// One table or several. The list itself stays metadata too, where tools look for it.
fn with_tables<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Aws<'a> {
    /// More than DynamoDB takes in one transaction or batch.
    const MAX_TABLES: usize = 100;
    let mut name = |name: &'a str| texts.cut(Cow::Borrowed(name), MAX_TEXT_CHARS).0;
    let listed = match attributes.value(Slot::AwsDynamodbTableNames) {
        Some(Value::String(table)) => std::slice::from_ref(table),
        Some(Value::Array(Array::String(names))) => names,
        _ => &[],
    };
    let mut names = listed.iter().map(StringValue::as_str).filter(|table| !table.is_empty()).take(MAX_TABLES);
    match (names.next(), names.next()) {
        (None, _) => Aws {
            table_name: texts.field(&[Slot::AwsTableName, Slot::AwsTableDotName], attributes),
            ..Aws::default()
        },
        (Some(only), None) => Aws { table_name: Some(name(only)), ..Aws::default() },
        (Some(first), Some(second)) => Aws {
            table_names: [first, second].into_iter().chain(names).map(name).collect(),
            ..Aws::default()
        },
    }
}

fn retries(attributes: &mut Attributes<'_, '_>) -> Option<u32> {
    let (slot, count) = [Slot::AwsXrayRetries, Slot::HttpRequestResendCount]
        .into_iter()
        .find_map(|slot| Some((slot, u32::try_from(attributes.integer(slot)?).ok()?)))?;
    attributes.consume(slot);
    Some(count)
}

/// The sampling rule that chose the request.
fn sampling_rule<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<XraySdk<'a>> {
    let rule = texts.field(&[Slot::AwsXraySamplingRule], attributes)?;
    Some(XraySdk { sampling_rule_name: Some(rule), ..XraySdk::default() })
}
