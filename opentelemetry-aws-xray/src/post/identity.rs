//! Names of AWS errors that are about who calls, not about what is sent (AWS' lists of common errors).

/// What such an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The credentials were valid once.
    Expired,
    /// Nobody has these credentials, or there were none.
    Unknown,
    /// The signature is not that of the request, or of another time.
    Signature,
    /// Who calls may not do this.
    Denied,
}

impl Identity {
    /// What an error's name says, if it is about that.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name.strip_suffix("Exception").unwrap_or(name) {
            "ExpiredToken" => Self::Expired,
            "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "MissingAuthenticationToken"
            | "UnrecognizedClient" => Self::Unknown,
            // A request that has expired was signed at another time: by the clock here, or there.
            "AuthFailure"
            | "IncompleteSignature"
            | "InvalidSignature"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch" => Self::Signature,
            "AccessDenied" | "NotAuthorized" | "OptInRequired" | "UnauthorizedOperation" => Self::Denied,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_exception_behind() {
        for (name, expected) in [
            ("ExpiredToken", Some(Identity::Expired)),
            ("ExpiredTokenException", Some(Identity::Expired)),
            ("UnrecognizedClientException", Some(Identity::Unknown)),
            ("IncompleteSignature", Some(Identity::Signature)),
            ("RequestExpired", Some(Identity::Signature)),
            ("AccessDeniedException", Some(Identity::Denied)),
            ("ThrottlingException", None),
            ("InvalidRequestException", None),
            ("Exception", None),
            ("", None),
        ] {
            assert_eq!(Identity::of(name), expected, "{name}");
        }
    }
}
