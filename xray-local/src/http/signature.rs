//! Whether a call is signed, as far as that can be told without the secret key.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::{App, aws::aws_error};

/// The service in the scope of a signature for X-Ray.
const SERVICE: &str = "xray";

/// Refuses calls without a signature of version 4, if one is required.
pub(super) async fn check_signature(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if app.requires_signature
        && let Err(fault) = presence(request.headers())
    {
        let (status, name, message) = fault.answer();
        return aws_error(status, name, message);
    }
    next.run(request).await
}

/// What is wrong with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignatureFault {
    Missing,
    Incomplete,
    OtherService,
}

impl SignatureFault {
    /// As AWS answers ("Common Errors" of its API references).
    fn answer(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Missing => {
                (StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            Self::Incomplete => (
                StatusCode::BAD_REQUEST,
                "IncompleteSignatureException",
                "expected Credential, SignedHeaders, Signature and the header X-Amz-Date or Date",
            ),
            Self::OtherService => (
                StatusCode::FORBIDDEN,
                "InvalidSignatureException",
                "Credential should be scoped to correct service: 'xray'.",
            ),
        }
    }
}

/// Whether the headers hold a whole signature for X-Ray. That it is right only the key can tell.
fn presence(headers: &HeaderMap) -> Result<(), SignatureFault> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(parts) = authorization.and_then(|text| text.strip_prefix("AWS4-HMAC-SHA256 ")) else {
        return Err(SignatureFault::Missing);
    };
    let part = |name: &str| {
        parts
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_default()
    };
    let has_date = headers.contains_key("x-amz-date") || headers.contains_key(header::DATE);
    let is_signature = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // KEY/YYYYMMDD/region/service/aws4_request
    let scope: Vec<&str> = part("Credential").rsplit('/').collect();
    let ["aws4_request", service, _region, _date, _key, ..] = scope.as_slice() else {
        return Err(SignatureFault::Incomplete);
    };
    if !has_date || part("SignedHeaders").is_empty() || !is_signature(part("Signature")) {
        return Err(SignatureFault::Incomplete);
    }
    if *service != SERVICE {
        return Err(SignatureFault::OtherService);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn tells_a_signature_from_none() {
        let signature = "0123456789abcdef".repeat(4);
        let whole = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-central-1/xray/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature={signature}"
        );
        for (authorization, dated, expected) in [
            (whole.clone(), true, Ok(())),
            (whole.replace(", ", ","), true, Ok(())),
            (whole.clone(), false, Err(SignatureFault::Incomplete)),
            (whole.replace("/xray/", "/sns/"), true, Err(SignatureFault::OtherService)),
            (whole.replace("Signature=0", "Signature="), true, Err(SignatureFault::Incomplete)),
            (whole.replace("SignedHeaders", "Headers"), true, Err(SignatureFault::Incomplete)),
            (whole.replace("AKID/", ""), true, Err(SignatureFault::Incomplete)),
            ("Bearer token".to_owned(), true, Err(SignatureFault::Missing)),
            (String::new(), true, Err(SignatureFault::Missing)),
        ] {
            let mut headers = HeaderMap::new();
            if !authorization.is_empty() {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&authorization).unwrap());
            }
            if dated {
                headers.insert("x-amz-date", HeaderValue::from_static("20261122T000000Z"));
            }
            assert_eq!(presence(&headers), expected, "{authorization} {dated}");
        }
    }
}
