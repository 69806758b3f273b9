//! The blocks of a document, one function for each.

use alloc::{borrow::Cow, vec::Vec};

use super::{
    AwsFields, EncodedFrames, HttpFields, ResourceBlocks, SqlFields,
    json::{self, Object},
};
use crate::segment::{
    Annotation, AnnotationValue, Aws, Ec2, Ecs, Eks, ElasticBeanstalk, Exception, Frame, Link, LogGroup,
    Service, XraySdk,
};

#[inline]
pub(super) fn http(http: &HttpFields<'_>, out: &mut Vec<u8>) {
    let HttpFields { method, url, user_agent, client_ip, x_forwarded_for, traced, status, content_length } =
        http;
    let mut block = Object::open(out);
    let has_request = method.is_some() || url.is_some() || user_agent.is_some() || client_ip.is_some();
    if has_request || *x_forwarded_for || *traced {
        let mut request = Object::open(block.field(br#","request":"#));
        request.text(br#","method":""#, *method);
        request.text(br#","url":""#, *url);
        request.text(br#","user_agent":""#, *user_agent);
        request.text(br#","client_ip":""#, *client_ip);
        request.flag(br#","x_forwarded_for":true"#, *x_forwarded_for);
        request.flag(br#","traced":true"#, *traced);
        request.close();
    }
    if status.is_some() || content_length.is_some() {
        let mut response = Object::open(block.field(br#","response":"#));
        if let Some(status) = status {
            json::integer(*status, response.field(br#","status":"#));
        }
        if let Some(length) = content_length {
            json::integer(*length, response.field(br#","content_length":"#));
        }
        response.close();
    }
    block.close();
}

#[inline]
pub(super) fn sql(sql: &SqlFields<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text(br#","connection_string":""#, sql.connection_string);
    block.text(br#","url":""#, sql.url);
    block.text(br#","sanitized_query":""#, sql.sanitized_query);
    block.text(br#","database_type":""#, sql.database_type);
    block.text(br#","database_version":""#, sql.database_version);
    block.text(br#","driver_version":""#, sql.driver_version);
    block.text(br#","user":""#, sql.user);
    block.text(br#","preparation":""#, sql.preparation);
    block.close();
}

pub(super) fn service(service: &Service<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text(br#","version":""#, service.version.as_deref());
    block.text(br#","runtime":""#, service.runtime.as_deref());
    block.text(br#","runtime_version":""#, service.runtime_version.as_deref());
    block.close();
}

/// each with its frames if these are encoded already.
pub(super) fn cause<'e>(
    working_directory: Option<&str>,
    paths: &[Cow<'_, str>],
    exceptions: impl Iterator<Item = (&'e Exception<'e>, Option<&'e EncodedFrames>)>,
    out: &mut Vec<u8>,
) {
    let mut block = Object::open(out);
    block.text(br#","working_directory":""#, working_directory);
    if !paths.is_empty() {
        json::list(paths, block.field(br#","paths":"#), |path, out| json::string(path, out));
    }
    let mut exceptions = exceptions.peekable();
    if exceptions.peek().is_some() {
        json::list(exceptions, block.field(br#","exceptions":"#), |(exception, frames), out| {
            self::exception(exception, frames, out);
        });
    }
    block.close();
}

fn exception(exception: &Exception<'_>, frames: Option<&EncodedFrames>, out: &mut Vec<u8>) {
    let Exception { id, kind, message, remote, truncated, skipped, cause, stack } = exception;
    let mut block = Object::open(out);
    if let Some(id) = id {
        json::segment_id(*id, block.field(br#","id":"#));
    }
    json::string(kind, block.field(br#","type":"#));
    json::string(message, block.field(br#","message":"#));
    block.flag(br#","remote":true"#, *remote);
    if *truncated > 0 {
        json::integer(*truncated, block.field(br#","truncated":"#));
    }
    if *skipped > 0 {
        json::integer(*skipped, block.field(br#","skipped":"#));
    }
    if let Some(cause) = cause {
        json::segment_id(*cause, block.field(br#","cause":"#));
    }
    if let Some(frames) = frames.filter(|frames| !frames.is_empty()) {
        frames.write(block.field(br#","stack":"#));
    } else if !stack.is_empty() {
        json::list(stack, block.field(br#","stack":"#), frame);
    }
    block.close();
}

pub(super) fn frame(frame: &Frame<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text(br#","path":""#, frame.path.as_deref());
    if let Some(line) = frame.line {
        json::integer(line, block.field(br#","line":"#));
    }
    block.text(br#","label":""#, frame.label.as_deref());
    block.close();
}

pub(super) fn link(link: &Link<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    json::trace_id(link.trace_id, block.field(br#","trace_id":"#));
    json::segment_id(link.id, block.field(br#","id":"#));
    if !link.attributes.is_empty() {
        let mut attributes = Object::open(block.field(br#","attributes":"#));
        for (key, value) in &link.attributes {
            json::value(value, attributes.field_named(key));
        }
        attributes.close();
    }
    block.close();
}

pub(super) fn annotations(annotations: &[Annotation<'_>], out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    for Annotation { key, value } in annotations {
        let out = block.field_named(key);
        match value {
            AnnotationValue::Str(text) => json::string(text, out),
            AnnotationValue::I64(value) => json::integer(*value, out),
            AnnotationValue::F64(value) => json::float(*value, out),
            AnnotationValue::Bool(value) => json::boolean(*value, out),
        }
    }
    block.close();
}

/// Of what a segment says itself, `own`, a resource's place and SDK stand in for its own.
pub(super) fn aws(
    call: &AwsFields<'_>,
    own: Option<&Aws<'_>>,
    resource: Option<&ResourceBlocks>,
    out: &mut Vec<u8>,
) {
    let mut block = Object::open(out);
    aws_call(call, &mut block);
    for (key, value) in own.iter().flat_map(|own| &own.other) {
        json::value(value, block.field_named(key));
    }
    let place = resource.filter(|blocks| blocks.has_aws);
    match (place, own) {
        (Some(blocks), _) => block.encoded(&blocks.aws_place),
        (None, Some(own)) => aws_place(own, &mut block),
        (None, None) => {}
    }
    let sdk = own.and_then(|own| own.xray.as_ref());
    let encoded_sdk = place.map_or(&[][..], |blocks| &blocks.aws_xray);
    if sdk.is_some() || call.sampling_rule_name.is_some() || !encoded_sdk.is_empty() {
        let mut xray = Object::open(block.field(br#","xray":"#));
        match (place, sdk) {
            (None, Some(sdk)) => xray_sdk(sdk, &mut xray),
            _ => xray.encoded(encoded_sdk),
        }
        xray.text(br#","sampling_rule_name":""#, call.sampling_rule_name);
        xray.close();
    }
    block.close();
}

/// The fields of `aws` that speak of a call.
fn aws_call(aws: &AwsFields<'_>, block: &mut Object<'_>) {
    block.text(br#","account_id":""#, aws.account_id);
    block.text(br#","operation":""#, aws.operation);
    block.text(br#","region":""#, aws.region);
    block.text(br#","request_id":""#, aws.request_id);
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
}

/// The fields of `aws` that speak of the place where the application runs.
pub(super) fn aws_place(aws: &Aws<'_>, block: &mut Object<'_>) {
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
