//! What rules may ask of the process, from its resource.

use opentelemetry::{Key, Value};
use opentelemetry_sdk::Resource;
use xray_wire::sampling::{Process, ResourceArn};

/// What is known of this process.
#[derive(Debug, Default)]
pub(super) struct OwnProcess {
    service_name: Option<String>,
    service_type: Option<&'static str>,
    resource_arn: Option<String>,
    is_lambda: bool,
}

impl OwnProcess {
    pub(super) fn new(resource: &Resource) -> Self {
        let text = |key: &'static str| match resource.get_ref(&Key::from_static_str(key))? {
            Value::String(text) if !text.as_str().is_empty() => Some(text.as_str().to_owned()),
            _ => None,
        };
        let platform = text("cloud.platform");
        let is_lambda = platform.as_deref() == Some("aws_lambda");
        Self {
            service_name: text("service.name"),
            service_type: platform.as_deref().and_then(service_type),
            resource_arn: text(if is_lambda { "cloud.resource_id" } else { "aws.ecs.container.arn" }),
            is_lambda,
        }
    }

    pub(super) fn as_process(&self) -> Process<'_> {
        Process {
            service_name: self.service_name.as_deref(),
            service_type: self.service_type,
            resource_arn: match &self.resource_arn {
                Some(arn) => ResourceArn::Process(arn),
                // It comes with each invocation.
                None if self.is_lambda => ResourceArn::Request,
                None => ResourceArn::None,
            },
        }
    }
}

/// The service's type as rules call it (X-Ray developer guide, "Configuring sampling rules").
fn service_type(cloud_platform: &str) -> Option<&'static str> {
    Some(match cloud_platform {
        "aws_ec2" => "AWS::EC2::Instance",
        "aws_ecs" => "AWS::ECS::Container",
        "aws_eks" => "AWS::EKS::Container",
        "aws_elastic_beanstalk" => "AWS::ElasticBeanstalk::Environment",
        "aws_lambda" => "AWS::Lambda::Function",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;

    use super::*;

    #[test]
    fn what_the_resource_says() {
        let arn = "arn:aws:ecs:eu-west-1:1:container/1";
        for (attributes, service_type, resource_arn) in [
            (vec![], None, ResourceArn::None),
            (vec![("cloud.platform", "gcp_gke"), ("cloud.resource_id", arn)], None, ResourceArn::None),
            (
                vec![("cloud.platform", "aws_ecs"), ("aws.ecs.container.arn", arn)],
                Some("AWS::ECS::Container"),
                ResourceArn::Process(arn),
            ),
            (vec![("cloud.platform", "aws_lambda")], Some("AWS::Lambda::Function"), ResourceArn::Request),
            (
                vec![("cloud.platform", "aws_lambda"), ("cloud.resource_id", arn)],
                Some("AWS::Lambda::Function"),
                ResourceArn::Process(arn),
            ),
        ] {
            let attributes = attributes.into_iter().map(|(key, value)| KeyValue::new(key, value));
            let resource =
                Resource::builder_empty().with_service_name("shop").with_attributes(attributes).build();
            let process = OwnProcess::new(&resource);
            let expected = Process { service_name: Some("shop"), service_type, resource_arn };
            assert_eq!(process.as_process(), expected);
        }
    }
}
