//! What a subsegment called: the name and type of the node that X-Ray infers when the callee says nothing.

use xray_wire::{
    Segment,
    segment::{Aws, Namespace},
};

/// The far side of a call.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let xray = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// # let segment = r#"{"format":"json","version":1}
/// # {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1,"end_time":2,
/// #  "subsegments":[{"name":"DynamoDB","id":"53995c3f42cd8ad9","start_time":1,"end_time":2,
/// #  "namespace":"aws","aws":{"operation":"PutItem","table_name":"orders"}}]}"#;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
/// # let received = xray.wait_until(|received| !received.traces.is_empty()).await;
/// // A call of DynamoDB, with the table that it names:
/// let callee = received.traces[0].documents[0].nodes[1].callee.as_ref();
/// let callee = callee.map(|callee| (callee.kind.as_str(), callee.name.as_str()));
/// assert_eq!(callee, Some(("AWS::DynamoDB::Table", "orders")));
/// # Ok(())
/// # }
/// ```
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
