//! What the documents say of calls that go well and calls that do not.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{error::SdkError, types::AttributeValue};
use serde_json::{Value, json};

use crate::stand_in::{Reply, StandIn};

const XML: &[(&str, &str)] =
    &[("content-type", "application/xml"), ("x-amz-request-id", "REQUEST-2"), ("x-amz-id-2", "EXTENDED-2")];

fn metadata(call: &Value) -> &Value {
    &call["metadata"]["default"]
}

#[tokio::test]
async fn dynamodb() {
    let aws = StandIn::with_replies([
        Reply::default(),
        Reply { body: r#"{"Count":2,"Items":[{},{}],"ScannedCount":9}"#, ..Reply::default() },
        Reply { body: r#"{"UnprocessedItems":{}}"#, ..Reply::default() },
    ])
    .await;
    let client = aws.dynamodb(aws.interceptor());
    aws.recorder
        .serve(async {
            let item = client.put_item().table_name("orders").item("id", AttributeValue::S("secret".into()));
            item.send().await.unwrap();
            client.query().table_name("orders").index_name("by-day").limit(5).send().await.unwrap();
            let (one, other) = (Vec::new(), Vec::new());
            let batch =
                client.batch_write_item().request_items("drivers", one).request_items("orders", other);
            batch.send().await.unwrap();
        })
        .await;

    let calls = aws.recorder.aws_calls();
    let [put, query, batch] = calls.as_slice() else { panic!("{calls:#?}") };
    assert_eq!(
        (&put["name"], &put["http"]),
        (&json!("DynamoDB"), &json!({"response": {"status": 200, "content_length": 2}}))
    );
    let expected = json!({"operation": "PutItem", "region": "eu-west-1", "request_id": "REQUEST-1", "table_name": "orders"});
    assert_eq!(put["aws"], expected);
    assert!(!put.to_string().contains("secret"));
    assert_eq!(
        (&query["aws"]["operation"], &query["aws"]["table_name"]),
        (&json!("Query"), &json!("orders"))
    );
    for (name, expected) in [
        ("index_name", json!("by-day")),
        ("limit", json!(5)),
        ("count", json!(2)),
        ("scanned_count", json!(9)),
    ] {
        assert_eq!(metadata(query)[format!("aws.dynamodb.{name}")], expected, "{name}");
    }
    let mut tables: Vec<_> = batch["aws"]["table_names"].as_array().unwrap().iter().collect();
    tables.sort_by_key(|table| table.as_str());
    assert_eq!(tables, ["drivers", "orders"]);
}

#[tokio::test]
async fn sqs_and_sns() {
    const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs";
    const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:news";
    let published =
        "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
    let aws = StandIn::with_replies([
        Reply { body: r#"{"MessageId":"m-1"}"#, ..Reply::default() },
        Reply { body: r#"{"Messages":[{"Body":"secret"},{}]}"#, ..Reply::default() },
        Reply {
            headers: &[("content-type", "text/xml"), ("x-amzn-requestid", "REQUEST-3")],
            body: published,
            ..Reply::default()
        },
    ])
    .await;
    let (sqs, sns) = (aws.sqs(aws.interceptor()), aws.sns(aws.interceptor()));
    aws.recorder
        .serve(async {
            sqs.send_message().queue_url(URL).message_body("secret").send().await.unwrap();
            sqs.receive_message().queue_url(URL).max_number_of_messages(10).send().await.unwrap();
            sns.publish().topic_arn(TOPIC).message("secret").send().await.unwrap();
        })
        .await;

    let calls = aws.recorder.aws_calls();
    let [send, receive, publish] = calls.as_slice() else { panic!("{calls:#?}") };
    let expected = json!({
        "operation": "SendMessage", "region": "eu-west-1", "request_id": "REQUEST-1", "queue_url": URL, "account_id": "123456789012",
    });
    assert_eq!((&send["name"], &send["aws"]), (&json!("SQS"), &expected));
    assert_eq!(metadata(send)["messaging.message.id"], "m-1");
    assert_eq!(metadata(send)["messaging.destination.name"], "jobs");
    assert_eq!(metadata(receive)["messaging.batch.message_count"], 2);
    assert_eq!(metadata(receive)["aws.sqs.max_number_of_messages"], 10);
    assert_eq!((&publish["name"], &publish["aws"]["request_id"]), (&json!("SNS"), &json!("REQUEST-3")));
    assert_eq!(publish["aws"]["account_id"], "123456789012");
    assert_eq!(publish["aws"]["topic_arn"], TOPIC);
    assert!(!json!(calls).to_string().contains("secret"));
}

#[tokio::test]
async fn an_object_that_is_not_there() {
    let body = "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
    let aws = StandIn::with_replies([Reply { status: 404, headers: XML, body, ..Reply::default() }]).await;
    let client = aws.s3(aws.interceptor());
    let answer = aws.recorder.serve(client.get_object().bucket("photos").key("a/b c.jpg").send()).await;
    assert!(answer.unwrap_err().into_service_error().is_no_such_key());

    let calls = aws.recorder.aws_calls();
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    assert_eq!((&call["name"], &call["aws"]["operation"]), (&json!("S3"), &json!("GetObject")));
    assert_eq!(call["aws"]["request_id"], "REQUEST-2");
    for (name, text) in [("bucket_name", "photos"), ("key", "a/b c.jpg"), ("id_2", "EXTENDED-2")] {
        assert_eq!(call["aws"][name], text, "{call:#}");
    }
    assert_eq!((&call["http"]["response"]["status"], &call["error"]), (&json!(404), &json!(true)));
    assert!(call.get("fault").is_none() && call.get("throttle").is_none());
    let exception = &call["cause"]["exceptions"][0];
    assert_eq!(exception["type"], "NoSuchKey");
    assert_eq!(
        (&exception["message"], &exception["remote"]),
        (&json!("The specified key does not exist."), &json!(true))
    );
}

/// What was asked for only if it had changed.
#[tokio::test]
async fn an_object_that_has_not_changed_is_no_failure() {
    let aws =
        StandIn::with_replies([Reply { status: 304, headers: XML, body: "", ..Reply::default() }]).await;
    let client = aws.s3(aws.interceptor());
    let call = client.get_object().bucket("photos").key("k").if_none_match("\"x\"").send();
    aws.recorder.serve(call).await.unwrap_err();

    let calls = aws.recorder.aws_calls();
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    assert_eq!((&call["http"]["response"]["status"], &call["aws"]["key"]), (&json!(304), &json!("k")));
    assert!(["error", "fault", "cause"].iter().all(|field| call.get(field).is_none()), "{call:#}");
}

/// An answer to `HEAD` has no body in which a code could stand.
#[tokio::test]
async fn an_answer_without_a_code_has_its_status() {
    let aws =
        StandIn::with_replies([Reply { status: 404, headers: XML, body: "", ..Reply::default() }]).await;
    let client = aws.s3(aws.interceptor());
    let answer = aws.recorder.serve(client.head_object().bucket("photos").key("k").send()).await;
    assert!(answer.unwrap_err().into_service_error().is_not_found());

    let calls = aws.recorder.aws_calls();
    let exception = &calls[0]["cause"]["exceptions"][0];
    assert_eq!((&calls[0]["error"], &exception["type"]), (&json!(true), &json!("404")));
    assert!(exception["message"].as_str().unwrap().contains("NotFound"), "{exception}");
}

#[tokio::test]
async fn throttled_calls_are_tried_again() {
    let throttled = Reply {
        status: 400,
        body: r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#,
        ..Reply::default()
    };
    let aws = StandIn::with_replies(
        [throttled.clone(), throttled.clone(), Reply::default()]
            .into_iter()
            .chain(std::iter::repeat_n(throttled, 2)),
    )
    .await;
    let retry = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let config = aws_sdk_dynamodb::config::Builder::from(&aws.config).interceptor(aws.interceptor());
    let patient = aws_sdk_dynamodb::Client::from_conf(config.clone().retry_config(retry.clone()).build());
    let hasty = aws_sdk_dynamodb::Client::from_conf(config.retry_config(retry.with_max_attempts(2)).build());
    aws.recorder
        .serve(async {
            patient.describe_table().table_name("orders").send().await.unwrap();
            hasty.describe_table().table_name("orders").send().await.unwrap_err();
        })
        .await;

    let calls = aws.recorder.aws_calls();
    let [third_time_lucky, given_up] = calls.as_slice() else { panic!("{calls:#?}") };
    assert_eq!(third_time_lucky["aws"]["retries"], 2);
    assert!(["error", "fault", "throttle", "cause"].iter().all(|flag| third_time_lucky.get(flag).is_none()));
    assert_eq!(given_up["aws"]["retries"], 1);
    assert_eq!((&given_up["error"], &given_up["throttle"]), (&json!(true), &json!(true)));
    assert_eq!(given_up["cause"]["exceptions"][0]["type"], "ProvisionedThroughputExceededException");
    // One trace header for all attempts of a call.
    let headers: Vec<_> = aws.seen().iter().map(|seen| seen["x-amzn-trace-id"].clone()).collect();
    assert!(headers[0] == headers[1] && headers[1] == headers[2] && headers[2] != headers[3]);
    let id = third_time_lucky["id"].as_str().unwrap();
    assert!(headers[0].to_str().unwrap().contains(&format!("Parent={id}")), "{headers:?}");
}

#[tokio::test]
async fn no_answer_in_time() {
    let aws = StandIn::with_replies([Reply { is_silent: true, ..Reply::default() }]).await;
    let timeout = TimeoutConfig::builder().operation_timeout(Duration::from_millis(200)).build();
    let config = aws_sdk_sqs::config::Builder::from(&aws.config).interceptor(aws.interceptor());
    let client = aws_sdk_sqs::Client::from_conf(config.timeout_config(timeout).build());
    aws.recorder.serve(client.list_queues().send()).await.unwrap_err();

    let calls = aws.recorder.aws_calls();
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    assert_eq!((&call["fault"], &call["http"]), (&json!(true), &Value::Null));
    assert_eq!(call["cause"]["exceptions"][0]["type"], "TimeoutError");
}

#[tokio::test]
async fn a_call_without_credentials_is_named_as_the_sdk_names_it() {
    let aws = StandIn::with_replies([]).await;
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url("http://127.0.0.1:9");
    let config = aws_sdk_dynamodb::config::Builder::from(&config.build()).interceptor(aws.interceptor());
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    aws.recorder
        .serve(async {
            let error = client.list_tables().send().await.unwrap_err();
            assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
            // A table is missing, so there is no request.
            let error = client.describe_table().send().await.unwrap_err();
            assert!(matches!(error, SdkError::ConstructionFailure(_)), "{error:?}");
        })
        .await;
    let calls = aws.recorder.aws_calls();
    let kinds: Vec<_> = calls.iter().map(|call| &call["cause"]["exceptions"][0]["type"]).collect();
    assert_eq!(kinds, ["DispatchFailure"]);
}

#[tokio::test]
async fn nobody_listens() {
    let aws = StandIn::with_replies([]).await;
    let config = aws_sdk_sqs::config::Builder::from(&aws.config)
        .interceptor(aws.interceptor())
        .endpoint_url("http://127.0.0.1:9")
        .retry_config(RetryConfig::disabled());
    let client = aws_sdk_sqs::Client::from_conf(config.build());
    aws.recorder.serve(client.list_queues().send()).await.unwrap_err();
    let calls = aws.recorder.aws_calls();
    assert_eq!((calls.len(), &calls[0]["fault"]), (1, &json!(true)));
    assert_eq!(calls[0]["cause"]["exceptions"][0]["type"], "DispatchFailure");
}

#[tokio::test]
async fn a_call_that_is_given_up() {
    let throttled = Reply { status: 400, body: r#"{"__type":"ThrottlingException"}"#, ..Reply::default() };
    let silent = Reply { is_silent: true, ..Reply::default() };
    for (replies, retries) in [
        (vec![silent.clone()], None),
        (vec![throttled.clone(), silent.clone()], Some(1)),
        (vec![throttled.clone(), throttled, silent], Some(2)),
    ] {
        let attempts = replies.len();
        let aws = StandIn::with_replies(replies).await;
        let retry = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        let config = aws_sdk_sqs::config::Builder::from(&aws.config).interceptor(aws.interceptor());
        let client = aws_sdk_sqs::Client::from_conf(config.retry_config(retry).build());
        let all_are_there = async {
            while aws.seen().len() < attempts {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        aws.recorder
            .serve(async {
                tokio::select! {
                    answer = client.list_queues().send() => panic!("{answer:?}"),
                    seen = tokio::time::timeout(Duration::from_secs(60), all_are_there) => seen.unwrap(),
                }
            })
            .await;
        let calls = aws.recorder.aws_calls();
        let [call] = calls.as_slice() else { panic!("{calls:#?}") };
        assert_eq!(metadata(call)["xray.response.aborted"], "head");
        assert_eq!(call["aws"]["retries"].as_u64(), retries, "{call:#}");
        assert!(call.get("fault").is_none() && call["end_time"].is_number());
    }
}
