//! Calls of the AWS SDK against moto, which answers as AWS does, and a queue between two services.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_sdk_sqs::types::{
    Message, MessageSystemAttributeName, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};
use e2e::Recorder;
use opentelemetry::{Context, trace::TraceContextExt};
use opentelemetry_aws_xray::{
    XrayPropagator,
    aws_sdk::XrayInterceptor,
    messaging::{Consumer, MessageCarrier},
    propagator::header_value,
};
use serde_json::{Value, json};

use crate::{needs::Python, program::Server};

/// Clients of a service, whose calls it traces.
struct Clients {
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Clients {
    fn of(recorder: &Recorder, moto: &Server) -> Self {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(format!("http://127.0.0.1:{}", moto.port))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let interceptor = XrayInterceptor::new().with_tracer_provider(&recorder.provider);
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config).interceptor(interceptor.clone());
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .interceptor(interceptor.clone());
        let sns = aws_sdk_sns::config::Builder::from(&config).interceptor(interceptor.clone());
        let sqs = aws_sdk_sqs::config::Builder::from(&config).interceptor(interceptor);
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
        }
    }

    async fn create_queue(&self, name: &str) -> String {
        self.sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap()
    }

    async fn create_table(&self, name: &str) {
        let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
        let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
        let table = self.dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
        table.key_schema(key).attribute_definitions(id.build().unwrap()).send().await.unwrap();
    }

    async fn create_bucket(&self, name: &str) {
        let place =
            CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1);
        let bucket = self.s3.create_bucket().bucket(name).create_bucket_configuration(place.build());
        bucket.send().await.unwrap();
    }
}

pub(crate) async fn its_answers_are_told(python: Python) {
    let moto = Server::start(python.script("moto_server.py")).await;
    let recorder = Recorder::default();
    let aws = Clients::of(&recorder, &moto);
    let (queue, topic) = recorder
        .serve(async {
            aws.create_table("orders").await;
            let item =
                aws.dynamodb.put_item().table_name("orders").item("id", AttributeValue::S("secret".into()));
            item.send().await.unwrap();
            aws.dynamodb.scan().table_name("orders").send().await.unwrap();
            aws.dynamodb.scan().table_name("nothing").send().await.unwrap_err();
            aws.create_bucket("photos").await;
            let object =
                aws.s3.put_object().bucket("photos").key("a/b c.jpg").body(b"secret".to_vec().into());
            object.send().await.unwrap();
            let missing = aws.s3.get_object().bucket("photos").key("nothing").send().await.unwrap_err();
            assert!(missing.into_service_error().is_no_such_key());
            aws.s3.head_object().bucket("photos").key("nothing").send().await.unwrap_err();
            let queue = aws.create_queue("jobs").await;
            aws.sqs.send_message().queue_url(&queue).message_body("secret").send().await.unwrap();
            aws.sqs.receive_message().queue_url(&queue).send().await.unwrap();
            let topic = aws.sns.create_topic().name("news").send().await.unwrap().topic_arn.unwrap();
            aws.sns.publish().topic_arn(&topic).message("secret").send().await.unwrap();
            (queue, topic)
        })
        .await;

    let calls = recorder.aws_calls();
    let told: Vec<_> = calls.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "DynamoDB CreateTable 200",
            "DynamoDB PutItem 200",
            "DynamoDB Scan 200",
            "DynamoDB Scan 400 ResourceNotFoundException",
            "S3 CreateBucket 200",
            "S3 PutObject 200",
            "S3 GetObject 404 NoSuchKey",
            "S3 HeadObject 404 404",
            "SQS CreateQueue 200",
            "SQS SendMessage 200",
            "SQS ReceiveMessage 200",
            "SNS CreateTopic 200",
            "SNS Publish 200",
        ]
    );
    for call in &calls {
        assert!(!call.to_string().contains("secret"), "{call:#}");
        assert_eq!(call["aws"]["region"], "eu-west-1", "{call:#}");
        assert!(call["aws"]["request_id"].is_string() || call["name"] == "S3", "{call:#}");
    }
    let scan = &calls[2];
    assert_eq!(
        (&scan["aws"]["table_name"], &scan["metadata"]["default"]["aws.dynamodb.count"]),
        (&json!("orders"), &json!(1))
    );
    assert!(calls[6].to_string().contains("photos"), "{:#}", calls[6]);
    assert_eq!(
        (&calls[9]["aws"]["queue_url"], &calls[9]["aws"]["account_id"]),
        (&json!(queue), &json!("123456789012"))
    );
    assert_eq!(calls[10]["metadata"]["default"]["messaging.batch.message_count"], 1);
    assert!(calls[12].to_string().contains(&topic), "{:#}", calls[12]);
}

