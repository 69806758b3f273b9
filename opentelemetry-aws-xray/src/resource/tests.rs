//! Detection among fake metadata services and files, those that hang or talk nonsense among them.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use opentelemetry::{KeyValue, trace::Span, trace::Tracer, trace::TracerProvider};
use opentelemetry_sdk::Resource;
use proptest::prelude::*;
use serde_json::json;

use super::{beanstalk, ecs, full::Surroundings, imds};
use crate::{
    Xray,
    clock::{Clock, SystemClock},
    config::Environment,
    sink::MemorySink,
};

/// A service that answers each path with a body, and any other with 404.
fn service(answers: Vec<(&'static str, String)>) -> String {
    serve(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        match answers.iter().find(|(answered, _)| *answered == path) {
            Some((_, body)) => {
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
            }
            None => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        }
    })
}

fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || converse(stream, answer));
        }
    });
    format!("http://{address}")
}

fn converse(mut stream: TcpStream, answer: impl Fn(&str) -> Vec<u8>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut request = String::new();
        if lines.read_line(&mut request).unwrap_or(0) == 0 {
            return;
        }
        let mut header = String::new();
        while lines.read_line(&mut header).unwrap_or(0) > 2 {
            header.clear();
        }
        if stream.write_all(&answer(&request)).is_err() {
            return;
        }
    }
}

/// A service that takes calls and never answers, as if it were behind too many hops.
fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            held.push(stream);
        }
    });
    format!("http://{address}")
}

/// A file system of its own, which goes with the value.
struct Root(PathBuf);

impl Root {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("xray-resource-{name}-{}", std::process::id()));
        for (path, content) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Self(root)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// More than a busy machine needs to answer itself. Nobody waits for it where all have answered.
const PATIENCE: Duration = Duration::from_secs(60);

/// The segment that a job gets on a platform that was found.
fn segment(found: &BTreeMap<String, String>) -> serde_json::Value {
    let sink = MemorySink::default();
    let attributes = found.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let resource = Resource::builder_empty().with_attributes(attributes).build();
    let xray = Xray::builder()
        .with_resource(resource)
        .with_exporter(|exporter| exporter.with_sink(sink.clone()))
        .build();
    xray.tracer_provider().tracer("test").start("job").end();
    xray.shutdown().unwrap();
    serde_json::from_str(&sink.take()[0]).unwrap()
}

