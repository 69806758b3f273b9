//! The layer for servers and its options.

use std::{borrow::Cow, fmt, marker::PhantomData, net::SocketAddr, sync::Arc};

use http::request::Parts;
use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{Tracer, TracerProvider},
};
use tower_layer::Layer;

#[cfg(feature = "axum")]
use super::bodies::AxumBodies;
use super::{bodies::AnyBodies, forwarded::TrustedHops, naming::SegmentNaming, service::XrayService};
use crate::{config::Environment, tower::instruments::Instruments};

/// Makes a SERVER span of every request: the segment that X-Ray draws as a node of its map.
///
/// See [the module](crate::tower) for what is recorded and when.
///
/// The layer and its services are one [`Arc`] wide, so cloning them, as axum does for every request, is cheap.
/// Options are set before the layer is used; a setter called twice keeps the last value.
///
/// ```
/// use std::convert::Infallible;
///
/// use http::{Request, Response};
/// use opentelemetry_aws_xray::tower::XrayLayer;
/// use tower::{Layer, ServiceExt, service_fn};
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
///
/// let orders = service_fn(|_: Request<String>| async {
///     Ok::<_, Infallible>(Response::new("an order".to_owned()))
/// });
/// let service = XrayLayer::new()
///     .with_tracer_provider(&provider)
///     .with_filter(|head| head.uri.path() != "/health")
///     .with_route(|head| head.uri.path().starts_with("/orders/").then_some("/orders/{id}".into()))
///     .layer(orders);
///
/// # futures_executor::block_on(async {
/// let response = service.oneshot(Request::get("/orders/7").body(String::new()).unwrap()).await.unwrap();
/// assert!(response.headers()["x-amzn-trace-id"].to_str().unwrap().starts_with("Root=1-"));
/// # });
/// ```
#[derive(Clone)]
pub struct XrayLayer<B = AnyBodies> {
    options: Arc<Options>,
    bodies: PhantomData<B>,
}

/// Decides from a request's head whether it gets a span.
type Filter = dyn Fn(&Parts) -> bool + Send + Sync;
/// Finds the route that a request's head matched.
type RouteOf = dyn Fn(&Parts) -> Option<Cow<'_, str>> + Send + Sync;
/// Finds the other end of the connection that a request's head came over.
type PeerOf = dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync;

/// What a layer and all of its services share.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) instruments: Instruments,
    pub(super) filter: Option<Arc<Filter>>,
    pub(super) route: Option<Arc<RouteOf>>,
    pub(super) peer: Option<Arc<PeerOf>>,
    pub(super) trusted: TrustedHops,
    pub(super) naming: Option<SegmentNaming>,
    pub(super) answers: bool,
}

impl XrayLayer {
    /// A layer for any HTTP server, with every option at its default. It knows neither route nor peer: see
    /// [`with_route`](Self::with_route) and [`with_peer`](Self::with_peer), or `XrayLayer::axum`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[cfg(feature = "axum")]
impl XrayLayer<AxumBodies> {
    /// A layer that knows axum: [`new`](Self::new) with [`MatchedPath`](axum::extract::MatchedPath) as the route
    /// and [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo) as the peer.
    ///
    /// Give it to [`Router::layer`](axum::Router::layer) or
    /// [`Router::route_layer`](axum::Router::route_layer), *after* the routes it shall see. Both have the matched
    /// path; `layer` also sees requests that no route matches, whose spans have no route, `route_layer` does
    /// not. A layer around the whole router, outside of axum, runs before the match and finds no route.
    ///
    /// Responses have axum's own body, as [`AxumBodies`] tells.
    ///
    /// The peer is known if the server was made with `into_make_service_with_connect_info::<SocketAddr>()`.
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use axum::{Router, routing::get};
    /// use opentelemetry_aws_xray::tower::XrayLayer;
    ///
    /// let app: Router = Router::new()
    ///     .route("/users/{id}", get(|| async { "somebody" }))
    ///     .layer(XrayLayer::axum());
    /// // For `axum::serve`:
    /// let service = app.into_make_service_with_connect_info::<SocketAddr>();
    /// # drop(service);
    /// ```
    #[must_use]
    pub fn axum() -> Self {
        use axum::extract::{ConnectInfo, MatchedPath};

        let mut layer = Self { options: Arc::default(), bodies: PhantomData }
            .with_peer(|head| Some(head.extensions.get::<ConnectInfo<SocketAddr>>()?.0));
        layer.set_route(|head| Some(head.extensions.get::<MatchedPath>()?.as_str().into()));
        layer
    }
}

impl<B> XrayLayer<B> {
    /// Sets where the spans go. Default: the global tracer provider, looked up at the first request and kept, so
    /// it must be installed by then.
    #[must_use]
    pub fn with_tracer_provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        self.options().instruments.set_tracer_provider(provider);
        self
    }

    /// Sets what reads the caller's headers. Default: the global propagator, looked up at each request.
    #[must_use]
    pub fn with_propagator(mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.options().instruments.set_propagator(propagator);
        self
    }

