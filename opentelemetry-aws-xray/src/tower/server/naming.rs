//! Names of segments that don't follow from the service's name.

use std::sync::Arc;

use opentelemetry::{StringValue, Value};
use xray_wire::sampling::Pattern;

use crate::config::{self, Environment};

/// What the segments of a server are called: the nodes of X-Ray's map. For
/// [`XrayLayer::with_naming`](super::XrayLayer::with_naming).
///
/// As in the X-Ray SDKs, a name that `AWS_XRAY_TRACING_NAME` holds wins over both.
///
/// ```
/// use opentelemetry_aws_xray::tower::{SegmentNaming, XrayLayer};
/// # use http::{Request, Response};
/// # use opentelemetry_aws_xray::{XrayExporter, sink::MemorySink};
/// # use tower::{Layer, ServiceExt, service_fn};
/// # let sink = MemorySink::default();
/// # let exporter = XrayExporter::builder().with_sink(sink.clone()).build();
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().with_simple_exporter(exporter).build();
/// # let shops = service_fn(|_: Request<String>| async { Ok::<_, std::io::Error>(Response::new(String::new())) });
///
/// // One process for many shops, each of which is a node of its own on the map.
/// let layer = XrayLayer::new().with_naming(SegmentNaming::dynamic("*.example.com", "unknown shop"));
/// # let service = layer.with_tracer_provider(&provider).layer(shops);
/// # let request = Request::get("/").header("host", "flowers.example.com").body(String::new()).unwrap();
/// # tokio::runtime::Runtime::new().unwrap().block_on(service.oneshot(request)).unwrap();
/// // … after a request with `Host: flowers.example.com`:
/// assert!(sink.take()[0].contains(r#""name":"flowers.example.com""#));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentNaming(Naming);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Naming {
    Fixed(Arc<str>),
    Dynamic { hosts: Pattern, fallback: Arc<str> },
}

impl SegmentNaming {
    /// One name for all.
    ///
    /// ```
    /// use opentelemetry_aws_xray::tower::{SegmentNaming, XrayLayer};
    ///
    /// let layer = XrayLayer::new().with_naming(SegmentNaming::fixed("checkout"));
    /// ```
    #[must_use]
    pub fn fixed(name: impl Into<Arc<str>>) -> Self {
        Self(Naming::Fixed(name.into()))
    }

    /// The host that a request was sent to, without its port, if it matches `hosts`, else `fallback`. In `hosts`, `*` stands for
    /// any text and `?` for one character; letters match in either case. Any caller can write what host he likes: a pattern
    /// of stars alone gives him as many nodes on the map as he likes.
    ///
    /// ```
    /// use opentelemetry_aws_xray::tower::{SegmentNaming, XrayLayer};
    ///
    /// let layer = XrayLayer::new().with_naming(SegmentNaming::dynamic("*.example.com", "unknown-host"));
    /// ```
    #[must_use]
    pub fn dynamic(hosts: &str, fallback: impl Into<Arc<str>>) -> Self {
        Self(Naming::Dynamic { hosts: Pattern::new(hosts), fallback: fallback.into() })
    }

    /// The naming that counts where the environment has a say.
    pub(super) fn unless_named_by(self, environment: &Environment) -> Self {
        config::service_name(None, environment).map_or(self, Self::fixed)
    }

    /// The name of the segment of a request to `host`.
    pub(super) fn name(&self, host: Option<&str>) -> Value {
        let name = match (&self.0, host) {
            (Naming::Dynamic { hosts, .. }, Some(host)) if hosts.matches(Some(host)) => {
                return host.to_owned().into();
            }
            (Naming::Fixed(name) | Naming::Dynamic { fallback: name, .. }, _) => name,
        };
        Value::String(StringValue::from(Arc::clone(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_segments_if_they_match() {
        let dynamic = SegmentNaming::dynamic("*.example.com", "fallback");
        let fixed = SegmentNaming::fixed("shop");
        let by_environment = Environment::of([("AWS_XRAY_TRACING_NAME", "by environment")]);
        for (naming, host, expected) in [
            (fixed.clone(), Some("a.example.com"), "shop"),
            (fixed.clone(), None, "shop"),
            (dynamic.clone(), Some("a.example.com"), "a.example.com"),
            (dynamic.clone(), Some("A.Example.COM"), "A.Example.COM"),
            (dynamic.clone(), Some("example.com"), "fallback"),
            (dynamic.clone(), Some("a.example.com.evil"), "fallback"),
            (dynamic.clone(), None, "fallback"),
            (SegmentNaming::dynamic("*", "fallback"), None, "fallback"),
            (dynamic.unless_named_by(&by_environment), Some("a.example.com"), "by environment"),
            (fixed.unless_named_by(&Environment::of([])), None, "shop"),
        ] {
            assert_eq!(naming.name(host).as_str(), expected, "{naming:?} {host:?}");
        }
    }
}
