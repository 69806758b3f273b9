//! Where the application runs, found out at its start: Lambda, ECS, EKS, Elastic Beanstalk, EC2.
//!
//! X-Ray shows it as a segment's origin and in the blocks `ec2`, `ecs`, `eks` and `elastic_beanstalk`. [`Xray`](crate::Xray) looks by itself
//! as far as [`ResourceDetection`] allows; [`AwsResourceDetector`] does the same for a provider of your own.
//!
//! | platform | how it is noticed | what is found | from |
//! |---|---|---|---|
//! | Lambda | `AWS_LAMBDA_FUNCTION_NAME` | `faas.name`, `faas.version`, `faas.instance`, `faas.max_memory`, `cloud.region`, `aws.log.group.names`; the function's name, if the service has no other | variables |
//! | ECS | `ECS_CONTAINER_METADATA_URI_V4` | launch type, `cloud.region` | variables |
//! | | | container, task, cluster, `cloud.account.id`, `cloud.availability_zone`, log groups | task metadata, version 4 |
//! | EKS | the token file that EKS gives to pods (IAM roles for service accounts, Pod Identity), `AWS_CLUSTER_NAME`; with `Full` also a pod on an EC2 instance | `k8s.pod.name`, `k8s.pod.uid`, `k8s.node.name`, `k8s.cluster.name`, `cloud.region` | `HOSTNAME`, `POD_UID`, `NODE_NAME`, `AWS_CLUSTER_NAME`, `AWS_REGION` |
//! | | | `k8s.namespace.name`, `container.id` where the control groups name it, `k8s.cluster.name` if instance tags are allowed in metadata | files, instance metadata |
//! | Elastic Beanstalk | `/var/elasticbeanstalk/xray/environment.conf` | environment, version, deployment | that file |
//! | EC2 | its metadata service, version 2 | `host.id`, `host.type`, `host.image.id`, `host.arch`, `cloud.region`, `cloud.availability_zone`, `cloud.account.id` | the instance identity document |
//!
//! Variables alone are read unless more is asked for; the rest comes with `ResourceDetection::Full` (feature `resource-detection`). Where
//! several platforms apply, as with ECS on EC2, all that is known is told, and `cloud.platform` is the first of Lambda, Elastic Beanstalk, ECS,
//! EKS, EC2. Whatever `OTEL_RESOURCE_ATTRIBUTES` or the code says wins over what is found here.

use std::{fmt, str::FromStr};

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::{Resource, resource::ResourceDetector};
use xray_wire::sanitize;

use crate::config::Environment;

#[cfg(feature = "resource-detection")]
mod beanstalk;
#[cfg(feature = "resource-detection")]
mod container_id;
#[cfg(feature = "resource-detection")]
mod ecs;
mod environment;
#[cfg(feature = "resource-detection")]
mod full;
#[cfg(feature = "resource-detection")]
mod imds;
#[cfg(feature = "resource-detection")]
mod json;
#[cfg(feature = "resource-detection")]
mod metadata;
#[cfg(all(test, feature = "resource-detection"))]
mod tests;

/// How far to look for where the application runs.
///
/// ```
/// use opentelemetry_aws_xray::{Xray, resource::ResourceDetection};
///
/// // For a program that never runs on AWS.
/// let xray = Xray::builder().with_resource_detection(ResourceDetection::Off).build();
/// assert_eq!("environment".parse(), Ok(ResourceDetection::default()));
/// # drop(xray);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ResourceDetection {
    /// `off`: not at all.
    Off,
    /// `environment`: variables that AWS' platforms set. Costs nothing.
    #[default]
    Environment,
    /// `full`: files and metadata services too, all at the same time. Delays the start by 500 ms at most, whatever answers or does
    /// not; what has been found by then counts. Needs the feature `resource-detection`.
    #[cfg(feature = "resource-detection")]
    Full,
}

