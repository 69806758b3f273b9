//! The block `aws`: what was called, where it ran, and which SDK tells of it.

use alloc::vec::Vec;
use core::ops::Range;

use super::{
    AwsFields, ResourceBlocks,
    json::{self, Object},
};
use crate::segment::{Aws, Ec2, Ecs, Eks, ElasticBeanstalk, LogGroup, XraySdk};

/// Of what a segment says itself, `own`, a resource's place and SDK stand in for its own. The answer is where the request's id stands.
pub(super) fn write(
    call: &AwsFields<'_>,
    own: Option<&Aws<'_>>,
    resource: Option<&ResourceBlocks>,
    out: &mut Vec<u8>,
) -> Range<usize> {
    let mut block = Object::open(out);
    let request_id = called(call, &mut block);
    for (key, value) in own.iter().flat_map(|own| &own.other) {
        json::value(value, block.field_named(key));
    }
    let resource = resource.filter(|blocks| blocks.has_aws);
    match (resource, own) {
        (Some(blocks), _) => block.encoded(&blocks.aws_place),
        (None, Some(own)) => place(own, &mut block),
        (None, None) => {}
    }
    let sdk = own.and_then(|own| own.xray.as_ref());
    let encoded_sdk = resource.map_or(&[][..], |blocks| &blocks.aws_xray);
    if sdk.is_some() || call.sampling_rule_name.is_some() || !encoded_sdk.is_empty() {
        let mut xray = Object::open(block.field(br#","xray":"#));
        match (resource, sdk) {
            (None, Some(sdk)) => xray_sdk(sdk, &mut xray),
            _ => xray.encoded(encoded_sdk),
        }
        xray.text(br#","sampling_rule_name":""#, call.sampling_rule_name);
        xray.close();
    }
    block.close();
    request_id
}

/// The fields of `aws` that speak of a call, and where its id stands.
fn called(aws: &AwsFields<'_>, block: &mut Object<'_>) -> Range<usize> {
    block.text(br#","account_id":""#, aws.account_id);
    block.text(br#","operation":""#, aws.operation);
    block.text(br#","region":""#, aws.region);
    let request_id = block.text(br#","request_id":""#, aws.request_id);
    block.text(br#","queue_url":""#, aws.queue_url);
    block.text(br#","table_name":""#, aws.table_name);
    if !aws.table_names.is_empty() {
        json::list(aws.table_names, block.field(br#","table_names":"#), |name, out| json::string(name, out));
    }
    if let Some(retries) = aws.retries {
        json::integer(retries, block.field(br#","retries":"#));
    }
    for (name, text) in aws.others {
        json::string(text, block.field_named(name));
    }
    request_id
}

/// The fields of `aws` that speak of the place where the application runs.
pub(super) fn place(aws: &Aws<'_>, block: &mut Object<'_>) {
    if let Some(Ec2 { instance_id, instance_size, ami_id, availability_zone }) = &aws.ec2 {
        let mut ec2 = Object::open(block.field(br#","ec2":"#));
        ec2.text(br#","instance_id":""#, instance_id.as_deref());
        ec2.text(br#","instance_size":""#, instance_size.as_deref());
        ec2.text(br#","ami_id":""#, ami_id.as_deref());
        ec2.text(br#","availability_zone":""#, availability_zone.as_deref());
        ec2.close();
    }
    if let Some(ecs) = &aws.ecs {
        self::ecs(ecs, block.field(br#","ecs":"#));
    }
    if let Some(Eks { cluster_name, pod, container_id }) = &aws.eks {
        let mut eks = Object::open(block.field(br#","eks":"#));
        eks.text(br#","cluster_name":""#, cluster_name.as_deref());
        eks.text(br#","pod":""#, pod.as_deref());
        eks.text(br#","container_id":""#, container_id.as_deref());
        eks.close();
    }
    if let Some(ElasticBeanstalk { environment_name, version_label, deployment_id }) = &aws.elastic_beanstalk
    {
        let mut beanstalk = Object::open(block.field(br#","elastic_beanstalk":"#));
        beanstalk.text(br#","environment_name":""#, environment_name.as_deref());
        beanstalk.text(br#","version_label":""#, version_label.as_deref());
        if let Some(deployment) = deployment_id {
            json::integer(*deployment, beanstalk.field(br#","deployment_id":"#));
        }
        beanstalk.close();
    }
    if !aws.cloudwatch_logs.is_empty() {
        json::list(
            &aws.cloudwatch_logs,
            block.field(br#","cloudwatch_logs":"#),
            |LogGroup { log_group, arn }, out| {
                let mut group = Object::open(out);
                group.text(br#","log_group":""#, log_group.as_deref());
                group.text(br#","arn":""#, arn.as_deref());
                group.close();
            },
        );
    }
}

fn ecs(ecs: &Ecs<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text(br#","container":""#, ecs.container.as_deref());
    block.text(br#","container_id":""#, ecs.container_id.as_deref());
    block.text(br#","container_arn":""#, ecs.container_arn.as_deref());
    block.text(br#","task_arn":""#, ecs.task_arn.as_deref());
    block.text(br#","task_family":""#, ecs.task_family.as_deref());
    block.text(br#","cluster_arn":""#, ecs.cluster_arn.as_deref());
    block.text(br#","availability_zone":""#, ecs.availability_zone.as_deref());
    block.text(br#","launch_type":""#, ecs.launch_type.as_deref());
    block.close();
}

/// The fields of `aws.xray`, but for the sampling rule, which is a matter of the request.
pub(super) fn xray_sdk(sdk: &XraySdk<'_>, block: &mut Object<'_>) {
    block.text(br#","sdk":""#, sdk.sdk.as_deref());
    block.text(br#","sdk_version":""#, sdk.sdk_version.as_deref());
    if let Some(auto) = sdk.auto_instrumentation {
        json::boolean(auto, block.field(br#","auto_instrumentation":"#));
    }
}
