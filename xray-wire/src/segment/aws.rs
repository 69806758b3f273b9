//! The `aws` block: where a segment ran, which AWS call a subsegment made.

use alloc::{borrow::Cow, vec::Vec};

/// The `aws` block. The documented home of `xray`, `ec2`, `ecs`, `eks`, `elastic_beanstalk` and
/// `cloudwatch_logs` is a segment, that of `operation` and its neighbours a subsegment.
///
/// ```
/// use xray_wire::segment::{Aws, Kind, Namespace, Segment, Value};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// segment.namespace = Some(Namespace::Aws);
/// segment.aws = Some(Aws {
///     operation: Some("PutObject".into()),
///     region: Some("eu-central-1".into()),
///     other: vec![("bucket_name".into(), Value::Str("receipts".into()))],
///     ..Aws::default()
/// });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(
///     r#""aws":{"operation":"PutObject","region":"eu-central-1","bucket_name":"receipts"}"#
/// ));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Aws<'a> {
    /// The account that owns the resource.
    pub account_id: Option<Cow<'a, str>>,
    /// The operation of an AWS API call.
    pub operation: Option<Cow<'a, str>>,
    /// The region that was called.
    pub region: Option<Cow<'a, str>>,
    /// The request's id.
    pub request_id: Option<Cow<'a, str>>,
    /// The URL of an SQS queue.
    pub queue_url: Option<Cow<'a, str>>,
    /// The name of a DynamoDB table.
    pub table_name: Option<Cow<'a, str>>,
    /// The names of several DynamoDB tables.
    pub table_names: Vec<Cow<'a, str>>,
    /// How often the call was tried again.
    pub retries: Option<u32>,
    /// Which SDK made the segment.
    pub xray: Option<XraySdk<'a>>,
    /// The EC2 instance.
    pub ec2: Option<Ec2<'a>>,
    /// The ECS container.
    pub ecs: Option<Ecs<'a>>,
    /// The EKS pod.
    pub eks: Option<Eks<'a>>,
    /// The Elastic Beanstalk environment.
    pub elastic_beanstalk: Option<ElasticBeanstalk<'a>>,
    /// The log groups that hold the segment's log lines.
    pub cloudwatch_logs: Vec<LogGroup<'a>>,
    /// Service keys without a field of their own here (`bucket_name`, `topic_arn`, `id_2`, …).
    pub other: Vec<(Cow<'a, str>, super::Value<'a>)>,
}

/// `aws.xray`.
///
/// ```
/// use xray_wire::segment::{Aws, Kind, Segment, XraySdk};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let xray = XraySdk {
///     sdk: Some("shop-tracing".into()),
///     sampling_rule_name: Some("Default".into()),
///     ..XraySdk::default()
/// };
/// segment.aws = Some(Aws { xray: Some(xray), ..Aws::default() });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""aws":{"xray":{"sdk":"shop-tracing","sampling_rule_name":"Default"}}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct XraySdk<'a> {
    /// The name of the SDK.
    pub sdk: Option<Cow<'a, str>>,
    /// Its version.
    pub sdk_version: Option<Cow<'a, str>>,
    /// Whether an agent instrumented the application.
    pub auto_instrumentation: Option<bool>,
    /// The sampling rule that chose this request. Written as `sampling_rule_name`; `rule_name`, which the
    /// Java and Node SDKs write, is read too.
    pub sampling_rule_name: Option<Cow<'a, str>>,
}

/// `aws.ec2`.
///
/// ```
/// use xray_wire::segment::{Aws, Ec2, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let ec2 = Ec2 { instance_id: Some("i-0123456789abcdef0".into()), ..Ec2::default() };
/// segment.aws = Some(Aws { ec2: Some(ec2), ..Aws::default() });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""aws":{"ec2":{"instance_id":"i-0123456789abcdef0"}}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ec2<'a> {
    /// The instance's id.
    pub instance_id: Option<Cow<'a, str>>,
    /// The instance's type, such as `m7g.large`.
    pub instance_size: Option<Cow<'a, str>>,
    /// The machine image.
    pub ami_id: Option<Cow<'a, str>>,
    /// The availability zone.
    pub availability_zone: Option<Cow<'a, str>>,
}

/// `aws.ecs`.
///
/// ```
/// use xray_wire::segment::{Aws, Ecs, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let ecs = Ecs { container: Some("checkout".into()), launch_type: Some("fargate".into()), ..Ecs::default() };
/// segment.aws = Some(Aws { ecs: Some(ecs), ..Aws::default() });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""aws":{"ecs":{"container":"checkout","launch_type":"fargate"}}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ecs<'a> {
    /// The container's name or host name.
    pub container: Option<Cow<'a, str>>,
    /// The container's id.
    pub container_id: Option<Cow<'a, str>>,
    /// The container's ARN.
    pub container_arn: Option<Cow<'a, str>>,
    /// The task's ARN.
    pub task_arn: Option<Cow<'a, str>>,
    /// The task's family.
    pub task_family: Option<Cow<'a, str>>,
    /// The cluster's ARN.
    pub cluster_arn: Option<Cow<'a, str>>,
    /// The availability zone.
    pub availability_zone: Option<Cow<'a, str>>,
    /// `ec2` or `fargate`.
    pub launch_type: Option<Cow<'a, str>>,
}

/// `aws.eks`.
///
/// ```
/// use xray_wire::segment::{Aws, Eks, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let eks = Eks { cluster_name: Some("shops".into()), pod: Some("checkout-7d".into()), ..Eks::default() };
/// segment.aws = Some(Aws { eks: Some(eks), ..Aws::default() });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""aws":{"eks":{"cluster_name":"shops","pod":"checkout-7d"}}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Eks<'a> {
    /// The cluster's name.
    pub cluster_name: Option<Cow<'a, str>>,
    /// The pod.
    pub pod: Option<Cow<'a, str>>,
    /// The container's id.
    pub container_id: Option<Cow<'a, str>>,
}

/// `aws.elastic_beanstalk`.
///
/// ```
/// use xray_wire::segment::{Aws, ElasticBeanstalk, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let beanstalk = ElasticBeanstalk { deployment_id: Some(32), ..ElasticBeanstalk::default() };
/// segment.aws = Some(Aws { elastic_beanstalk: Some(beanstalk), ..Aws::default() });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""aws":{"elastic_beanstalk":{"deployment_id":32}}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ElasticBeanstalk<'a> {
    /// The environment's name.
    pub environment_name: Option<Cow<'a, str>>,
    /// The application version.
    pub version_label: Option<Cow<'a, str>>,
    /// The number of the last successful deployment.
    pub deployment_id: Option<i64>,
}

/// One entry of `aws.cloudwatch_logs`.
///
/// ```
/// use xray_wire::segment::{Aws, Kind, LogGroup, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let group = LogGroup { log_group: Some("/ecs/checkout".into()), arn: None };
/// segment.aws = Some(Aws { cloudwatch_logs: vec![group], ..Aws::default() });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""aws":{"cloudwatch_logs":[{"log_group":"/ecs/checkout"}]}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogGroup<'a> {
    /// The log group's name.
    pub log_group: Option<Cow<'a, str>>,
    /// The log group's ARN.
    pub arn: Option<Cow<'a, str>>,
}
