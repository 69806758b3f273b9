//! What a resource says in every one of its segments, encoded once and copied into each.

use alloc::{borrow::Cow, string::String, vec::Vec};

use super::{AwsFields, aws, blocks, json, json::Object};
use crate::segment::{Aws, Service, Value};

/// The parts of a segment that come from the resource and are the same in all of its segments.
///
/// ```
/// use xray_wire::{encode::Resource, segment::{Service, Value}};
///
/// let resource = Resource {
///     origin: Some("AWS::ECS::Container".into()),
///     service: Some(Service { version: Some("1.4.2".into()), ..Service::default() }),
///     metadata_namespace: "default".into(),
///     metadata: vec![("host.name".into(), Value::Str("checkout-1".into()))],
///     ..Resource::default()
/// };
/// ```
#[derive(Debug, Clone, Default)]
pub struct Resource<'a> {
    /// `origin`.
    pub origin: Option<Cow<'a, str>>,
    /// `resource_arn`, for segments that have none of their own.
    pub resource_arn: Option<Cow<'a, str>>,
    /// `service`.
    pub service: Option<Service<'a>>,
    /// `aws`: the place and the SDK. Fields that speak of a call are not used.
    pub aws: Option<Aws<'a>>,
    /// The namespace of `metadata`.
    pub metadata_namespace: Cow<'a, str>,
    /// Entries for that namespace.
    pub metadata: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// A [`Resource`], encoded. Each text is a row of fields with a comma before each.
///
/// ```
/// use xray_wire::{Segment, encode::{self, Resource, ResourceBlocks}, segment::Kind};
/// # use xray_wire::{SegmentId, Timestamp};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let segment = Segment::new(Kind::Segment, "api", id, Timestamp::EPOCH);
///
/// // Once:
/// let origin = Some("AWS::ECS::Container".into());
/// let blocks = ResourceBlocks::new(&Resource { origin, ..Resource::default() });
/// // For each segment:
/// let mut json = Vec::new();
/// encode::document(&segment, Some(&blocks), &mut json);
/// assert!(json.ends_with(br#","origin":"AWS::ECS::Container"}"#));
/// ```
#[derive(Debug, Clone, Default)]
pub struct ResourceBlocks {
    pub(super) origin_and_service: Vec<u8>,
    pub(super) resource_arn: Vec<u8>,
    pub(super) has_aws: bool,
    /// The whole block of a segment that has none of its own.
    pub(super) aws_alone: Vec<u8>,
    pub(super) aws_place: Vec<u8>,
    pub(super) aws_xray: Vec<u8>,
    pub(super) metadata_namespace: String,
    pub(super) metadata: Vec<u8>,
}

impl ResourceBlocks {
    /// Encodes the blocks of a resource.
    #[must_use]
    pub fn new(resource: &Resource<'_>) -> Self {
        let mut encoded = Self { has_aws: resource.aws.is_some(), ..Self::default() };
        let mut top = Object::open(&mut encoded.origin_and_service);
        top.text(br#","origin":""#, resource.origin.as_deref());
        if let Some(service) = &resource.service {
            blocks::service(service, top.field(br#","service":"#));
        }
        Object::open(&mut encoded.resource_arn)
            .text(br#","resource_arn":""#, resource.resource_arn.as_deref());
        if let Some(aws) = &resource.aws {
            aws::place(aws, &mut Object::open(&mut encoded.aws_place));
            if let Some(sdk) = &aws.xray {
                aws::xray_sdk(sdk, &mut Object::open(&mut encoded.aws_xray));
            }
            let mut alone = Vec::new();
            let mut top = Object::open(&mut alone);
            aws::write(&AwsFields::default(), None, Some(&encoded), top.field(br#","aws":"#));
            encoded.aws_alone = alone;
        }
        encoded.metadata_namespace.push_str(&resource.metadata_namespace);
        let mut metadata = Object::open(&mut encoded.metadata);
        for (key, value) in &resource.metadata {
            json::value(value, metadata.field_named(key));
        }
        encoded
    }
}
