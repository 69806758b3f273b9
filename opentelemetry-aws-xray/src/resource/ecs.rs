//! What ECS tells a container about itself and its task (ECS developer guide, "Task metadata endpoint version 4").

use opentelemetry::KeyValue;

use super::{
    attribute,
    json::{object, text},
    list,
};

/// The container, from the endpoint itself.
pub(super) fn container(document: &[u8]) -> Option<Vec<KeyValue>> {
    let document = object(document)?;
    let arn = text(&document, "ContainerARN");
    let mut found = Vec::new();
    found.extend(attribute("aws.ecs.container.arn", arn.as_ref()));
    found.extend(attribute("cloud.resource_id", arn.as_ref()));
    found.extend(attribute("container.id", text(&document, "DockerId")));
    found.extend(attribute("container.name", text(&document, "Name")));
    let image = text(&document, "Image");
    let (name, tag) = image.as_deref().map_or((None, None), image_parts);
    found.extend(attribute("container.image.name", name));
    found.extend(tag.map(|tag| list("container.image.tags", tag)));
    found.extend(log_group(&document, arn.as_deref()));
    Some(found)
}

/// The task, from `/task`.
pub(super) fn task(document: &[u8]) -> Option<Vec<KeyValue>> {
    let document = object(document)?;
    let arn = text(&document, "TaskARN");
    let place = arn.as_deref().and_then(Place::of);
    let cluster = text(&document, "Cluster").and_then(|cluster| cluster_arn(cluster, place.as_ref()));
    let mut found = Vec::new();
    found.extend(attribute("aws.ecs.task.arn", arn.as_ref()));
    found.extend(attribute("aws.ecs.task.family", text(&document, "Family")));
    found.extend(attribute("aws.ecs.task.revision", text(&document, "Revision")));
    found.extend(attribute("aws.ecs.cluster.arn", cluster));
    // Capacity providers leave the launch type out.
    let launch_type = text(&document, "LaunchType").map(|launch_type| launch_type.to_ascii_lowercase());
    found.extend(attribute("aws.ecs.launchtype", launch_type));
    found.extend(attribute("cloud.availability_zone", text(&document, "AvailabilityZone")));
    found.extend(attribute("cloud.region", place.as_ref().map(|place| place.region)));
    found.extend(attribute("cloud.account.id", place.as_ref().map(|place| place.account)));
    Some(found)
}

/// The log group of the driver `awslogs`, by its ARN where account and region are known.
fn log_group(container: &serde_json::Value, container_arn: Option<&str>) -> Option<KeyValue> {
    if text(container, "LogDriver").as_deref() != Some("awslogs") {
        return None;
    }
    let options = container.get("LogOptions")?;
    let group = text(options, "awslogs-group").filter(|group| !group.is_empty())?;
    let Some(place) = container_arn.and_then(Place::of) else {
        return Some(list("aws.log.group.names", &group));
    };
    let region = text(options, "awslogs-region").unwrap_or_else(|| place.region.to_owned());
    let arn = format!("arn:{}:logs:{region}:{}:log-group:{group}", place.partition, place.account);
    Some(list("aws.log.group.arns", &arn))
}

/// Older agents tell the cluster's name alone.
fn cluster_arn(cluster: String, place: Option<&Place<'_>>) -> Option<String> {
    if cluster.starts_with("arn:") {
        return Some(cluster);
    }
    let Place { partition, region, account } = place.filter(|_| !cluster.is_empty())?;
    Some(format!("arn:{partition}:ecs:{region}:{account}:cluster/{cluster}"))
}

/// `repository:tag`, `repository@digest` or both. The port of a registry is no tag.
fn image_parts(image: &str) -> (Option<&str>, Option<&str>) {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.is_empty() && !tag.contains('/') => (Some(name), Some(tag)),
        _ => (Some(image), None),
    }
}

/// What an ARN says of where it belongs: `arn:partition:service:region:account:…`.
struct Place<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
}

impl<'a> Place<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let parts: Vec<_> = arn.splitn(6, ':').collect();
        let ["arn", partition, _, region, account, _] = parts[..] else { return None };
        let is_complete = ![partition, region, account].iter().any(|part| part.is_empty());
        is_complete.then_some(Self { partition, region, account })
    }
}
