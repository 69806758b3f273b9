//! Where the application runs: `ec2`, `ecs`, `eks`, `elastic_beanstalk` and its log groups under `aws` (docs/mapping.md). Done once per resource.

use std::borrow::Cow;

use xray_wire::segment::{Aws, Ec2, Ecs, Eks, ElasticBeanstalk, LogGroup};

use super::resource::{Texted, bounded};

/// The blocks that the resource speaks of; several may be right at once, as with ECS on EC2.
pub(super) fn place<'a>(attributes: &Texted<'a>, log_groups: &'a [String]) -> Aws<'a> {
    let platform = attributes.text("cloud.platform");
    let platform = platform.as_deref().unwrap_or_default();
    Aws {
        ec2: ec2(platform, attributes),
        ecs: (platform == "aws_ecs").then(|| ecs(attributes)),
        eks: eks(platform, attributes),
        elastic_beanstalk: elastic_beanstalk(platform, attributes),
        cloudwatch_logs: self::log_groups(attributes, log_groups),
        ..Aws::default()
    }
}

/// A machine's id alone makes no EC2 instance: machines elsewhere have ids too.
fn ec2<'a>(platform: &str, attributes: &Texted<'a>) -> Option<Ec2<'a>> {
    let on_aws = || attributes.text("cloud.provider").as_deref() == Some("aws");
    let is_instance = || attributes.text("host.id").is_some_and(|id| id.starts_with("i-") || on_aws());
    (platform == "aws_ec2" || is_instance()).then(|| Ec2 {
        instance_id: attributes.text("host.id"),
        instance_size: attributes.text("host.type"),
        ami_id: attributes.text("host.image.id"),
        availability_zone: attributes.text("cloud.availability_zone"),
    })
}

fn ecs<'a>(attributes: &Texted<'a>) -> Ecs<'a> {
    Ecs {
        container: attributes.text("container.name"),
        container_id: attributes.text("container.id"),
        container_arn: attributes.text("aws.ecs.container.arn"),
        task_arn: attributes.text("aws.ecs.task.arn"),
        task_family: attributes.text("aws.ecs.task.family"),
        cluster_arn: attributes.text("aws.ecs.cluster.arn"),
        availability_zone: attributes.text("cloud.availability_zone"),
        launch_type: attributes.text("aws.ecs.launchtype"),
    }
}

fn eks<'a>(platform: &str, attributes: &Texted<'a>) -> Option<Eks<'a>> {
    let cluster_name = attributes.text("k8s.cluster.name");
    (platform == "aws_eks" || cluster_name.is_some()).then(|| Eks {
        cluster_name,
        pod: attributes.text("k8s.pod.name"),
        container_id: attributes.text("container.id"),
    })
}

fn elastic_beanstalk<'a>(platform: &str, attributes: &Texted<'a>) -> Option<ElasticBeanstalk<'a>> {
    let instance = attributes.text("service.instance.id").filter(|_| platform == "aws_elastic_beanstalk")?;
    Some(ElasticBeanstalk {
        environment_name: attributes.text("service.namespace"),
        version_label: attributes.text("service.version"),
        deployment_id: Some(instance.parse::<u32>().unwrap_or_default().into()),
    })
}

/// More log groups than a service can sensibly write to would only crowd its segments.
const MAX_LOG_GROUPS: usize = 20;

/// Log groups by their ARNs, which have the names in them, else by name, else those that were configured.
fn log_groups<'a>(attributes: &Texted<'a>, configured: &'a [String]) -> Vec<LogGroup<'a>> {
    let arns = attributes.texts("aws.log.group.arns");
    if !arns.is_empty() {
        return arns.into_iter().take(MAX_LOG_GROUPS).map(by_arn).collect();
    }
    let names = attributes.texts("aws.log.group.names");
    if !names.is_empty() {
        return names.into_iter().take(MAX_LOG_GROUPS).map(by_name).collect();
    }
    let configured = configured.iter().filter(|group| !group.is_empty()).take(MAX_LOG_GROUPS);
    configured
        .map(|group| Cow::Borrowed(bounded(group)))
        .map(|group| if group.starts_with("arn:") { by_arn(group) } else { by_name(group) })
        .collect()
}

/// Splits off the log groups that a document without room does not name.
pub(super) fn split_off_log_groups<'a>(groups: &mut Vec<LogGroup<'a>>) -> Vec<LogGroup<'a>> {
    /// In bytes: less than a quarter of the smallest datagram, and more than the names and ARNs of ten usual groups.
    const ROOM: usize = 2_048;
    let bytes = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len());
    let mut used = 0;
    let kept = groups.iter().take_while(|group| {
        used += bytes(&group.log_group) + bytes(&group.arn);
        used <= ROOM
    });
    groups.split_off(kept.count())
}

fn by_name(name: Cow<'_, str>) -> LogGroup<'_> {
    LogGroup { log_group: Some(name), arn: None }
}

fn by_arn(arn: Cow<'_, str>) -> LogGroup<'_> {
    /// `arn:aws:logs:region:account:log-group:NAME[:*]`.
    const NAME: usize = 6;
    let name = arn.split(':').nth(NAME).unwrap_or(&arn).to_owned();
    LogGroup { log_group: Some(name.into()), arn: Some(arn) }
}
