//! The table of what is recorded: one row for each parameter.

use self::{
    Place::{Header, LastMember, Member, PathAfter, Query},
    Shape::{Arn, Count, Flag, Integer, Names, QueueUrl, Tables, Text},
};

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'n> {
    /// A member of the body, JSON or a form.
    Member(&'n str),
    /// The same, of a body in which it may stand after a list that is longer than what is read.
    LastMember(&'n str),
    /// The segment of the path after this one.
    PathAfter(&'n str),
    /// A pair of the query string.
    Query(&'n str),
    /// A header.
    Header(&'n str),
}

/// What a parameter is recorded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Integer,
    Flag,
    /// Only how many there are.
    Count,
    /// A name, a list of names, or the keys of a map: always a list.
    Names,
    /// The same of tables, which may be named by their ARNs.
    Tables,
    /// An ARN or a plain name.
    Arn,
    QueueUrl,
}

/// One row.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) place: Place<'static>,
    pub(super) shape: Shape,
    pub(super) attribute: &'static str,
}

/// What is recorded of one service's calls.
#[derive(Debug)]
pub(super) struct Service {
    /// As the SDK names it.
    name: &'static str,
    pub(super) constants: &'static [(&'static str, &'static str)],
    pub(super) request: &'static [Parameter],
    pub(super) response: &'static [Parameter],
}

impl Parameter {
    /// The name of the member that it is.
    pub(super) const fn member(&self) -> Option<&'static str> {
        match self.place {
            Member(name) | LastMember(name) => Some(name),
            PathAfter(_) | Query(_) | Header(_) => None,
        }
    }
}

impl Service {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SERVICES.iter().find(|service| service.name == name)
    }
}

const fn row(place: Place<'static>, shape: Shape, attribute: &'static str) -> Parameter {
    Parameter { place, shape, attribute }
}

