//! The `aws` block, and `service` and `sql`.

use alloc::borrow::Cow;

use super::{SkipReason, json::Json, reader::Reader, value::value};
use crate::segment::{Aws, Ec2, Ecs, Eks, ElasticBeanstalk, LogGroup, Service, Sql, XraySdk};

/// The `aws` block; keys without a field of their own are kept too.
pub(super) fn aws<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<Aws<'a>> {
    let mut aws = Aws::default();
    reader.fields(json, |reader, key, json| match &**key {
        "account_id" => aws.account_id = reader.text(json),
        "operation" => aws.operation = reader.text(json),
        "region" => aws.region = reader.text(json),
        "request_id" => aws.request_id = reader.text(json),
        "queue_url" => aws.queue_url = reader.text(json),
        "table_name" => aws.table_name = reader.text(json),
        "table_names" => aws.table_names = reader.list(json, Reader::text),
        "retries" => aws.retries = reader.unsigned(json),
        "xray" => aws.xray = xray_sdk(reader, json),
        "ec2" => aws.ec2 = ec2(reader, json),
        "ecs" => aws.ecs = ecs(reader, json),
        "eks" => aws.eks = eks(reader, json),
        "elastic_beanstalk" => aws.elastic_beanstalk = elastic_beanstalk(reader, json),
        "cloudwatch_logs" => aws.cloudwatch_logs = reader.list(json, log_group),
        _ => aws.other.extend(value(reader, json).map(|value| (key.clone(), value))),
    })?;
    (aws != Aws::default()).then_some(aws)
}

fn xray_sdk<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<XraySdk<'a>> {
    let mut xray = XraySdk::default();
    let mut rule_name: Option<Cow<'a, str>> = None;
    reader.fields(json, |reader, key, json| match &**key {
        "sdk" => xray.sdk = reader.text(json),
        "sdk_version" => xray.sdk_version = reader.text(json),
        "auto_instrumentation" => xray.auto_instrumentation = reader.bool(json),
        "sampling_rule_name" => xray.sampling_rule_name = reader.text(json),
        "rule_name" => rule_name = reader.text(json),
        _ => reader.skip(SkipReason::Unknown),
    })?;
    xray.sampling_rule_name = xray.sampling_rule_name.or(rule_name);
    (xray != XraySdk::default()).then_some(xray)
}

fn elastic_beanstalk<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<ElasticBeanstalk<'a>> {
    let mut beanstalk = ElasticBeanstalk::default();
    reader.fields(json, |reader, key, json| match &**key {
        "environment_name" => beanstalk.environment_name = reader.text(json),
        "version_label" => beanstalk.version_label = reader.text(json),
        "deployment_id" => beanstalk.deployment_id = reader.signed(json),
        _ => reader.skip(SkipReason::Unknown),
    })?;
    (beanstalk != ElasticBeanstalk::default()).then_some(beanstalk)
}

/// Defines readers of blocks that hold texts only, under the names of their fields.
macro_rules! blocks_of_text {
    ($($read:ident -> $Block:ident { $($field:ident),* })*) => {$(
        pub(super) fn $read<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<$Block<'a>> {
            let mut block = $Block::default();
            reader.fields(json, |reader, key, json| match &**key {
                $(stringify!($field) => block.$field = reader.text(json),)*
                _ => reader.skip(SkipReason::Unknown),
            })?;
            (block != $Block::default()).then_some(block)
        }
    )*};
}

blocks_of_text! {
    ec2 -> Ec2 { instance_id, instance_size, ami_id, availability_zone }
    ecs -> Ecs {
        container, container_id, container_arn, task_arn, task_family, cluster_arn, availability_zone, launch_type
    }
    eks -> Eks { cluster_name, pod, container_id }
    log_group -> LogGroup { log_group, arn }
    service -> Service { version, runtime, runtime_version }
    sql -> Sql {
        connection_string, url, sanitized_query, database_type, database_version, driver_version, user, preparation
    }
}