/// Service, operation, status, and what went wrong.
fn told(call: &Value) -> String {
    let [name, operation] = [&call["name"], &call["aws"]["operation"]].map(|text| text.as_str().unwrap());
    let error = call["cause"]["exceptions"][0]["type"].as_str().unwrap_or_default();
    format!("{name} {operation} {} {error}", call["http"]["response"]["status"]).trim_end().to_owned()
}

pub(crate) async fn a_queue_links_two_traces(python: Python) {
    let moto = Server::start(python.script("moto_server.py")).await;
    let (producers, consumers) = (Recorder::default(), Recorder::default());
    let aws = Clients::of(&producers, &moto);
    let queue = producers.serve(aws.create_queue("jobs")).await;
    let _ = producers.documents();
    for order in ["one", "two"] {
        producers.serve(send_with_its_trace(&aws.sqs, &queue, order)).await;
    }
    let mut sent: Vec<_> = producers.documents().iter().map(ids).collect();
    assert_eq!(sent.len(), 2, "two traces, a segment each");

    let aws = Clients::of(&consumers, &moto);
    let messages = consumers.serve(receive(&aws.sqs, &queue, 2)).await;
    let _ = consumers.documents();
    let consumer = Consumer::sqs(&queue)
        .with_tracer_provider(&consumers.provider)
        .with_propagator(XrayPropagator::new());
    let cx = consumer.start_linked(messages.iter().map(carrier));
    cx.span().end();
    let documents = consumers.documents();
    let [linked] = documents.as_slice() else { panic!("{documents:#?}") };
    assert_eq!((&linked["name"], &linked["parent_id"]), (&json!("shop"), &Value::Null));
    assert!(sent.iter().all(|(trace_id, _)| linked["trace_id"] != *trace_id), "a trace of its own");
    let mut links: Vec<_> = linked["links"].as_array().unwrap().iter().map(ids).collect();
    sent.sort();
    links.sort();
    assert_eq!(links, sent);

    let cx = consumer.start_continued(&carrier(&messages[0]));
    cx.span().end();
    let documents = consumers.documents();
    let [continued] = documents.as_slice() else { panic!("{documents:#?}") };
    let parent = (
        continued["trace_id"].as_str().unwrap().to_owned(),
        continued["parent_id"].as_str().unwrap().to_owned(),
    );
    assert!(sent.contains(&parent), "{continued:#} in {sent:?}");
}

/// Trace and id of a segment or of a link.
fn ids(node: &Value) -> (String, String) {
    (node["trace_id"].as_str().unwrap().to_owned(), node["id"].as_str().unwrap().to_owned())
}

/// AWS takes the trace from the call's header; moto does not, so it is said for the message itself.
async fn send_with_its_trace(sqs: &aws_sdk_sqs::Client, queue: &str, body: &str) {
    let header = header_value(&Context::current()).unwrap();
    let value =
        MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().unwrap();
    let message = sqs
        .send_message()
        .queue_url(queue)
        .message_body(body)
        .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
    message.send().await.unwrap();
}

async fn receive(sqs: &aws_sdk_sqs::Client, queue: &str, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    while messages.len() < count {
        let batch = sqs
            .receive_message()
            .queue_url(queue)
            .max_number_of_messages(10)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader);
        messages.extend(batch.send().await.unwrap().messages.unwrap_or_default());
    }
    messages
}

fn carrier(message: &Message) -> MessageCarrier<'_> {
    message.attributes().into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
