//! The blocks of a document, one function for each.

use alloc::vec::Vec;

use super::json::{self, Object};
use crate::segment::{
    Annotation, AnnotationValue, Aws, Cause, Ec2, Ecs, Eks, ElasticBeanstalk, Exception, Exceptions, Frame,
    Http, Link, LogGroup, Service, Sql, XraySdk,
};

pub(super) fn http(http: &Http<'_>, out: &mut Vec<u8>) {
    let Http { method, url, user_agent, client_ip, x_forwarded_for, traced, status, content_length } = http;
    let mut block = Object::open(out);
    let has_request = method.is_some() || url.is_some() || user_agent.is_some() || client_ip.is_some();
    if has_request || *x_forwarded_for || *traced {
        let mut request = Object::open(block.field("\"request\":"));
        request.text("\"method\":", method.as_deref());
        request.text("\"url\":", url.as_deref());
        request.text("\"user_agent\":", user_agent.as_deref());
        request.text("\"client_ip\":", client_ip.as_deref());
        request.flag("\"x_forwarded_for\":", *x_forwarded_for);
        request.flag("\"traced\":", *traced);
        request.close();
    }
    if status.is_some() || content_length.is_some() {
        let mut response = Object::open(block.field("\"response\":"));
        if let Some(status) = status {
            json::integer(*status, response.field("\"status\":"));
        }
        if let Some(length) = content_length {
            json::integer(*length, response.field("\"content_length\":"));
        }
        response.close();
    }
    block.close();
}

pub(super) fn sql(sql: &Sql<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text("\"connection_string\":", sql.connection_string.as_deref());
    block.text("\"url\":", sql.url.as_deref());
    block.text("\"sanitized_query\":", sql.sanitized_query.as_deref());
    block.text("\"database_type\":", sql.database_type.as_deref());
    block.text("\"database_version\":", sql.database_version.as_deref());
    block.text("\"driver_version\":", sql.driver_version.as_deref());
    block.text("\"user\":", sql.user.as_deref());
    block.text("\"preparation\":", sql.preparation.as_deref());
    block.close();
}

pub(super) fn service(service: &Service<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text("\"version\":", service.version.as_deref());
    block.text("\"runtime\":", service.runtime.as_deref());
    block.text("\"runtime_version\":", service.runtime_version.as_deref());
    block.close();
}

pub(super) fn cause(cause: &Cause<'_>, out: &mut Vec<u8>) {
    match cause {
        Cause::Reference(id) => json::segment_id(*id, out),
        Cause::Exceptions(Exceptions { working_directory, paths, exceptions }) => {
            let mut block = Object::open(out);
            block.text("\"working_directory\":", working_directory.as_deref());
            if !paths.is_empty() {
                json::list(paths, block.field("\"paths\":"), |path, out| json::string(path, out));
            }
            if !exceptions.is_empty() {
                json::list(exceptions, block.field("\"exceptions\":"), exception);
            }
            block.close();
        }
    }
}

fn exception(exception: &Exception<'_>, out: &mut Vec<u8>) {
    let Exception { id, kind, message, remote, truncated, skipped, cause, stack } = exception;
    let mut block = Object::open(out);
    if let Some(id) = id {
        json::segment_id(*id, block.field("\"id\":"));
    }
    json::string(kind, block.field("\"type\":"));
    json::string(message, block.field("\"message\":"));
    block.flag("\"remote\":", *remote);
    if *truncated > 0 {
        json::integer(*truncated, block.field("\"truncated\":"));
    }
    if *skipped > 0 {
        json::integer(*skipped, block.field("\"skipped\":"));
    }
    if let Some(cause) = cause {
        json::segment_id(*cause, block.field("\"cause\":"));
    }
    if !stack.is_empty() {
        json::list(stack, block.field("\"stack\":"), frame);
    }
    block.close();
}

fn frame(frame: &Frame<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text("\"path\":", frame.path.as_deref());
    if let Some(line) = frame.line {
        json::integer(line, block.field("\"line\":"));
    }
    block.text("\"label\":", frame.label.as_deref());
    block.close();
}