fn found<const N: usize>(root: &Root, variables: [(&'static str, &str); N]) -> BTreeMap<String, String> {
    found_within(PATIENCE, root, variables)
}

fn found_within<const N: usize>(
    limit: Duration,
    root: &Root,
    variables: [(&'static str, &str); N],
) -> BTreeMap<String, String> {
    let environment = Environment::of(variables);
    let found = Surroundings::of(root.path().to_owned(), &environment, limit).detect(&environment);
    let resource = Resource::builder_empty().with_attributes(found).build();
    resource.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn texts<const N: usize>(expected: [(&str, &str); N]) -> BTreeMap<String, String> {
    expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

const TASK: &str = r#"{"Cluster":"blue","TaskARN":"arn:aws:ecs:eu-west-1:123456789012:task/blue/0123","Family":"shop","Revision":"3","AvailabilityZone":"eu-west-1a","LaunchType":"FARGATE","Containers":[]}"#;
const CONTAINER: &str = r#"{"DockerId":"cd189a933e5849daa93386466019ab50-2495160603","Name":"orders","Image":"registry:5000/orders:1.2","ContainerARN":"arn:aws:ecs:eu-west-1:123456789012:container/blue/0123/4567","LogDriver":"awslogs","LogOptions":{"awslogs-group":"/ecs/orders","awslogs-region":"eu-west-2"}}"#;
const INSTANCE: &str = r#"{"accountId":"123456789012","architecture":"arm64","availabilityZone":"eu-west-1b","imageId":"ami-1","instanceId":"i-1","instanceType":"m7g.large","region":"eu-west-1"}"#;
const TOKEN: (&str, &str) = ("/latest/api/token", "t0ken==");
const DOCUMENT: (&str, &str) = ("/latest/dynamic/instance-identity/document", INSTANCE);

fn answers<const N: usize>(answers: [(&'static str, &str); N]) -> Vec<(&'static str, String)> {
    answers.map(|(path, body)| (path, body.to_owned())).into()
}

#[test]
fn a_task_of_fargate() {
    let service = service(answers([("/v4/abc", CONTAINER), ("/v4/abc/task", TASK)]));
    let root = Root::with("fargate", &[]);
    let found = found(
        &root,
        [
            ("ECS_CONTAINER_METADATA_URI_V4", &format!("{service}/v4/abc")),
            ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"),
        ],
    );
    assert_eq!(
        found,
        texts([
            ("cloud.provider", "aws"),
            ("cloud.platform", "aws_ecs"),
            ("cloud.region", "eu-west-1"),
            ("cloud.account.id", "123456789012"),
            ("cloud.availability_zone", "eu-west-1a"),
            ("cloud.resource_id", "arn:aws:ecs:eu-west-1:123456789012:container/blue/0123/4567"),
            ("aws.ecs.launchtype", "fargate"),
            ("aws.ecs.task.arn", "arn:aws:ecs:eu-west-1:123456789012:task/blue/0123"),
            ("aws.ecs.task.family", "shop"),
            ("aws.ecs.task.revision", "3"),
            ("aws.ecs.cluster.arn", "arn:aws:ecs:eu-west-1:123456789012:cluster/blue"),
            ("aws.ecs.container.arn", "arn:aws:ecs:eu-west-1:123456789012:container/blue/0123/4567"),
            ("container.id", "cd189a933e5849daa93386466019ab50-2495160603"),
            ("container.name", "orders"),
            ("container.image.name", "registry:5000/orders"),
            ("container.image.tags", r#"["1.2"]"#),
            ("aws.log.group.arns", r#"["arn:aws:logs:eu-west-2:123456789012:log-group:/ecs/orders"]"#),
        ])
    );
    let segment = segment(&found);
    let ecs = &segment["aws"]["ecs"];
    assert_eq!(segment["origin"], "AWS::ECS::Fargate", "{segment}");
    assert_eq!(segment["resource_arn"], found["cloud.resource_id"], "{segment}");
    assert_eq!((&ecs["container"], &ecs["launch_type"]), (&json!("orders"), &json!("fargate")), "{segment}");
    assert_eq!(
        (&segment["aws"]["account_id"], segment["aws"].get("ec2")),
        (&json!("123456789012"), None),
        "{segment}"
    );
}

#[test]
fn an_instance_and_what_runs_on_it() {
    const NAMESPACE: (&str, &str) = ("var/run/secrets/kubernetes.io/serviceaccount/namespace", "shop\n");
    const ID: &str = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";
    let cgroup = format!("0::/kubepods.slice/cri-containerd-{ID}.scope\n");
    let conf = r#"{"deployment_id":32,"version_label":"app-3","environment_name":"shop-env"}"#;
    let tag = ("/latest/meta-data/tags/instance/aws:eks:cluster-name", "green");
    let host = [("host.id", "i-1"), ("host.type", "m7g.large"), ("cloud.availability_zone", "eu-west-1b")];
    for (name, files, tag, more, origin, expected) in [
        ("instance", vec![], None, ("", ""), "AWS::EC2::Instance", vec![]),
        (
            "node",
            vec![NAMESPACE, ("proc/self/cgroup", &*cgroup)],
            Some(tag),
            ("HOSTNAME", "orders-1"),
            "AWS::EKS::Container",
            vec![
                ("k8s.cluster.name", "green"),
                ("k8s.namespace.name", "shop"),
                ("k8s.pod.name", "orders-1"),
                ("container.id", ID),
            ],
        ),
        (
            "named",
            vec![NAMESPACE],
            Some(tag),
            ("AWS_CLUSTER_NAME", "mine"),
            "AWS::EKS::Container",
            vec![("k8s.cluster.name", "mine")],
        ),
        (
            "beanstalk",
            vec![(beanstalk::FILE, conf)],
            None,
            ("", ""),
            "AWS::ElasticBeanstalk::Environment",
            vec![
                ("service.namespace", "shop-env"),
                ("service.instance.id", "32"),
                ("service.version", "app-3"),
            ],
        ),
    ] {
        let root = Root::with(name, &files);
        let imds = service(
            answers([TOKEN, DOCUMENT])
                .into_iter()
                .chain(tag.map(|(path, body)| (path, body.to_owned())))
                .collect(),
        );
        let found = found(&root, [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds), more]);
        let segment = segment(&found);
        assert_eq!(segment["origin"], origin, "{name}: {segment}");
        let instance = json!({ "instance_id": "i-1", "instance_size": "m7g.large", "ami_id": "ami-1", "availability_zone": "eu-west-1b" });
        assert_eq!(segment["aws"]["ec2"], instance, "{name}: {segment}");
        for (key, value) in host.into_iter().chain(expected) {
            assert_eq!(found.get(key).map(String::as_str), Some(value), "{name}: {key}");
        }
    }
}

/// The service of ECS answers and that of the instance never does: what is known is told, in time.
#[test]
fn a_service_that_hangs_costs_neither_the_others_nor_the_start() {
    let ecs = service(answers([("/v4/abc", CONTAINER), ("/v4/abc/task", TASK)]));
    let root = Root::with("hangs", &[]);
    // Long enough for a busy machine to answer itself.
    let limit = Duration::from_secs(3);
    let started = SystemClock.now();
    let found = found_within(
        limit,
        &root,
        [
            ("ECS_CONTAINER_METADATA_URI_V4", &format!("{ecs}/v4/abc")),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &silent()),
        ],
    );
    let passed = SystemClock.now() - started;
    assert!((limit..PATIENCE).contains(&passed), "{passed:?}");
    assert_eq!((found["cloud.platform"].as_str(), found["container.name"].as_str()), ("aws_ecs", "orders"));
}

#[test]
fn nonsense_is_nothing() {
    let huge = "9".repeat(300_000);
    let root = Root::with("nonsense", &[(beanstalk::FILE, "{")]);
    for (name, body) in [
        ("empty", ""),
        ("text", "hello"),
        ("list", "[]"),
        ("deep", &"[".repeat(100_000)),
        ("huge", &*huge),
        ("null", "null"),
    ] {
        let answers = answers([("/v4/abc", body), ("/v4/abc/task", body), TOKEN, (DOCUMENT.0, body)]);
        let service = service(answers);
        let found = found(
            &root,
            [
                ("ECS_CONTAINER_METADATA_URI_V4", &format!("{service}/v4/abc")),
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service),
            ],
        );
        assert_eq!(found, texts([("cloud.provider", "aws"), ("cloud.platform", "aws_ecs")]), "{name}");
    }
    // Neither HTTP, nor anybody there, nor an address.
    let noise = serve(|_| b"\x16\x03\x01 what?\r\n\r\n".to_vec());
    for endpoint in [noise.as_str(), "http://127.0.0.1:9", "what?", "https://127.0.0.1:1"] {
        let found = found(&root, [("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)]);
        assert_eq!(found, BTreeMap::new(), "{endpoint}");
    }
}

#[test]
fn who_is_asked() {
    const ENDPOINT: (&str, &str) = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9");
    const FARGATE: (&str, &str) = ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE");
    const EC2: (&str, &str) = ("AWS_EXECUTION_ENV", "AWS_ECS_EC2");
    const DISABLED: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");
    const NOTHING: (&str, &str) = ("", "");
    const VENDOR: &str = "sys/class/dmi/id/sys_vendor";
    const USUAL: &str = "http://169.254.169.254";
    for (vendor, variables, asked) in [
        (Some("Amazon EC2\n"), [NOTHING, NOTHING], Some(USUAL)),
        (Some("Xen\n"), [NOTHING, NOTHING], Some(USUAL)),
        (None, [NOTHING, NOTHING], Some(USUAL)),
        (Some("LENOVO\n"), [NOTHING, NOTHING], None),
        (Some("LENOVO\n"), [ENDPOINT, NOTHING], Some(ENDPOINT.1)),
        (Some("Amazon EC2\n"), [DISABLED, NOTHING], None),
        (Some("Amazon EC2\n"), [ENDPOINT, DISABLED], None),
        (Some("Amazon EC2\n"), [EC2, NOTHING], Some(USUAL)),
        (Some("Amazon EC2\n"), [FARGATE, NOTHING], None),
        (None, [FARGATE, NOTHING], None),
        (None, [FARGATE, ENDPOINT], Some(ENDPOINT.1)),
    ] {
        let files: Vec<_> = vendor.map(|vendor| (VENDOR, vendor)).into_iter().collect();
        let root = Root::with("asked", &files);
        let surroundings = Surroundings::of(root.path().to_owned(), &Environment::of(variables), PATIENCE);
        assert_eq!(surroundings.imds.as_deref(), asked, "{vendor:?} {variables:?}");
    }
    for (mode, endpoint) in [("IPv6", "http://[fd00:ec2::254]"), ("", "http://169.254.169.254")] {
        let environment = Environment::of([("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", mode)]);
        assert_eq!(imds::endpoint(&environment).as_deref(), Some(endpoint));
    }
}

proptest! {
    #[test]
    fn no_answer_panics_and_every_value_is_bounded(bytes: Vec<u8>, key in prop::sample::select(vec![
        "ContainerARN", "DockerId", "Name", "Image", "LogDriver", "LogOptions", "TaskARN", "Cluster", "Family", "Revision",
        "LaunchType", "instanceId", "architecture", "region", "deployment_id", "environment_name",
    ]), value in "(arn:aws:|i-|awslogs)?.{0,1500}", other in "\\PC{0,20}") {
        let document = json!({ key: value, other: key, "LogDriver": "awslogs", "LogOptions": { "awslogs-group": value } });
        let document = serde_json::to_vec(&document).unwrap();
        for body in [&bytes, &document] {
            for found in [ecs::container(body), ecs::task(body), imds::instance(body), beanstalk::attributes(body)] {
                for attribute in found.into_iter().flatten() {
                    let text = attribute.value.to_string();
                    prop_assert!(!text.is_empty() && text.chars().count() <= 2_100, "{}", attribute.key);
                }
            }
        }
    }
}