const SERVICES: &[Service] = &[
    Service {
        name: "Bedrock Runtime",
        constants: &[],
        request: &[row(PathAfter("model"), Arn, "gen_ai.request.model")],
        response: &[],
    },
    Service {
        name: "DynamoDB",
        constants: &[],
        request: &[
            row(Member("TableName"), Tables, "aws.dynamodb.table_names"),
            row(Member("RequestItems"), Tables, "aws.dynamodb.table_names"),
            row(Member("IndexName"), Text, "aws.dynamodb.index_name"),
            row(Member("AttributesToGet"), Names, "aws.dynamodb.attributes_to_get"),
            row(Member("ConsistentRead"), Flag, "aws.dynamodb.consistent_read"),
            row(Member("ExclusiveStartTableName"), Text, "aws.dynamodb.exclusive_start_table"),
            row(Member("Limit"), Integer, "aws.dynamodb.limit"),
            row(Member("ProjectionExpression"), Text, "aws.dynamodb.projection"),
            row(Member("ScanIndexForward"), Flag, "aws.dynamodb.scan_forward"),
            row(Member("Segment"), Integer, "aws.dynamodb.segment"),
            row(Member("Select"), Text, "aws.dynamodb.select"),
            row(Member("TotalSegments"), Integer, "aws.dynamodb.total_segments"),
        ],
        response: &[
            row(Member("Count"), Integer, "aws.dynamodb.count"),
            row(Member("ScannedCount"), Integer, "aws.dynamodb.scanned_count"),
            row(Member("TableNames"), Count, "aws.dynamodb.table_count"),
        ],
    },
    Service {
        name: "EventBridge",
        constants: &[],
        request: &[row(Member("Entries"), Count, "aws.eventbridge.entry_count")],
        response: &[row(Member("FailedEntryCount"), Integer, "aws.eventbridge.failed_entry_count")],
    },
    Service {
        name: "Kinesis",
        constants: &[],
        request: &[
            row(LastMember("StreamName"), Text, "aws.kinesis.stream_name"),
            row(LastMember("StreamARN"), Arn, "aws.kinesis.stream_arn"),
            row(Member("Records"), Count, "aws.kinesis.record_count"),
        ],
        response: &[row(Member("FailedRecordCount"), Integer, "aws.kinesis.failed_record_count")],
    },
    Service {
        name: "Lambda",
        constants: &[],
        request: &[
            row(PathAfter("functions"), Arn, "aws.lambda.function.name"),
            row(Query("Qualifier"), Text, "aws.lambda.qualifier"),
            row(Header("x-amz-invocation-type"), Text, "aws.lambda.invocation_type"),
            row(Header("x-amz-log-type"), Text, "aws.lambda.log_type"),
        ],
        response: &[row(Header("x-amz-function-error"), Text, "aws.lambda.function_error")],
    },
    Service {
        // Bucket and key: see `s3`.
        name: "S3",
        constants: &[],
        request: &[
            row(Header("x-amz-copy-source"), Text, "aws.s3.copy_source"),
            row(Query("partNumber"), Integer, "aws.s3.part_number"),
            row(Query("prefix"), Text, "aws.s3.prefix"),
            row(Query("uploadId"), Text, "aws.s3.upload_id"),
            row(Query("versionId"), Text, "aws.s3.version_id"),
        ],
        response: &[],
    },
    Service {
        name: "SFN",
        constants: &[],
        request: &[
            row(Member("activityArn"), Arn, "aws.step_functions.activity.arn"),
            row(Member("executionArn"), Arn, "aws.step_functions.execution.arn"),
            row(Member("stateMachineArn"), Arn, "aws.step_functions.state_machine.arn"),
        ],
        response: &[row(Member("executionArn"), Arn, "aws.step_functions.execution.arn")],
    },
    Service {
        name: "SNS",
        constants: &[("messaging.system", "aws.sns")],
        request: &[row(Member("TopicArn"), Arn, "aws.sns.topic.arn")],
        response: &[],
    },
    Service {
        name: "SQS",
        constants: &[("messaging.system", "aws_sqs")],
        request: &[
            row(Member("QueueUrl"), QueueUrl, "aws.sqs.queue.url"),
            row(Member("QueueName"), Text, "messaging.destination.name"),
            row(Member("QueueNamePrefix"), Text, "aws.sqs.queue_name_prefix"),
            row(Member("DelaySeconds"), Integer, "aws.sqs.delay_seconds"),
            row(Member("Entries"), Count, "messaging.batch.message_count"),
            row(Member("MaxNumberOfMessages"), Integer, "aws.sqs.max_number_of_messages"),
            row(Member("MessageAttributes"), Names, "aws.sqs.message_attribute_names"),
            row(Member("VisibilityTimeout"), Integer, "aws.sqs.visibility_timeout"),
            row(Member("WaitTimeSeconds"), Integer, "aws.sqs.wait_time_seconds"),
        ],
        response: &[
            row(Member("MessageId"), Text, "messaging.message.id"),
            row(Member("Messages"), Count, "messaging.batch.message_count"),
            row(Member("QueueUrl"), QueueUrl, "aws.sqs.queue.url"),
            row(Member("QueueUrls"), Count, "aws.sqs.queue_count"),
            row(Member("Failed"), Count, "aws.sqs.failed_count"),
            row(Member("Successful"), Count, "aws.sqs.successful_count"),
        ],
    },
    Service {
        name: "SageMaker Runtime",
        constants: &[],
        request: &[row(PathAfter("endpoints"), Text, "aws.sagemaker.endpoint.name")],
        response: &[],
    },
    Service {
        name: "Secrets Manager",
        constants: &[],
        request: &[row(Member("SecretId"), Arn, "aws.secretsmanager.secret.id")],
        response: &[row(Member("ARN"), Arn, "aws.secretsmanager.secret.arn")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::is_secret_name;

    #[test]
    fn nothing_that_is_recorded_is_masked() {
        for row in SERVICES.iter().flat_map(|service| service.request.iter().chain(service.response)) {
            assert!(!is_secret_name(row.attribute), "{}", row.attribute);
        }
    }
}
