//! What a resource says in all of its segments: origin, service, SDK, metadata. Done once per resource.

use std::borrow::Cow;

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::Resource;
use xray_wire::{
    encode::{self, ResourceBlocks},
    limits::MAX_TEXT_CHARS,
    sanitize,
    segment::{Aws, Service, XraySdk},
};

use super::{
    super::{index::Index, stack::Language},
    Options,
    budget::Budget,
    metadata, place,
    texts::Texts,
    values,
};
use crate::redact;

/// A resource, ready to be copied into segments.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResourceView {
    /// The service's name as X-Ray takes it.
    pub(super) service_name: Option<String>,
    /// The application may run on AWS: nothing says that it runs elsewhere.
    pub(super) is_aws: bool,
    pub(super) is_lambda: bool,
    pub(super) language: Option<Language>,
    pub(super) account_id: Option<String>,
    pub(super) region: Option<String>,
    /// Attributes that become annotations, by the names that they have in metadata.
    pub(super) annotations: Vec<KeyValue>,
    /// How much of the resource's metadata was cut.
    pub(crate) cuts: u64,
    blocks: ResourceBlocks,
    /// The same without metadata and with fewer log groups, for documents that have no room for them.
    bare_blocks: ResourceBlocks,
    /// Whether that is less.
    bare_says_less: bool,
}

impl ResourceView {
    /// Reads a resource.
    pub(crate) fn new(resource: &Resource, options: &Options) -> Self {
        let attributes = Texted(resource);
        let mut view = encode::Resource {
            origin: origin(&attributes).map(Cow::Borrowed),
            resource_arn: attributes
                .text("cloud.resource_id")
                .or_else(|| attributes.text("faas.id"))
                .or_else(|| attributes.text("aws.lambda.invoked_arn"))
                .or(options.resource_arn.as_deref().map(|arn| Cow::Borrowed(bounded(arn)))),
            service: service(&attributes),
            aws: attributes.is_aws().then(|| Aws {
                xray: Some(sdk(&attributes)),
                ..place::place(&attributes, &options.log_groups)
            }),
            metadata_namespace: Cow::Borrowed(options.metadata.namespace()),
            metadata: Vec::new(),
        };
        let groups = view.aws.as_mut().map(|aws| &mut aws.cloudwatch_logs);
        let more_groups = groups.map(place::split_off_log_groups).unwrap_or_default();
        let bare_blocks = ResourceBlocks::new(&view);
        let has_more_groups = !more_groups.is_empty();
        if let Some(aws) = &mut view.aws {
            aws.cloudwatch_logs.extend(more_groups);
        }
        let mut texts = Texts::default();
        view.metadata = resource
            .iter()
            .filter(|(_, value)| !values::is_empty(value))
            .map(|(key, value)| {
                let (name, is_secret) = (key.as_str(), redact::is_secret_name(key.as_str()));
                let value = values::named_value(name, is_secret, value, &Budget::SMALLER[0], &mut texts);
                (Cow::Owned(format!("{}{key}", metadata::RESOURCE_PREFIX)), value)
            })
            .filter(|(key, _): &(Cow<'_, str>, _)| {
                options.redaction.lets_through_metadata(options.metadata.namespace(), key)
            })
            .collect();
        // The SDK keeps resources in a map of random order.
        view.metadata.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self {
            service_name: attributes.text("service.name").map(|name| sanitize::name(&name).into_owned()),
            is_aws: attributes.is_aws(),
            is_lambda: attributes.text("cloud.platform").as_deref() == Some("aws_lambda"),
            language: attributes
                .text("telemetry.sdk.language")
                .and_then(|language| Language::named(&language)),
            account_id: attributes.text("cloud.account.id").map(Cow::into_owned),
            region: attributes.text("cloud.region").map(Cow::into_owned),
            annotations: annotations(resource, &options.index),
            cuts: texts.take_cuts(),
            bare_says_less: has_more_groups || !view.metadata.is_empty(),
            blocks: ResourceBlocks::new(&view),
            bare_blocks,
        }
    }

    /// Whether a budget leaves something of the resource out.
    pub(crate) fn is_cut_by(&self, budget: &Budget) -> bool {
        !budget.resource_metadata && self.bare_says_less
    }

    /// The blocks to copy into a segment.
    pub(crate) fn blocks(&self, budget: &Budget) -> &ResourceBlocks {
        if budget.resource_metadata { &self.blocks } else { &self.bare_blocks }
    }
}

