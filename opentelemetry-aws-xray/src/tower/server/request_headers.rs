//! The headers that tell something of a request, found in one pass: to look up each by its name costs more.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, CONTENT_TYPE, FORWARDED, HOST, USER_AGENT},
};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The first value of each, as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestHeaders<'a> {
    pub(super) all: &'a HeaderMap,
    pub(super) content_length: Option<&'a HeaderValue>,
    pub(super) content_type: Option<&'a HeaderValue>,
    pub(super) forwarded: Option<&'a HeaderValue>,
    pub(super) host: Option<&'a HeaderValue>,
    pub(super) user_agent: Option<&'a HeaderValue>,
    pub(super) x_forwarded_for: Option<&'a HeaderValue>,
    pub(super) x_forwarded_proto: Option<&'a HeaderValue>,
}

impl<'a> RequestHeaders<'a> {
    pub(super) fn of(all: &'a HeaderMap) -> Self {
        let mut found = Self {
            all,
            content_length: None,
            content_type: None,
            forwarded: None,
            host: None,
            user_agent: None,
            x_forwarded_for: None,
            x_forwarded_proto: None,
        };
        for (name, value) in all {
            let place = match name {
                // Numbers, to the `http` crate.
                _ if *name == HOST => &mut found.host,
                _ if *name == USER_AGENT => &mut found.user_agent,
                _ if *name == CONTENT_LENGTH => &mut found.content_length,
                _ if *name == CONTENT_TYPE => &mut found.content_type,
                _ if *name == FORWARDED => &mut found.forwarded,
                _ if *name == X_FORWARDED_FOR => &mut found.x_forwarded_for,
                _ if *name == X_FORWARDED_PROTO => &mut found.x_forwarded_proto,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_look_up_finds(
            lines in prop::collection::vec(
                ("content-(length|type)|(x-)?forwarded|x-forwarded-(for|proto|port)|host|user-agent|[a-z]{1,9}", "[ -~]{0,9}"),
                0..12,
            ),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in &lines {
                headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
            }
            let found = RequestHeaders::of(&headers);
            for (found, name) in [
                (found.content_length, CONTENT_LENGTH),
                (found.content_type, CONTENT_TYPE),
                (found.forwarded, FORWARDED),
                (found.host, HOST),
                (found.user_agent, USER_AGENT),
                (found.x_forwarded_for, X_FORWARDED_FOR.clone()),
                (found.x_forwarded_proto, X_FORWARDED_PROTO.clone()),
            ] {
                prop_assert_eq!(found, headers.get(name));
            }
        }
    }
}