impl FromStr for ResourceDetection {
    type Err = ParseResourceDetectionError;

    /// Reads `off`, `environment` or `full`, in any case.
    fn from_str(name: &str) -> Result<Self, ParseResourceDetectionError> {
        match name.to_ascii_lowercase().as_str() {
            "off" => Ok(Self::Off),
            "environment" => Ok(Self::Environment),
            #[cfg(feature = "resource-detection")]
            "full" => Ok(Self::Full),
            #[cfg(not(feature = "resource-detection"))]
            "full" => Err(ParseResourceDetectionError::NeedsFeature("resource-detection")),
            _ => Err(ParseResourceDetectionError::Unknown),
        }
    }
}

/// The text names no way of detection that there is.
///
/// ```
/// use opentelemetry_aws_xray::resource::{ParseResourceDetectionError, ResourceDetection};
///
/// let error = "everything".parse::<ResourceDetection>().unwrap_err();
/// assert_eq!(error, ParseResourceDetectionError::Unknown);
/// assert_eq!(error.to_string(), "expected `off`, `environment` or `full`");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseResourceDetectionError {
    /// It names none.
    Unknown,
    /// It names one that this build does not have, because a feature of this crate is off.
    NeedsFeature(&'static str),
}

impl fmt::Display for ParseResourceDetectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("expected `off`, `environment` or `full`"),
            Self::NeedsFeature(feature) => {
                write!(f, "this detection needs the feature `{feature}` of opentelemetry-aws-xray")
            }
        }
    }
}

impl std::error::Error for ParseResourceDetectionError {}

/// Looks for where the application runs, for a tracer provider of your own. [`Xray`](crate::Xray) needs none.
///
/// ```
/// use opentelemetry_aws_xray::resource::AwsResourceDetector;
/// use opentelemetry_sdk::Resource;
///
/// // In front, so that what the environment names by itself wins.
/// let resource = Resource::builder_empty()
///     .with_detector(Box::new(AwsResourceDetector::default()))
///     .with_detector(Box::new(opentelemetry_sdk::resource::EnvResourceDetector::new()))
///     .build();
/// # drop(resource);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AwsResourceDetector {
    detection: ResourceDetection,
}

impl AwsResourceDetector {
    /// A detector that looks so far.
    #[must_use]
    pub const fn new(detection: ResourceDetection) -> Self {
        Self { detection }
    }
}

impl ResourceDetector for AwsResourceDetector {
    fn detect(&self) -> Resource {
        let found = detect(self.detection, &Environment::process());
        Resource::builder_empty().with_attributes(found).build()
    }
}

/// What is found. Of a key that is there twice, the last value counts.
pub(crate) fn detect(detection: ResourceDetection, environment: &Environment) -> Vec<KeyValue> {
    match detection {
        ResourceDetection::Off => Vec::new(),
        ResourceDetection::Environment => environment::attributes(environment),
        #[cfg(feature = "resource-detection")]
        ResourceDetection::Full => full::detect(environment),
    }
}

/// An attribute, if there is something to say.
fn attribute(key: &'static str, value: Option<impl AsRef<str>>) -> Option<KeyValue> {
    let value = value?;
    let text = bounded(value.as_ref());
    (!text.is_empty()).then(|| KeyValue::new(key, text.to_owned()))
}

/// An attribute that is a list, of one value here.
fn list(key: &'static str, value: &str) -> KeyValue {
    KeyValue::new(key, Value::Array(Array::String(vec![bounded(value).to_owned().into()])))
}

/// What metadata services answer is bounded like everything from outside.
fn bounded(text: &str) -> &str {
    /// ARNs and ids are shorter by far.
    const MAX_CHARS: usize = 1_024;
    sanitize::truncate(text.trim(), MAX_CHARS)
}

/// The attributes that say which platform it is.
fn platform(name: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("cloud.provider", "aws"), KeyValue::new("cloud.platform", name)]
}