fn annotations(resource: &Resource, index: &Index) -> Vec<KeyValue> {
    let mut annotations: Vec<_> = resource
        .iter()
        .filter(|(key, _)| !redact::is_secret_name(key.as_str()))
        .filter_map(|(key, value)| {
            let name = format!("{}{key}", metadata::RESOURCE_PREFIX);
            let annotation = index.annotation_of(&name).or_else(|| index.all.then_some(&*name))?.to_owned();
            let value = match value {
                Value::String(text) => redact::named(key.as_str(), text.as_str()).into_owned().into(),
                other => other.clone(),
            };
            Some(KeyValue::new(annotation, value))
        })
        .collect();
    annotations.sort_by(|one, other| one.key.cmp(&other.key));
    annotations
}

/// A field's text. Whatever is cut stands whole in the metadata.
pub(super) fn bounded(text: &str) -> &str {
    sanitize::truncate(text, MAX_TEXT_CHARS)
}

/// A resource whose attributes are read as text.
pub(super) struct Texted<'r>(&'r Resource);

impl<'r> Texted<'r> {
    pub(super) fn text(&self, key: &'static str) -> Option<Cow<'r, str>> {
        let text = match self.0.get_ref(&key.into())? {
            Value::String(text) => Cow::Borrowed(bounded(text.as_str())),
            Value::Array(Array::String(texts)) => Cow::Borrowed(bounded(texts.first()?.as_str())),
            Value::I64(number) => Cow::Owned(number.to_string()),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The texts of a list; one text is a list in which `&` stands between them, so that it can come from
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Cow<'r, str>> {
        match self.0.get_ref(&key.into()) {
            Some(Value::String(text)) => text
                .as_str()
                .split('&')
                .filter(|part| !part.is_empty())
                .map(|part| Cow::Borrowed(bounded(part)))
                .collect(),
            Some(Value::Array(Array::String(texts))) => {
                texts.iter().map(|text| Cow::Borrowed(bounded(text.as_str()))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the application may run on AWS: unless the resource says that it runs elsewhere.
    fn is_aws(&self) -> bool {
        self.text("cloud.provider").is_none_or(|provider| provider == "aws")
    }
}

fn origin(attributes: &Texted<'_>) -> Option<&'static str> {
    if !attributes.is_aws() {
        return None;
    }
    Some(match attributes.text("cloud.platform")?.as_ref() {
        "aws_app_runner" => "AWS::AppRunner::Service",
        "aws_eks" => "AWS::EKS::Container",
        "aws_elastic_beanstalk" => "AWS::ElasticBeanstalk::Environment",
        "aws_ecs" => match attributes.text("aws.ecs.launchtype").as_deref() {
            Some("ec2") => "AWS::ECS::EC2",
            Some("fargate") => "AWS::ECS::Fargate",
            _ => "AWS::ECS::Container",
        },
        "aws_ec2" => "AWS::EC2::Instance",
        "aws_lambda" => "AWS::Lambda::Function",
        _ => return None,
    })
}

fn service<'a>(attributes: &Texted<'a>) -> Option<Service<'a>> {
    let service = Service {
        version: attributes
            .text("service.version")
            .or_else(|| attributes.text("container.image.tag"))
            .or_else(|| attributes.text("container.image.tags")),
        runtime: attributes.text("process.runtime.name"),
        runtime_version: attributes.text("process.runtime.version"),
    };
    (service != Service::default()).then_some(service)
}

fn sdk<'a>(attributes: &Texted<'a>) -> XraySdk<'a> {
    let name = attributes.text("telemetry.sdk.name").unwrap_or(Cow::Borrowed("opentelemetry"));
    let sdk = match attributes.text("telemetry.sdk.language") {
        None => name,
        Some(language) => {
            let suffix = format!(" for {language}");
            let has_suffix = name.to_lowercase().ends_with(&suffix.to_lowercase());
            if has_suffix { name } else { Cow::Owned(format!("{name}{suffix}")) }
        }
    };
    let auto =
        attributes.text("telemetry.auto.version").or_else(|| attributes.text("telemetry.distro.version"));
    XraySdk {
        sdk: Some(sdk),
        sdk_version: attributes.text("telemetry.sdk.version"),
        auto_instrumentation: Some(auto.is_some()),
        sampling_rule_name: None,
    }
}
