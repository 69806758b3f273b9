//! The `aws` block, as far as the span knows it (specification of the mapping, "`aws` block"). What the resource knows stands
//! in every segment anyway: see [`resource`](super::resource).

use std::borrow::Cow;

use opentelemetry::{Array, Value};
use xray_wire::segment::{Aws, Kind, Namespace, XraySdk};

use super::{
    super::attributes::{Attributes, Slot, Slots},
    name::is_aws_api,
    resource::ResourceView,
};

/// The block, unless the application runs on another cloud; then the attributes stay metadata.
pub(super) fn aws<'a>(
    document: Kind,
    namespace: Option<&Namespace<'_>>,
    attributes: &mut Attributes<'a, '_>,
    resource: &'a ResourceView,
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
        operation: operation(attributes),
        account_id: taken(&[Slot::AwsAccountId], attributes).or(own_account.map(Cow::Borrowed)),
        region: taken(&[Slot::AwsRegion, Slot::CloudRegion], attributes).or(own_region.map(Cow::Borrowed)),
        request_id: request_id(attributes, resource),
        queue_url: queue_url(attributes),
        retries: retries(attributes),
        xray: sampling_rule(attributes),
        ..with_tables(attributes)
    };
    (block != Aws::default()).then_some(block)
}

/// The first of the slots, consumed.
fn taken<'a>(slots: &[Slot], attributes: &mut Attributes<'a, '_>) -> Option<Cow<'a, str>> {
    let (slot, text) = attributes.first_text(slots)?;
    attributes.consume(slot);
    Some(Cow::Borrowed(text))
}

/// The operation of an AWS call; of any other call, the method is no operation.
fn operation<'a>(attributes: &mut Attributes<'a, '_>) -> Option<Cow<'a, str>> {
    if let Some(operation) = taken(&[Slot::AwsOperation], attributes) {
        return Some(operation);
    }
    let method = attributes.text(Slot::RpcMethod).filter(|_| is_aws_api(attributes))?;
    attributes.consume(Slot::RpcMethod);
    Some(Cow::Borrowed(method.rsplit_once('/').map_or(method, |(_, operation)| operation)))
}

fn request_id<'a>(attributes: &mut Attributes<'a, '_>, resource: &ResourceView) -> Option<Cow<'a, str>> {
    const IDS: [Slot; 3] = [Slot::AwsRequestId, Slot::AwsRequestIdCamel, Slot::FaasInvocationId];
    taken(if resource.is_lambda { &IDS } else { &IDS[..2] }, attributes)
}

/// A queue's URL. `messaging.url` has other uses and stays metadata too.
fn queue_url<'a>(attributes: &mut Attributes<'a, '_>) -> Option<Cow<'a, str>> {
    const QUEUES: [Slot; 3] = [Slot::AwsSqsQueueUrl, Slot::AwsQueueUrl, Slot::AwsQueueDotUrl];
    if let Some(url) = attributes.text(Slot::MessagingUrl) {
        return Some(Cow::Borrowed(url));
    }
    taken(&QUEUES, attributes).or_else(|| {
        let destination = attributes.text(Slot::MessagingDestinationName)?;
        let is_queue =
            destination.starts_with("https://sqs.") || destination.contains(".queue.amazonaws.com");
        is_queue.then_some(Cow::Borrowed(destination))
    })
}

/// One table or several. The list itself stays metadata too, where tools look for it.
fn with_tables<'a>(attributes: &mut Attributes<'a, '_>) -> Aws<'a> {
    let listed: Vec<Cow<'a, str>> = match attributes.value(Slot::AwsDynamodbTableNames) {
        Some(Value::String(name)) => vec![Cow::Borrowed(name.as_str())],
        Some(Value::Array(Array::String(names))) => {
            names.iter().map(|name| Cow::Borrowed(name.as_str())).collect()
        }
        _ => Vec::new(),
    };
    match <[_; 1]>::try_from(listed) {
        Ok([name]) => Aws { table_name: Some(name), ..Aws::default() },
        Err(names) if names.is_empty() => Aws {
            table_name: taken(&[Slot::AwsTableName, Slot::AwsTableDotName], attributes),
            ..Aws::default()
        },
        Err(table_names) => Aws { table_names, ..Aws::default() },
    }
}

fn retries(attributes: &mut Attributes<'_, '_>) -> Option<u32> {
    let (slot, count) = attributes.first_integer(&[Slot::AwsXrayRetries, Slot::HttpRequestResendCount])?;
    let count = u32::try_from(count).ok()?;
    attributes.consume(slot);
    Some(count)
}

/// The sampling rule that chose the request.
fn sampling_rule<'a>(attributes: &mut Attributes<'a, '_>) -> Option<XraySdk<'a>> {
    let rule = taken(&[Slot::AwsXraySamplingRule], attributes)?;
    Some(XraySdk { sampling_rule_name: Some(rule), ..XraySdk::default() })
}
