//! What the frontend does with an order on AWS: it is stored, and the ride is queued for its receipt.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::{
    error::BoxError,
    types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue},
};
use opentelemetry::Context;
use opentelemetry_aws_xray::propagator::header_value;

use super::cloud::{Cloud, TABLE};
use crate::telemetry::Telemetry;

/// Stores orders.
#[derive(Debug)]
pub(crate) struct Orders {
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    queue_url: String,
}

impl Orders {
    /// Orders in this account.
    pub(crate) fn new(cloud: &Cloud, telemetry: &Telemetry) -> Self {
        let interceptor = telemetry.aws_interceptor();
        Self {
            dynamodb: cloud.dynamodb(interceptor.clone()),
            sqs: cloud.sqs(interceptor),
            queue_url: cloud.queue_url.clone(),
        }
    }

    /// Stores an order under its id and queues the ride. The spans of the calls tell what goes wrong; the customer gets
    /// the ride all the same.
    pub(crate) async fn store(&self, id: &str, driver: &str) {
        let item = [("id", id), ("driver", driver), ("state", "ordered")];
        let item = item.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
        let put = self.dynamodb.put_item().table_name(TABLE).set_item(Some(item.into()));
        if put.send().await.is_ok() {
            let _ = self.queue(id).await;
        }
    }

    async fn queue(&self, id: &str) -> Result<(), BoxError> {
        let mut message = self.sqs.send_message().queue_url(&self.queue_url).message_body(id);
        // SQS makes this of the call's own header; emulators do not.
        if let Some(header) = header_value(&Context::current()) {
            let value =
                MessageSystemAttributeValue::builder().data_type("String").string_value(header).build()?;
            message =
                message.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
        }
        message.send().await?;
        Ok(())
    }
}