pub(super) fn link(link: &Link<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    json::trace_id(link.trace_id, block.field("\"trace_id\":"));
    json::segment_id(link.id, block.field("\"id\":"));
    if !link.attributes.is_empty() {
        let mut attributes = Object::open(block.field("\"attributes\":"));
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

/// The fields of `aws` that speak of a call.
pub(super) fn aws_call(aws: &Aws<'_>, block: &mut Object<'_>) {
    block.text("\"account_id\":", aws.account_id.as_deref());
    block.text("\"operation\":", aws.operation.as_deref());
    block.text("\"region\":", aws.region.as_deref());
    block.text("\"request_id\":", aws.request_id.as_deref());
    block.text("\"queue_url\":", aws.queue_url.as_deref());
    block.text("\"table_name\":", aws.table_name.as_deref());
    if !aws.table_names.is_empty() {
        json::list(&aws.table_names, block.field("\"table_names\":"), |name, out| json::string(name, out));
    }
    if let Some(retries) = aws.retries {
        json::integer(retries, block.field("\"retries\":"));
    }
    for (key, value) in &aws.other {
        json::value(value, block.field_named(key));
    }
}

/// The fields of `aws` that speak of the place where the application runs.
pub(super) fn aws_place(aws: &Aws<'_>, block: &mut Object<'_>) {
    if let Some(Ec2 { instance_id, instance_size, ami_id, availability_zone }) = &aws.ec2 {
        let mut ec2 = Object::open(block.field("\"ec2\":"));
        ec2.text("\"instance_id\":", instance_id.as_deref());
        ec2.text("\"instance_size\":", instance_size.as_deref());
        ec2.text("\"ami_id\":", ami_id.as_deref());
        ec2.text("\"availability_zone\":", availability_zone.as_deref());
        ec2.close();
    }
    if let Some(ecs) = &aws.ecs {
        self::ecs(ecs, block.field("\"ecs\":"));
    }
    if let Some(Eks { cluster_name, pod, container_id }) = &aws.eks {
        let mut eks = Object::open(block.field("\"eks\":"));
        eks.text("\"cluster_name\":", cluster_name.as_deref());
        eks.text("\"pod\":", pod.as_deref());
        eks.text("\"container_id\":", container_id.as_deref());
        eks.close();
    }
    if let Some(ElasticBeanstalk { environment_name, version_label, deployment_id }) = &aws.elastic_beanstalk
    {
        let mut beanstalk = Object::open(block.field("\"elastic_beanstalk\":"));
        beanstalk.text("\"environment_name\":", environment_name.as_deref());
        beanstalk.text("\"version_label\":", version_label.as_deref());
        if let Some(deployment) = deployment_id {
            json::integer(*deployment, beanstalk.field("\"deployment_id\":"));
        }
        beanstalk.close();
    }
    if !aws.cloudwatch_logs.is_empty() {
        json::list(
            &aws.cloudwatch_logs,
            block.field("\"cloudwatch_logs\":"),
            |LogGroup { log_group, arn }, out| {
                let mut group = Object::open(out);
                group.text("\"log_group\":", log_group.as_deref());
                group.text("\"arn\":", arn.as_deref());
                group.close();
            },
        );
    }
}

fn ecs(ecs: &Ecs<'_>, out: &mut Vec<u8>) {
    let mut block = Object::open(out);
    block.text("\"container\":", ecs.container.as_deref());
    block.text("\"container_id\":", ecs.container_id.as_deref());
    block.text("\"container_arn\":", ecs.container_arn.as_deref());
    block.text("\"task_arn\":", ecs.task_arn.as_deref());
    block.text("\"task_family\":", ecs.task_family.as_deref());
    block.text("\"cluster_arn\":", ecs.cluster_arn.as_deref());
    block.text("\"availability_zone\":", ecs.availability_zone.as_deref());
    block.text("\"launch_type\":", ecs.launch_type.as_deref());
    block.close();
}

/// The fields of `aws.xray`, but for the sampling rule, which is a matter of the request.
pub(super) fn xray_sdk(sdk: &XraySdk<'_>, block: &mut Object<'_>) {
    block.text("\"sdk\":", sdk.sdk.as_deref());
    block.text("\"sdk_version\":", sdk.sdk_version.as_deref());
    if let Some(auto) = sdk.auto_instrumentation {
        json::boolean(auto, block.field("\"auto_instrumentation\":"));
    }
}
