//! What a subsegment called: the name and type of the node that X-Ray infers when the callee says nothing.

use xray_wire::{
    Segment,
    segment::{Aws, Namespace},
};

/// The far side of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Callee {
    /// The resource if the call names one (a table, a queue, a bucket, a topic, a function), else the name of
    /// the subsegment.
    pub name: String,
    /// `AWS::DynamoDB::Table` and its like, `AWS::<service>` for an AWS call without a named resource,
    /// `Database::SQL` for a query, else `remote`.
    pub kind: String,
}

impl Callee {
    /// The callee of a subsegment that has the namespace `aws` or `remote`.
    pub(crate) fn of(subsegment: &Segment<'_>) -> Self {
        let name = subsegment.name.as_ref();
        if subsegment.sql.is_some() {
            return Self { name: name.to_owned(), kind: "Database::SQL".to_owned() };
        }
        if subsegment.namespace != Some(Namespace::Aws) {
            return Self { name: name.to_owned(), kind: "remote".to_owned() };
        }
        match subsegment.aws.as_ref().and_then(resource) {
            Some((resource, kind)) => Self { name: resource.to_owned(), kind: kind.to_owned() },
            None => Self { name: name.to_owned(), kind: format!("AWS::{name}") },
        }
    }
}

/// The resource that an AWS call names, and its type.
fn resource<'a>(aws: &'a Aws<'_>) -> Option<(&'a str, &'static str)> {
    if let Some(table) = aws.table_name.as_deref().or(aws.table_names.first().map(AsRef::as_ref)) {
        return Some((table, "AWS::DynamoDB::Table"));
    }
    if let Some(queue) = aws.queue_url.as_deref() {
        return Some((last_part(queue, '/'), "AWS::SQS::Queue"));
    }
    let other = |wanted: &str| {
        aws.other.iter().find(|(key, _)| key == wanted).and_then(|(_, value)| match value {
            xray_wire::segment::Value::Str(text) => Some(text.as_ref()),
            _ => None,
        })
    };
    other("bucket_name")
        .map(|bucket| (bucket, "AWS::S3::Bucket"))
        .or_else(|| other("topic_arn").map(|arn| (last_part(arn, ':'), "AWS::SNS::Topic")))
        .or_else(|| other("function_name").map(|function| (function, "AWS::Lambda::Function")))
}

fn last_part(text: &str, separator: char) -> &str {
    text.rsplit(separator).find(|part| !part.is_empty()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use xray_wire::{
        SegmentId, Timestamp,
        segment::{Kind, Sql, Value},
    };

    use super::*;

    fn subsegment(namespace: Namespace<'static>, aws: Option<Aws<'static>>) -> Segment<'static> {
        let id = SegmentId::from_bytes([1; 8]).unwrap();
        let mut segment = Segment::new(Kind::Subsegment, "DynamoDB", id, Timestamp::EPOCH);
        segment.namespace = Some(namespace);
        segment.aws = aws;
        segment
    }

    #[test]
    fn names_the_resource_that_was_called() {
        let table = Aws { table_name: Some("orders".into()), ..Aws::default() };
        let queue =
            Aws { queue_url: Some("https://sqs.eu-west-1.amazonaws.com/1/jobs".into()), ..Aws::default() };
        let topic = Aws {
            other: vec![("topic_arn".into(), Value::Str("arn:aws:sns:eu-west-1:1:news".into()))],
            ..Aws::default()
        };
        for (segment, name, kind) in [
            (subsegment(Namespace::Aws, Some(table)), "orders", "AWS::DynamoDB::Table"),
            (subsegment(Namespace::Aws, Some(queue)), "jobs", "AWS::SQS::Queue"),
            (subsegment(Namespace::Aws, Some(topic)), "news", "AWS::SNS::Topic"),
            (subsegment(Namespace::Aws, None), "DynamoDB", "AWS::DynamoDB"),
            (subsegment(Namespace::Remote, None), "DynamoDB", "remote"),
            (
                Segment { sql: Some(Sql::default()), ..subsegment(Namespace::Remote, None) },
                "DynamoDB",
                "Database::SQL",
            ),
        ] {
            let callee = Callee::of(&segment);
            assert_eq!((callee.name.as_str(), callee.kind.as_str()), (name, kind));
        }
    }
}
