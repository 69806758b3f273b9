//! What responses' bodies become on their way through the layer.

use http_body::Body;

use crate::tower::{XrayBody, span::ExchangeSpan};

/// How a layer passes on bodies of type `B`, so that a span which is still open sees where one of them ends.
///
/// [`AnyBodies`] and `AxumBodies` are all that there are: it cannot be implemented outside this crate.
///
/// ```
/// use opentelemetry_aws_xray::tower::{AnyBodies, Bodies, XrayBody};
///
/// /// What clients of a service whose bodies are text get, for whoever has to write it down.
/// type Answered = <AnyBodies as Bodies<String>>::Body;
/// let body: Answered = XrayBody::default();
/// ```
pub trait Bodies<B>: sealed::Sealed {
    /// What they become.
    type Body;

    /// A body that nothing waits for.
    #[doc(hidden)]
    fn untraced(body: B) -> Self::Body;

    /// A body whose end is the end of `span`.
    #[doc(hidden)]
    fn traced(body: B, span: ExchangeSpan) -> Self::Body;
}

/// Each body in an [`XrayBody`], of whatever type it is: the layer of [`XrayLayer::new`](super::XrayLayer::new).
///
/// ```
/// use opentelemetry_aws_xray::tower::{AnyBodies, XrayLayer};
///
/// let layer: XrayLayer<AnyBodies> = XrayLayer::new();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnyBodies {}

impl<B: Body> Bodies<B> for AnyBodies {
    type Body = XrayBody<B>;

    fn untraced(body: B) -> XrayBody<B> {
        XrayBody::untraced(body)
    }

    fn traced(body: B, span: ExchangeSpan) -> XrayBody<B> {
        XrayBody::traced(body, span)
    }
}

/// axum's own [`Body`](axum::body::Body), which axum makes of every other: the layer of
/// [`XrayLayer::axum`](super::XrayLayer::axum). A body that no span waits for passes through untouched, where any other type
/// would cost an allocation.
///
/// ```
/// use opentelemetry_aws_xray::tower::{AxumBodies, XrayLayer};
///
/// let layer: XrayLayer<AxumBodies> = XrayLayer::axum();
/// ```
#[cfg(feature = "axum")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxumBodies {}

#[cfg(feature = "axum")]
impl<B> Bodies<B> for AxumBodies
where
    B: Body<Data = bytes::Bytes, Error: Into<axum::BoxError> + std::fmt::Display> + Send + 'static,
{
    type Body = axum::body::Body;

    fn untraced(body: B) -> axum::body::Body {
        axum::body::Body::new(body)
    }

    fn traced(body: B, span: ExchangeSpan) -> axum::body::Body {
        match span.awaiting(&body) {
            None => axum::body::Body::new(body),
            open => axum::body::Body::new(XrayBody::new(body, open)),
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::AnyBodies {}
    #[cfg(feature = "axum")]
    impl Sealed for super::AxumBodies {}
}
