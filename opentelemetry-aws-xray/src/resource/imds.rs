//! The metadata service of EC2 instances, version 2 (EC2 user guide, "Instance metadata").

use opentelemetry::KeyValue;

use super::{
    attribute,
    json::{object, text},
    metadata::MetadataClient,
    platform,
};
use crate::config::Environment;

/// The seconds that a token lasts; it is used at once.
const TOKEN_TTL: (&str, &str) = ("X-aws-ec2-metadata-token-ttl-seconds", "60");

/// The service, with a token for it.
pub(super) struct Imds<'c> {
    client: &'c MetadataClient,
    endpoint: String,
    token: String,
}

/// Where the service is, as the AWS SDKs are told; `None` if they are told to leave it alone.
pub(super) fn endpoint(environment: &Environment) -> Option<String> {
    let is_disabled =
        environment.var("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_disabled {
        return None;
    }
    let mode = environment.var("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    let is_ipv6 = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
    let default = || if is_ipv6 { "http://[fd00:ec2::254]" } else { "http://169.254.169.254" }.to_owned();
    let endpoint = named_endpoint(environment).unwrap_or_else(default);
    Some(endpoint.trim_end_matches('/').to_owned())
}

/// An endpoint that somebody set.
pub(super) fn named_endpoint(environment: &Environment) -> Option<String> {
    environment.var("AWS_EC2_METADATA_SERVICE_ENDPOINT")
}

/// Whether a machine of this vendor may be an EC2 instance: what the firmware says keeps other machines from waiting for an
/// address where nobody is. Where it says nothing, it may be one.
pub(super) fn may_be_instance(vendor: Option<&str>) -> bool {
    // Older types run on Xen, and say so.
    vendor
        .is_none_or(|vendor| ["amazon", "xen"].iter().any(|name| vendor.to_ascii_lowercase().contains(name)))
}

impl<'c> Imds<'c> {
    /// Asks for a token. In a container that stands behind more hops than the instance allows, nobody ever answers this.
    pub(super) fn connect(client: &'c MetadataClient, endpoint: String) -> Option<Self> {
        let token = client.put(&format!("{endpoint}/latest/api/token"), TOKEN_TTL)?;
        let token = String::from_utf8(token).ok()?.trim().to_owned();
        // It goes into a header.
        let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then_some(Self { client, endpoint, token })
    }

    /// What the instance's identity document says.
    pub(super) fn instance(&self) -> Option<Vec<KeyValue>> {
        instance(&self.get("dynamic/instance-identity/document")?)
    }

    /// The cluster that a node belongs to, if its tags may be seen from within.
    pub(super) fn cluster_name(&self) -> Option<KeyValue> {
        let name = self.get("meta-data/tags/instance/aws:eks:cluster-name")?;
        attribute("k8s.cluster.name", String::from_utf8(name).ok())
    }

    fn get(&self, path: &str) -> Option<Vec<u8>> {
        let url = format!("{}/latest/{path}", self.endpoint);
        self.client.get(&url, Some(("X-aws-ec2-metadata-token", &self.token)))
    }
}

/// The identity document as attributes. Other clouds answer at the same address; an instance of EC2 has an id that begins with `i-`.
pub(super) fn instance(document: &[u8]) -> Option<Vec<KeyValue>> {
    let document = object(document)?;
    let id = text(&document, "instanceId").filter(|id| id.starts_with("i-"))?;
    let arch = match text(&document, "architecture").as_deref() {
        Some("x86_64") => Some("amd64"),
        Some("arm64") => Some("arm64"),
        Some("i386") => Some("x86"),
        _ => None,
    };
    let mut found = platform("aws_ec2").to_vec();
    found.extend(attribute("host.id", Some(id)));
    found.extend(attribute("host.arch", arch));
    for (key, field) in [
        ("host.type", "instanceType"),
        ("host.image.id", "imageId"),
        ("cloud.account.id", "accountId"),
        ("cloud.region", "region"),
        ("cloud.availability_zone", "availabilityZone"),
    ] {
        found.extend(attribute(key, text(&document, field)));
    }
    Some(found)
}
