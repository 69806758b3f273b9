//! Requests and answers as the AWS SDK for Rust writes and reads them.

use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use proptest::prelude::*;

use super::*;

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn request(uri: &str, headers: &[(&'static str, &'static str)], body: &str) -> HttpRequest {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_uri(uri).unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, *value);
    }
    request
}

fn shown(attributes: &[KeyValue]) -> Vec<String> {
    attributes.iter().map(|attribute| format!("{}={}", attribute.key, attribute.value)).collect()
}

#[test]
fn requests_say_what_is_called() {
    for (service, uri, headers, body, expected) in [
        (
            "DynamoDB",
            "/",
            &[JSON][..],
            r#"{"TableName":"orders","Item":{"id":{"S":"secret"}},"ConditionExpression":"secret"}"#,
            &["aws.dynamodb.table_names=[\"orders\"]"][..],
        ),
        (
            "DynamoDB",
            "/",
            &[JSON],
            r#"{"TableName":"orders","IndexName":"by-day","Select":"COUNT","Limit":5,"ConsistentRead":true}"#,
            &[
                "aws.dynamodb.table_names=[\"orders\"]",
                "aws.dynamodb.index_name=by-day",
                "aws.dynamodb.select=COUNT",
                "aws.dynamodb.limit=5",
                "aws.dynamodb.consistent_read=true",
            ],
        ),
        (
            "DynamoDB",
            "/",
            &[JSON],
            r#"{"RequestItems":{"a":[{"PutRequest":{"Item":{}}}],"b":[]}}"#,
            &["aws.dynamodb.table_names=[\"a\",\"b\"]"],
        ),
        (
            "SQS",
            "/",
            &[JSON],
            r#"{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/jobs","MessageBody":"secret","MessageAttributes":{"kind":{"StringValue":"secret"}}}"#,
            &[
                "messaging.system=aws_sqs",
                "messaging.destination.name=jobs",
                "aws.account_id=123456789012",
                "aws.sqs.queue.url=https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
                "aws.sqs.message_attribute_names=[\"kind\"]",
            ],
        ),
        (
            "SQS",
            "/",
            &[JSON],
            r#"{"QueueUrl":"jobs","Entries":[{"Id":"1","MessageBody":"secret"},{"Id":"2"}]}"#,
            &[
                "messaging.system=aws_sqs",
                "messaging.destination.name=jobs",
                "aws.sqs.queue.url=jobs",
                "messaging.batch.message_count=2",
            ],
        ),
        (
            "SNS",
            "/",
            &[FORM],
            "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Anews&Message=secret&PhoneNumber=secret",
            &[
                "messaging.system=aws.sns",
                "aws.account_id=123456789012",
                "aws.sns.topic.arn=arn:aws:sns:eu-west-1:123456789012:news",
            ],
        ),
        (
            "Lambda",
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aresize/invocations?Qualifier=live",
            &[("x-amz-invocation-type", "Event"), ("content-type", "application/json")],
            "{\"TableName\":\"secret\"}",
            &[
                "aws.account_id=123456789012",
                "aws.lambda.function.name=arn:aws:lambda:eu-west-1:123456789012:function:resize",
                "aws.lambda.qualifier=live",
                "aws.lambda.invocation_type=Event",
            ],
        ),
        (
            "S3",
            "/k?partNumber=3&uploadId=u&prefix=",
            &[],
            "",
            &["aws.s3.part_number=3", "aws.s3.upload_id=u"],
        ),
        (
            "Kinesis",
            "/",
            &[JSON],
            r#"{"Records":[{"Data":"secret"}],"StreamName":"clicks"}"#,
            &["aws.kinesis.record_count=1", "aws.kinesis.stream_name=clicks"],
        ),
        (
            "EventBridge",
            "/",
            &[JSON],
            r#"{"Entries":[{"Detail":"secret"}]}"#,
            &["aws.eventbridge.entry_count=1"],
        ),
        (
            "SFN",
            "/",
            &[JSON],
            r#"{"stateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:s","input":"secret"}"#,
            &[
                "aws.account_id=123456789012",
                "aws.step_functions.state_machine.arn=arn:aws:states:eu-west-1:123456789012:stateMachine:s",
            ],
        ),
        ("Secrets Manager", "/", &[JSON], r#"{"SecretId":"db"}"#, &["aws.secretsmanager.secret.id=db"]),
        ("SageMaker Runtime", "/endpoints/e/invocations", &[], "secret", &["aws.sagemaker.endpoint.name=e"]),
        ("Bedrock Runtime", "/model/a.b%3A1/converse", &[], "secret", &["gen_ai.request.model=a.b:1"]),
        // A kind that was not expected, a body that is none, a service without rows.
        ("DynamoDB", "/", &[JSON], r#"{"TableName":7,"Limit":"many","Select":[]}"#, &[]),
        ("DynamoDB", "/", &[JSON], "secret", &[]),
        ("DynamoDB", "/", &[], r#"{"TableName":"orders"}"#, &[]),
        ("XRay", "/TraceSegments", &[JSON], r#"{"TableName":"orders"}"#, &[]),
    ] {
        let found = of_request(service, &request(uri, headers, body));
        assert_eq!(shown(&found), expected, "{service} {uri} {body}");
    }
}

#[test]
fn large_batches_say_what_is_called() {
    let long = "x".repeat(MAX_BODY_BYTES);
    let items = format!(r#"{{"RequestItems":{{"orders":[{{"Item":"{long}"}}],"drivers":[]}}}}"#);
    let records = format!(r#"{{"Records":[{{"Data":"{long}","PartitionKey":"k"}}],"StreamName":"clicks"}}"#);
    let entries = format!(r#"{{"Entries":["{long}"],"Other":[{{}}],"QueueUrl":"jobs"}}"#);
    let publish =
        format!("Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aeu%3A123456789012%3Anews&Message={long}");
    let cut = format!("Message={}&TopicArn=arn%3A&More=", "x".repeat(MAX_BODY_BYTES - 20));
    let sns = "messaging.system=aws.sns";
    let topic = [sns, "aws.account_id=123456789012", "aws.sns.topic.arn=arn:aws:sns:eu:123456789012:news"];
    for (service, kind, body, expected) in [
        ("DynamoDB", JSON, items, &["aws.dynamodb.table_names=[\"orders\"]"][..]),
        ("Kinesis", JSON, records, &["aws.kinesis.stream_name=clicks"]),
        ("SQS", JSON, entries, &["messaging.system=aws_sqs"]),
        ("SNS", FORM, publish, &topic),
        ("SNS", FORM, cut, &[sns]),
    ] {
        assert_eq!(shown(&of_request(service, &request("/", &[kind], &body))), expected, "{service}");
    }
}

#[test]
fn tables_may_be_named_by_arns() {
    const ARN: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders";
    let expected = ["aws.account_id=123456789012", "aws.dynamodb.table_names=[\"orders\"]"];
    for body in [
        format!(r#"{{"TableName":"{ARN}"}}"#),
        format!(r#"{{"TableName":"{ARN}/index/by-day"}}"#),
        format!(r#"{{"RequestItems":{{"{ARN}":[]}}}}"#),
    ] {
        assert_eq!(shown(&of_request("DynamoDB", &request("/", &[JSON], &body))), expected, "{body}");
    }
}

#[test]
fn answers_are_counted() {
    for (service, header, body, expected) in [
        (
            "DynamoDB",
            JSON,
            r#"{"Count":2,"Items":[{},{}],"ScannedCount":9}"#,
            &["aws.dynamodb.count=2", "aws.dynamodb.scanned_count=9"][..],
        ),
        ("DynamoDB", JSON, r#"{"TableNames":["a","b"]}"#, &["aws.dynamodb.table_count=2"]),
        ("SQS", JSON, r#"{"MessageId":"m","MD5OfMessageBody":"x"}"#, &["messaging.message.id=m"]),
        ("SQS", JSON, r#"{"Messages":[{"Body":"secret"}]}"#, &["messaging.batch.message_count=1"]),
        (
            "SQS",
            JSON,
            r#"{"Successful":[{}],"Failed":[]}"#,
            &["aws.sqs.successful_count=1", "aws.sqs.failed_count=0"],
        ),
        (
            "Secrets Manager",
            JSON,
            r#"{"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db","SecretString":"secret"}"#,
            &[
                "aws.account_id=123456789012",
                "aws.secretsmanager.secret.arn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:db",
            ],
        ),
        ("Lambda", ("x-amz-function-error", "Unhandled"), "", &["aws.lambda.function_error=Unhandled"]),
        ("S3", JSON, "{}", &[]),
    ] {
        let mut response = HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from(body));
        response.headers_mut().insert(header.0, header.1);
        assert_eq!(shown(&of_response(service, &response)), expected, "{service} {body}");
    }
}

#[test]
fn owners_stand_in_arns() {
    for (arn, expected) in [
        ("arn:aws:sns:eu-west-1:123456789012:news", Some("123456789012")),
        ("arn:aws-cn:states:cn-north-1:123456789012:stateMachine:s", Some("123456789012")),
        ("arn:aws:s3:::bucket", None),
        ("arn:aws:sns:eu-west-1:12345678901:news", None),
        ("news", None),
    ] {
        assert_eq!(account_of_arn(arn), expected, "{arn}");
    }
}

proptest! {
    #[test]
    fn no_request_panics(path in "/[a-z/%?&=0-9€]{0,40}", body: String, is_json: bool) {
        let mut request = HttpRequest::new(SdkBody::from(body.as_str()));
        let _ = request.set_uri(path);
        let (name, value) = if is_json { JSON } else { FORM };
        request.headers_mut().insert(name, value);
        for service in ["DynamoDB", "SQS", "SNS", "Lambda", "S3"] {
            of_request(service, &request);
        }
    }

    #[test]
    fn whatever_is_named_is_bounded(name in "[a-zé]{1,100}", times in 1_usize..100) {
        let body = format!(r#"{{"QueueUrl":"{}"}}"#, name.repeat(times));
        for attribute in of_request("SQS", &request("/", &[JSON], &body)) {
            prop_assert!(attribute.value.as_str().chars().count() <= text::MAX_TEXT_CHARS);
        }
    }
}
