//! The service `receipts`: it takes rides from the queue and writes a receipt for each, in traces of its own that are linked
//! to those of the orders.

use std::{future::Future, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::{
    error::BoxError,
    types::{Message, MessageSystemAttributeName},
};
use opentelemetry::trace::{FutureExt, TraceContextExt};
use opentelemetry_aws_xray::{
    ContextMissing,
    messaging::{Consumer, MessageCarrier},
};
use tokio::time::sleep;

use super::cloud::{Cloud, TABLE};
use crate::{
    shutdown::Stopped,
    telemetry::{Telemetry, record_error},
};

/// How long a call waits for messages: short, since whoever ordered wants to see something.
const WAIT_SECONDS: i32 = 1;

/// How long to wait after a call that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The service: it works until it is stopped.
pub(crate) fn run(
    cloud: Cloud,
    telemetry: &Telemetry,
    mut stopped: Stopped,
) -> impl Future<Output = ()> + use<> {
    let receipts = Receipts::new(cloud, telemetry);
    async move {
        loop {
            // A batch that was taken is worked on to its end.
            let batch = tokio::select! {
                () = &mut stopped => return,
                batch = receipts.receive() => batch,
            };
            match batch {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => receipts.process(&messages).await,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

struct Receipts {
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    consumer: Consumer,
    cloud: Cloud,
}

impl Receipts {
    fn new(cloud: Cloud, telemetry: &Telemetry) -> Self {
        let interceptor = telemetry.aws_interceptor();
        // Nobody orders the waiting for messages, so it belongs to no trace.
        let for_queue = interceptor.clone().with_context_missing(ContextMissing::IgnoreError);
        Self {
            dynamodb: cloud.dynamodb(interceptor.clone()),
            s3: cloud.s3(interceptor),
            sqs: cloud.sqs(for_queue),
            consumer: telemetry.consumer(&cloud.queue_url),
            cloud,
        }
    }

    async fn receive(&self) -> Result<Vec<Message>, BoxError> {
        let request = self
            .sqs
            .receive_message()
            .queue_url(&self.cloud.queue_url)
            .max_number_of_messages(10)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader);
        Ok(request.send().await?.messages.unwrap_or_default())
    }

    /// Writes the receipts of a batch, under one span that is linked to all orders.
    async fn process(&self, messages: &[Message]) {
        let cx = self.consumer.start_linked(messages.iter().map(carrier));
        for message in messages {
            if let Err(error) = self.write(message).with_context(cx.clone()).await {
                record_error(&cx, "ReceiptError", &error.as_ref());
            }
        }
        cx.span().end();
    }

    async fn write(&self, message: &Message) -> Result<(), BoxError> {
        let id = message.body().unwrap_or_default();
        let receipt = format!("Thank you for ride {id}.\n").into_bytes();
        let key = format!("receipts/{id}.txt");
        self.s3.put_object().bucket(&self.cloud.bucket).key(key).body(receipt.into()).send().await?;
        let update = self
            .dynamodb
            .update_item()
            .table_name(TABLE)
            .key("id", AttributeValue::S(id.to_owned()))
            .update_expression("SET #state = :done")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":done", AttributeValue::S("done".to_owned()));
        update.send().await?;
        let handle = message.receipt_handle().unwrap_or_default();
        self.sqs.delete_message().queue_url(&self.cloud.queue_url).receipt_handle(handle).send().await?;
        Ok(())
    }
}

fn carrier(message: &Message) -> MessageCarrier<'_> {
    message.attributes().into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
