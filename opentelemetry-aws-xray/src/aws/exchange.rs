//! One request of our own making and its answer, over the SDK's client.
//!
//! The client knows one path for each operation, and OTLP is none. But endpoint, credentials, signature, the correction of a clock
//! that is wrong, proxies and connections are the same for all of X-Ray. So the operation that puts segments carries all our
//! requests: an interceptor gives it its path, headers and body before it is signed, and takes the answer as it came.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use aws_sdk_xray::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut},
    },
    error::{BoxError, ProvideErrorMetadata},
};

use super::failure::{self, Failed};
use crate::post::{PostRequest, PostResponse};

/// A request with all that it needs to travel to another thread.
pub(super) struct Request {
    path: String,
    content_type: String,
    content_encoding: Option<String>,
    body: Vec<u8>,
    bearer: Option<String>,
}

impl Request {
    pub(super) fn new(request: &PostRequest<'_>, bearer: Option<&str>) -> Self {
        Self {
            path: request.path.into(),
            content_type: request.content_type.into(),
            content_encoding: request.content_encoding.map(Into::into),
            body: request.body.into(),
            bearer: bearer.map(|key| format!("Bearer {key}")),
        }
    }
}

/// Neither the key nor what is sent: the AWS SDK shows its interceptors, and so this, in its own logs.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("path", &self.path)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Sends a request and reads the answer, whatever its status; but one that says who we are not is a failure.
pub(super) async fn exchange(client: &Client, request: Request) -> Result<PostResponse, Failed> {
    let answer = Arc::default();
    let carried = Carried { request: Mutex::new(request), answer: Arc::clone(&answer) };
    let outcome = client.put_trace_segments().customize().interceptor(carried).send().await;
    let answer: Option<PostResponse> = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (answer, outcome) {
        (Some(answer), Err(error)) => {
            let code = error.code().or(answer.error_type.as_deref()).unwrap_or_default();
            match failure::refusal(answer.status, code, error.message().unwrap_or_default()) {
                Some(refused) => Err(refused),
                None => Ok(answer),
            }
        }
        (Some(answer), Ok(_)) => Ok(answer),
        (None, Err(error)) => Err(failure::without_answer(&error)),
        (None, Ok(_)) => Err(failure::nothing_came()),
    }
}

/// What the operation carries in place of its own request and answer.
struct Carried {
    request: Mutex<Request>,
    answer: Arc<Mutex<Option<PostResponse>>>,
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carried")
    }
}

impl Intercept for Carried {
    fn name(&self) -> &'static str {
        "XrayExchange"
    }

    /// Before the endpoint is put in front of the path, and before the signature.
    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut ours = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        let request = context.request_mut();
        request.set_uri(ours.path.as_str())?;
        let headers = request.headers_mut();
        headers.insert("content-length", ours.body.len().to_string());
        headers.insert("content-type", ours.content_type.clone());
        if let Some(encoding) = ours.content_encoding.take() {
            headers.insert("content-encoding", encoding);
        }
        // As the daemon sends it.
        let now = components.time_source().unwrap_or_default().now();
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        headers.insert(
            "x-amzn-xray-timestamp",
            format!("{}.{:09}", since_epoch.as_secs(), since_epoch.subsec_nanos()),
        );
        *request.body_mut() = std::mem::take(&mut ours.body).into();
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bearer = self.request.lock().unwrap_or_else(PoisonError::into_inner).bearer.take();
        if let Some(bearer) = bearer {
            let request = context.request_mut();
            if !is_private(request.uri()) {
                return Err("an X-Ray API key is sent over https:// only".into());
            }
            request.headers_mut().insert("authorization", bearer);
        }
        Ok(())
    }

    /// Called for every answer, also for one that the operation does not understand.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let Some(body) = response.body().bytes() else { return Ok(()) };
        let header = |name| response.headers().get(name);
        let answer = PostResponse {
            status: response.status().as_u16(),
            retry_after: header("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs),
            // A URL may follow.
            error_type: header("x-amzn-errortype").and_then(|value| value.split(':').next()).map(Into::into),
            body: body[..body.len().min(PostResponse::MAX_BODY_BYTES)].into(),
        };
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        Ok(())
    }
}

/// Whether what is sent there is read by nobody else: over TLS, or on this machine.
fn is_private(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("http://") else { return uri.starts_with("https://") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    let is_loopback = |address: IpAddr| address.is_loopback();
    !authority.contains('@') && (host == "localhost" || host.parse().is_ok_and(is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_travel_over_tls_or_stay_on_the_machine() {
        for (uri, private) in [
            ("https://xray.eu-central-1.amazonaws.com/v1/traces", true),
            ("http://127.0.0.1:4318/v1/traces", true),
            ("http://localhost/v1/traces", true),
            ("http://[::1]:80", true),
            ("http://xray.eu-central-1.amazonaws.com/v1/traces", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://127.0.0.1@example.com/", false),
            ("http://localhost:x@example.com/", false),
            ("ftp://127.0.0.1", false),
            ("/v1/traces", false),
        ] {
            assert_eq!(is_private(uri), private, "{uri}");
        }
    }
}
