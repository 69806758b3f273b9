//! What handlers hand over by `annotate` and `add_metadata`, told by the names of attributes.

use std::borrow::Cow;

use crate::annotate::{ANNOTATION_PREFIX, ESCAPED_DOT, ESCAPED_PERCENT, METADATUM_PREFIX};

/// The key of an annotation, if the attribute is one.
pub(super) fn annotation_key(name: &str) -> Option<&str> {
    name.strip_prefix(ANNOTATION_PREFIX)
}

/// The namespace and the key of metadata, if the attribute is that. An empty namespace is the default one. `None` too for
/// a namespace that is X-Ray's own.
pub(super) fn metadata_place<'a>(name: &'a str, default: &'a str) -> Option<(Cow<'a, str>, &'a str)> {
    let (namespace, key) = name.strip_prefix(METADATUM_PREFIX)?.split_once('.')?;
    let namespace = if namespace.is_empty() { Cow::Borrowed(default) } else { unescaped(namespace) };
    (!is_reserved(&namespace)).then_some((namespace, key))
}

/// Whether a namespace is X-Ray's own.
pub(super) fn is_reserved(namespace: &str) -> bool {
    namespace.starts_with(RESERVED)
}

/// How X-Ray's own namespaces begin (X-Ray developer guide, "Segment documents").
const RESERVED: &str = "AWS.";

fn unescaped(namespace: &str) -> Cow<'_, str> {
    if !namespace.contains('%') {
        return Cow::Borrowed(namespace);
    }
    Cow::Owned(namespace.replace(ESCAPED_DOT, ".").replace(ESCAPED_PERCENT, "%"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::annotate::metadatum_name;

    #[test]
    fn places_of_metadata() {
        for (name, place) in [
            ("aws.xray.metadatum.stock.reserved", Some(("stock", "reserved"))),
            ("aws.xray.metadatum.stock.a.b", Some(("stock", "a.b"))),
            ("aws.xray.metadatum.my%2Eapp.key", Some(("my.app", "key"))),
            ("aws.xray.metadatum.%252E.%2E", Some(("%2E", "%2E"))),
            ("aws.xray.metadatum..key", Some(("default", "key"))),
            ("aws.xray.metadatum.stock.", Some(("stock", ""))),
            // Not ours, or not whole.
            ("aws.xray.metadatum.AWS%2Ethings.key", None),
            ("aws.xray.metadatum.stock", None),
            ("aws.xray.metadata.stock.reserved", None),
            ("stock.reserved", None),
        ] {
            let found = metadata_place(name, "default");
            assert_eq!(found.as_ref().map(|(namespace, key)| (namespace.as_ref(), *key)), place, "{name}");
        }
    }

    #[test]
    fn keys_of_annotations() {
        for (name, key) in [
            ("aws.xray.annotation.order.id", Some("order.id")),
            ("aws.xray.annotation.", Some("")),
            ("aws.xray.annotations", None),
            ("order.id", None),
        ] {
            assert_eq!(annotation_key(name), key, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_a_handler_names_is_found_again(namespace in "[a-z.%25E]{1,12}", key in "[a-z.%]{0,12}") {
            let name = metadatum_name(&namespace, &key);
            prop_assert_eq!(metadata_place(&name, "default"), Some((Cow::Owned(namespace), key.as_str())));
        }
    }
}
