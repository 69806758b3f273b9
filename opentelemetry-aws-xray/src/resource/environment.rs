//! What the platforms' variables say.

use opentelemetry::KeyValue;

use super::{attribute, list, platform};
use crate::config::Environment;

/// What the environment knows of the platform; nothing where it is none of AWS'.
pub(super) fn attributes(environment: &Environment) -> Vec<KeyValue> {
    if let Some(function) = lambda(environment) {
        return function;
    }
    task(environment).or_else(|| pod(environment)).unwrap_or_default()
}

/// A function of Lambda (Lambda developer guide, "Defined runtime environment variables").
pub(super) fn lambda(environment: &Environment) -> Option<Vec<KeyValue>> {
    let name = environment.var("AWS_LAMBDA_FUNCTION_NAME")?;
    let mut found = platform("aws_lambda").to_vec();
    found.extend(attribute("service.name", Some(&name)));
    found.extend(attribute("faas.name", Some(&name)));
    found.extend(attribute("faas.version", environment.var("AWS_LAMBDA_FUNCTION_VERSION")));
    found.extend(attribute("faas.instance", environment.var("AWS_LAMBDA_LOG_STREAM_NAME")));
    found.extend(region(environment));
    found.extend(max_memory(environment));
    let group = environment.var("AWS_LAMBDA_LOG_GROUP_NAME");
    found.extend(group.map(|group| list("aws.log.group.names", &group)));
    Some(found)
}

/// A task of ECS.
fn task(environment: &Environment) -> Option<Vec<KeyValue>> {
    metadata_uri(environment)?;
    let mut found = platform("aws_ecs").to_vec();
    found.extend(attribute("aws.ecs.launchtype", launch_type(environment)));
    found.extend(region(environment));
    Some(found)
}

/// A pod of EKS, as far as variables tell.
fn pod(environment: &Environment) -> Option<Vec<KeyValue>> {
    is_pod_of_eks(environment).then(|| {
        let mut found = platform("aws_eks").to_vec();
        found.extend(pod_attributes(environment));
        found
    })
}

/// What variables say of a pod.
pub(super) fn pod_attributes(environment: &Environment) -> Vec<KeyValue> {
    let named = [
        ("k8s.pod.name", "HOSTNAME"),
        ("k8s.pod.uid", "POD_UID"),
        ("k8s.node.name", "NODE_NAME"),
        ("k8s.cluster.name", "AWS_CLUSTER_NAME"),
    ];
    let named = named.into_iter().filter_map(|(key, name)| attribute(key, environment.var(name)));
    named.chain(region(environment)).collect()
}

/// Whether EKS gave the process something that only EKS gives: a token for its roles; or somebody named its cluster. A task of ECS is
/// none, whatever its variables are called.
pub(super) fn is_pod_of_eks(environment: &Environment) -> bool {
    if metadata_uri(environment).is_some() {
        return false;
    }
    // Of IAM roles for service accounts, and of Pod Identity.
    const TOKENS: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
    let has_token = |name| environment.var(name).is_some_and(|path| path.contains("eks.amazonaws.com"));
    environment.var("AWS_CLUSTER_NAME").is_some() || TOKENS.into_iter().any(has_token)
}

/// Where ECS tells a container about itself (ECS developer guide, "Task metadata endpoint version 4").
pub(super) fn metadata_uri(environment: &Environment) -> Option<String> {
    environment.var("ECS_CONTAINER_METADATA_URI_V4")
}

fn launch_type(environment: &Environment) -> Option<&'static str> {
    match environment.var("AWS_EXECUTION_ENV")?.as_str() {
        "AWS_ECS_FARGATE" => Some("fargate"),
        "AWS_ECS_EC2" => Some("ec2"),
        _ => None,
    }
}

fn region(environment: &Environment) -> Option<KeyValue> {
    let region = environment.var("AWS_REGION").or_else(|| environment.var("AWS_DEFAULT_REGION"));
    attribute("cloud.region", region)
}

/// In bytes, as the semantic conventions ask; Lambda says it in MiB.
fn max_memory(environment: &Environment) -> Option<KeyValue> {
    let mib: i64 = environment.var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?.parse().ok()?;
    Some(KeyValue::new("faas.max_memory", mib.checked_mul(1 << 20)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<const N: usize>(variables: [(&'static str, &str); N]) -> Vec<String> {
        let found = attributes(&Environment::of(variables));
        let mut texts: Vec<_> = found.iter().map(|kv| format!("{}={}", kv.key, kv.value)).collect();
        texts.sort();
        texts
    }

    #[test]
    fn nothing_is_said_of_any_other_machine() {
        for (name, value) in [
            ("AWS_REGION", "eu-west-1"),
            ("HOSTNAME", "laptop"),
            ("AWS_EXECUTION_ENV", "CloudShell"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/home/me/token"),
            ("AWS_LAMBDA_FUNCTION_NAME", ""),
        ] {
            assert_eq!(texts([(name, value)]), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_function() {
        let found = texts([
            ("AWS_LAMBDA_FUNCTION_NAME", "orders"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/orders"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[7]abc"),
            ("AWS_REGION", "eu-west-1"),
            // As nobody has it; the function wins.
            ("AWS_CLUSTER_NAME", "c"),
        ]);
        assert_eq!(
            found,
            [
                "aws.log.group.names=[\"/aws/lambda/orders\"]",
                "cloud.platform=aws_lambda",
                "cloud.provider=aws",
                "cloud.region=eu-west-1",
                "faas.instance=2026/11/22/[7]abc",
                "faas.max_memory=134217728",
                "faas.name=orders",
                "faas.version=7",
                "service.name=orders",
            ]
        );
        for memory in ["", "-", "99999999999999999999", "9223372036854775807"] {
            let found =
                texts([("AWS_LAMBDA_FUNCTION_NAME", "orders"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)]);
            assert!(!found.iter().any(|text| text.starts_with("faas.max_memory")), "{memory}: {found:?}");
        }
    }

    #[test]
    fn tasks_and_pods() {
        const URI: (&str, &str) = ("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/abc");
        assert_eq!(
            texts([URI, ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"), ("AWS_DEFAULT_REGION", "eu-west-1")]),
            [
                "aws.ecs.launchtype=fargate",
                "cloud.platform=aws_ecs",
                "cloud.provider=aws",
                "cloud.region=eu-west-1"
            ]
        );
        assert_eq!(
            texts([URI, ("AWS_CLUSTER_NAME", "blue")]),
            ["cloud.platform=aws_ecs", "cloud.provider=aws"]
        );
        for (name, value, cluster) in [
            ("AWS_CLUSTER_NAME", "blue", Some("k8s.cluster.name=blue")),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/eks.amazonaws.com/serviceaccount/token", None),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
                None,
            ),
        ] {
            let found = texts([(name, value), ("HOSTNAME", "orders-5d-x2"), ("NODE_NAME", "n1")]);
            let expected = [
                Some("cloud.platform=aws_eks"),
                Some("cloud.provider=aws"),
                cluster,
                Some("k8s.node.name=n1"),
                Some("k8s.pod.name=orders-5d-x2"),
            ];
            assert_eq!(found, expected.into_iter().flatten().collect::<Vec<_>>(), "{name}");
        }
    }
}