    /// Sets which requests get a span: those for which `filter` is `true`. The others pass untouched, without
    /// span, context and response header. Default: all.
    ///
    /// ```
    /// use opentelemetry_aws_xray::tower::XrayLayer;
    ///
    /// let layer = XrayLayer::new().with_filter(|head| head.uri.path() != "/health");
    /// ```
    #[must_use]
    pub fn with_filter(mut self, filter: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.options().filter = Some(Arc::new(filter));
        self
    }

    /// Sets how the route is found, which becomes `http.route` and part of the span's name. It must be a
    /// template such as `/users/{id}`: a path with ids in it makes as many names as there are ids. Default: none.
    ///
    /// ```
    /// use opentelemetry_aws_xray::tower::XrayLayer;
    ///
    /// /// What a router of one's own leaves in the extensions of a request.
    /// #[derive(Clone)]
    /// struct Template(&'static str);
    ///
    /// let layer = XrayLayer::new().with_route(|head| Some(head.extensions.get::<Template>()?.0.into()));
    /// ```
    #[must_use]
    pub fn with_route(
        mut self,
        route: impl Fn(&Parts) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        self.set_route(move |head| route(head));
        self
    }

    /// Sets how the other end of the connection is found, which becomes `network.peer.address` and, if no proxy
    /// names another, `client.address`. Default: unknown.
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use opentelemetry_aws_xray::tower::XrayLayer;
    ///
    /// // The accept loop of a hyper server has put it there.
    /// let layer = XrayLayer::new().with_peer(|head| head.extensions.get::<SocketAddr>().copied());
    /// ```
    #[must_use]
    pub fn with_peer(mut self, peer: impl Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static) -> Self {
        self.options().peer = Some(Arc::new(peer));
        self
    }

    /// Sets whether `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` are believed, all of them or not at all. Any caller can
    /// write them: say `false` if the server is reached without a load balancer, and see
    /// [`with_trusted_hops`](Self::with_trusted_hops) if the client's address has to be true. Default: `true`, like the
    /// X-Ray SDKs, which take the leftmost entry for the client.
    #[must_use]
    pub fn trust_forwarded(mut self, trust: bool) -> Self {
        self.options().trusted = if trust { TrustedHops::All } else { TrustedHops::Count(0) };
        self
    }

    /// Sets how many proxies of one's own a request comes through, instead of
    /// [`trust_forwarded`](Self::trust_forwarded). Each of them adds an entry on the right of `X-Forwarded-For` (or
    /// `Forwarded`, where there is none of the former); the client is who the first of them saw, the `hops`th entry from
    /// the right, and what a client himself wrote on the left of that counts for nothing. 1 behind an Application Load
    /// Balancer, 2 with a CDN before it; 0 believes nobody. Default: as above.
    ///
    /// ```
    /// use opentelemetry_aws_xray::tower::XrayLayer;
    ///
    /// let behind_a_load_balancer = XrayLayer::new().with_trusted_hops(1);
    /// ```
    #[must_use]
    pub fn with_trusted_hops(mut self, hops: usize) -> Self {
        self.options().trusted = TrustedHops::Count(hops);
        self
    }

    /// Sets what segments are called, unless `AWS_XRAY_TRACING_NAME` does. Sampling rules still see the service's name.
    /// Default: the service's name.
    ///
    /// The name is the span's attribute `aws.local.service`, where a handler can overwrite it.
    #[must_use]
    pub fn with_naming(mut self, naming: SegmentNaming) -> Self {
        self.options().naming = Some(naming.unless_named_by(&Environment::process()));
        self
    }

    /// Sets whether responses carry `X-Amzn-Trace-Id`. A header that the service itself set is never replaced.
    /// Default: `true`.
    #[must_use]
    pub fn with_response_header(mut self, answer: bool) -> Self {
        self.options().answers = answer;
        self
    }

    /// As [`with_route`](Self::with_route), where the route can also be borrowed from the request.
    fn set_route(&mut self, route: impl Fn(&Parts) -> Option<Cow<'_, str>> + Send + Sync + 'static) {
        self.options().route = Some(Arc::new(route));
    }

    fn options(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instruments: Instruments::default(),
            filter: None,
            route: None,
            peer: None,
            trusted: TrustedHops::All,
            naming: None,
            answers: true,
        }
    }
}

/// [`XrayLayer::new`].
impl Default for XrayLayer {
    fn default() -> Self {
        Self { options: Arc::default(), bodies: PhantomData }
    }
}

impl<S, B> Layer<S> for XrayLayer<B> {
    type Service = XrayService<S, B>;

    fn layer(&self, inner: S) -> XrayService<S, B> {
        XrayService::new(inner, Arc::clone(&self.options))
    }
}

impl<B> fmt::Debug for XrayLayer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayLayer").field("options", &self.options).finish()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("trusted", &self.trusted)
            .field("naming", &self.naming)
            .field("answers", &self.answers)
            .finish_non_exhaustive()
    }
}
