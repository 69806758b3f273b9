//! Elastic Beanstalk, which leaves a file for X-Ray on its instances.

use opentelemetry::KeyValue;

use super::{
    attribute,
    json::{object, text},
    platform,
};

/// Where the file is (X-Ray developer guide, "Elastic Beanstalk plugin").
pub(super) const FILE: &str = "var/elasticbeanstalk/xray/environment.conf";

/// What the file says. The names of attributes are those that the exporter's block `elastic_beanstalk` is made from.
pub(super) fn attributes(file: &[u8]) -> Option<Vec<KeyValue>> {
    let document = object(file)?;
    let mut found = platform("aws_elastic_beanstalk").to_vec();
    found.extend(attribute("service.namespace", text(&document, "environment_name")));
    found.extend(attribute("service.instance.id", text(&document, "deployment_id")));
    found.extend(attribute("service.version", text(&document, "version_label")));
    Some(found)
}
