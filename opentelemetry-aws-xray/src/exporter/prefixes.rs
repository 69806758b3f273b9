//! `annotation.` and `metadata.` before the names of attributes, as the crate `opentelemetry-aws` reads them.

use opentelemetry::Key;
use opentelemetry_sdk::trace::SpanData;

use crate::annotate::{ANNOTATION_PREFIX, METADATUM_PREFIX, metadatum_name};

/// Gives attributes with such names those that [`annotate`](crate::annotate) and
/// [`add_metadata`](crate::add_metadata) give.
pub(super) fn adopt(batch: &mut [SpanData]) {
    for attribute in batch.iter_mut().flat_map(|span| &mut span.attributes) {
        if let Some(name) = adopted(attribute.key.as_str()) {
            attribute.key = Key::from(name);
        }
    }
}

fn adopted(name: &str) -> Option<String> {
    let named = |prefix| name.strip_prefix(prefix).filter(|key: &&str| !key.is_empty());
    if let Some(key) = named("annotation.") {
        return Some(format!("{ANNOTATION_PREFIX}{key}"));
    }
    named("metadata.").map(|key| metadatum_name("", key))
}

/// The name that an attribute may have had before.
pub(crate) fn name_before_adoption(name: &str) -> Option<String> {
    if let Some(key) = name.strip_prefix(ANNOTATION_PREFIX) {
        return Some(format!("annotation.{key}"));
    }
    let key = name.strip_prefix(METADATUM_PREFIX)?.strip_prefix('.')?;
    Some(format!("metadata.{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("annotation.order.id", Some("aws.xray.annotation.order.id")),
            ("metadata.stock.left", Some("aws.xray.metadatum..stock.left")),
            ("annotation.", None),
            ("metadata.", None),
            ("annotations.order", None),
            ("order.metadata.x", None),
        ] {
            assert_eq!(adopted(name).as_deref(), expected, "{name}");
            let before = expected.and_then(name_before_adoption);
            assert_eq!(before.as_deref(), expected.map(|_| name), "{name}");
        }
    }
}
