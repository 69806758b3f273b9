//! What rules look at: the process that decides, once, and each request.

use super::Pattern;

/// What rules may ask of the process. It is the same for all requests, and looked at once for each set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Process<'a> {
    /// The service's name.
    pub service_name: Option<&'a str>,
    /// Its origin, such as `AWS::ECS::Container`.
    pub service_type: Option<&'a str>,
    /// The ARN of what it runs on.
    pub resource_arn: ResourceArn<'a>,
}

/// Where the resource's ARN is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResourceArn<'a> {
    /// There is none.
    #[default]
    None,
    /// It is that of the process.
    Process(&'a str),
    /// Each request may tell it: a Lambda function learns its own with the first call.
    Request,
}

/// What rules may ask of a request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub http_method: Option<&'a str>,
    /// Its path.
    pub url_path: Option<&'a str>,
    /// The host that it was sent to.
    pub host: Option<&'a str>,
    /// The ARN of what serves it, for [`ResourceArn::Request`].
    pub resource_arn: Option<&'a str>,
    /// The attributes that its span has at the start.
    pub attributes: &'a dyn Attributes,
}

/// A span's attributes, read as text.
pub trait Attributes {
    /// Whether there is an attribute with this key, and the pattern matches its value. Numbers and truth values are compared
    /// as text.
    fn matches(&self, key: &str, pattern: &Pattern) -> bool;
}

/// A request's field, for [`Table::asks_for`](super::Table::asks_for).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// [`Request::http_method`].
    HttpMethod,
    /// [`Request::url_path`].
    UrlPath,
    /// [`Request::host`].
    Host,
    /// [`Request::resource_arn`].
    ResourceArn,
}

impl<'a> Request<'a> {
    /// A request about which nothing is known.
    pub const UNKNOWN: Request<'static> = Request {
        http_method: None,
        url_path: None,
        host: None,
        resource_arn: None,
        attributes: &NoAttributes,
    };
}

struct NoAttributes;

impl Attributes for NoAttributes {
    fn matches(&self, _: &str, _: &Pattern) -> bool {
        false
    }
}
