//! Bucket and key of a call of S3. Neither stands in a body; the bucket may be in the path or in the host's name.

use opentelemetry::KeyValue;

use super::text;

/// S3's name in the SDK.
pub(super) const SERVICE: &str = "S3";

/// Operations that are not about one bucket.
const WITHOUT_BUCKET: [&str; 3] = ["ListBuckets", "ListDirectoryBuckets", "WriteGetObjectResponse"];

/// `aws.s3.bucket` and `aws.s3.key`, as far as the call has them: `operation_path` is the path before the endpoint was put
/// in front, `uri` the whole address.
pub(super) fn attributes(operation: &str, operation_path: &str, uri: &str) -> Vec<KeyValue> {
    if WITHOUT_BUCKET.contains(&operation) {
        return Vec::new();
    }
    let mut attributes = Vec::with_capacity(2);
    if let Some(bucket) = bucket(operation_path, uri) {
        attributes.push(KeyValue::new("aws.s3.bucket", text::bounded(&text::percent_decoded(bucket))));
    }
    let key = operation_path.strip_prefix('/').unwrap_or(operation_path);
    if !key.is_empty() {
        attributes.push(KeyValue::new("aws.s3.key", text::bounded(&text::percent_decoded(key))));
    }
    attributes
}

fn bucket<'u>(operation_path: &str, uri: &'u str) -> Option<&'u str> {
    bucket_in_path(operation_path, text::path(uri)).or_else(|| bucket_in_host(text::authority(uri)?))
}

/// Path style: the endpoint has put the bucket in front of the operation's path.
fn bucket_in_path<'p>(operation_path: &str, path: &'p str) -> Option<&'p str> {
    let (operation_path, path) = (operation_path.trim_end_matches('/'), path.trim_end_matches('/'));
    let endpoint_path = path.strip_suffix(operation_path)?;
    endpoint_path.rsplit('/').next().filter(|bucket| !bucket.is_empty())
}

/// Virtual-hosted style: `bucket.s3.region.amazonaws.com`, or `bucket.` before some other endpoint.
fn bucket_in_host(authority: &str) -> Option<&str> {
    // Behind a bucket first: a bucket's own name may begin as a host of S3's does.
    let own = authority.match_indices('.').find(|(at, _)| is_of_s3(&authority[at + 1..]));
    if let Some((at, _)) = own {
        return Some(&authority[..at]);
    }
    if is_of_s3(authority) {
        return None;
    }
    let (host, _) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let is_address = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
    let (first, _) = host.split_once('.').filter(|_| !is_address)?;
    Some(first)
}

/// Whether a host's name begins as S3's own do.
fn is_of_s3(host: &str) -> bool {
    ["s3.", "s3-", "s3express-"].iter().any(|start| host.starts_with(start))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bucket_and_key_are_found_in_either_style() {
        const ANY: &str = "GetObject";
        for (operation, path, uri, expected) in [
            // Virtual-hosted.
            (ANY, "/k", "https://b.s3.eu-west-1.amazonaws.com/k?x-id=GetObject", (Some("b"), Some("k"))),
            (ANY, "/a/b%20c", "https://b.s3.amazonaws.com/a/b%20c", (Some("b"), Some("a/b c"))),
            (ANY, "/k", "https://b.s3-fips.us-west-2.amazonaws.com/k", (Some("b"), Some("k"))),
            (
                ANY,
                "/k",
                "https://ap-123.s3-accesspoint.eu-west-1.amazonaws.com/k",
                (Some("ap-123"), Some("k")),
            ),
            (
                ANY,
                "/k",
                "https://b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com/k",
                (Some("b--usw2-az1--x-s3"), Some("k")),
            ),
            (ANY, "/k", "http://b.minio.local:9000/k", (Some("b"), Some("k"))),
            // Buckets that are called as S3's hosts begin.
            (ANY, "/k", "https://s3-logs.s3.eu-west-1.amazonaws.com/k", (Some("s3-logs"), Some("k"))),
            (ANY, "/k", "https://s3-logs.s3.amazonaws.com/k", (Some("s3-logs"), Some("k"))),
            (ANY, "/k", "https://s3-fips.s3-fips.us-west-2.amazonaws.com/k", (Some("s3-fips"), Some("k"))),
            (
                ANY,
                "/k",
                "https://s3-ap-123.s3-accesspoint.eu-west-1.amazonaws.com/k",
                (Some("s3-ap-123"), Some("k")),
            ),
            (
                ANY,
                "/k",
                "https://s3-logs.s3.dualstack.eu-west-1.amazonaws.com/k",
                (Some("s3-logs"), Some("k")),
            ),
            ("ListObjectsV2", "/", "https://b.s3.eu-west-1.amazonaws.com/?list-type=2", (Some("b"), None)),
            // Path style.
            (ANY, "/k", "https://s3.eu-west-1.amazonaws.com/b/k", (Some("b"), Some("k"))),
            (ANY, "/a/b/", "http://127.0.0.1:5000/b/a/b/", (Some("b"), Some("a/b/"))),
            (ANY, "/k", "http://localhost:9000/base/b/k", (Some("b"), Some("k"))),
            ("CreateBucket", "/", "http://127.0.0.1:5000/b/", (Some("b"), None)),
            ("CreateBucket", "/", "http://127.0.0.1:5000/b", (Some("b"), None)),
            // Neither.
            ("ListBuckets", "/", "https://s3.eu-west-1.amazonaws.com/?x-id=ListBuckets", (None, None)),
            ("HeadBucket", "/", "https://s3.eu-west-1.amazonaws.com/", (None, None)),
            ("HeadBucket", "/", "https://s3-fips.us-west-2.amazonaws.com/", (None, None)),
            ("HeadBucket", "/", "https://s3.dualstack.eu-west-1.amazonaws.com/", (None, None)),
            ("HeadBucket", "/", "http://127.0.0.1:5000/", (None, None)),
            ("HeadBucket", "/", "http://[::1]:5000/", (None, None)),
        ] {
            let found = attributes(operation, path, uri);
            let named = |key: &str| {
                found
                    .iter()
                    .find(|found| found.key.as_str() == key)
                    .map(|found| found.value.as_str().into_owned())
            };
            let (bucket, key) = expected;
            assert_eq!(named("aws.s3.bucket").as_deref(), bucket, "{uri}");
            assert_eq!(named("aws.s3.key").as_deref(), key, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn no_address_panics(path: String, uri in "(https?://)?[a-z0-9.:\\[\\]/€?-]{0,40}") {
            attributes("GetObject", &path, &uri);
        }
    }
}
