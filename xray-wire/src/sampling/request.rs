//! What rules look at: the process that decides, once, and each request.

use super::Pattern;

/// What rules may ask of the process. It is the same for all requests, and looked at once for each set of rules.
///
/// ```
/// use xray_wire::sampling::{Process, Rate, Rule, Table};
///
/// let rule = Rule { service_name: "cart".into(), ..Rule::for_all("cart", 1, 1, Rate::ALWAYS) };
/// let process = Process { service_name: Some("checkout"), ..Process::default() };
/// let table = Table::local(vec![rule], &process);
/// assert_eq!(table.live().count(), 0, "a rule for another service");
/// ```
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
///
/// ```
/// use xray_wire::sampling::{Process, ResourceArn};
///
/// let arn = "arn:aws:ecs:eu-west-1:123456789012:task/shops/7d";
/// let process = Process { resource_arn: ResourceArn::Process(arn), ..Process::default() };
/// ```
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
///
/// ```
/// use xray_wire::sampling::{Process, Rate, Request, Rule, Table};
///
/// let rule = Rule { http_method: "POST".into(), ..Rule::for_all("writes", 1, 1, Rate::ALWAYS) };
/// let table = Table::local(vec![rule], &Process::default());
/// let [get, post] = ["GET", "POST"].map(|method| Request { http_method: Some(method), ..Request::UNKNOWN });
/// assert!(table.find(&get).is_none() && table.find(&post).is_some());
/// ```
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
///
/// ```
/// use std::collections::HashMap;
///
/// use xray_wire::sampling::{Attributes, Pattern, Request};
///
/// struct Tags(HashMap<String, String>);
///
/// impl Attributes for Tags {
///     fn matches(&self, key: &str, pattern: &Pattern) -> bool {
///         self.0.get(key).is_some_and(|value| pattern.matches(Some(value)))
///     }
/// }
/// let tags = Tags(HashMap::from([("tenant.plan".to_owned(), "gold".to_owned())]));
/// let request = Request { attributes: &tags, ..Request::UNKNOWN };
/// assert!(request.attributes.matches("tenant.plan", &"g*".into()));
/// ```
pub trait Attributes {
    /// Whether there is an attribute with this key, and the pattern matches its value. Numbers and truth values are compared
    /// as text.
    fn matches(&self, key: &str, pattern: &Pattern) -> bool;
}

/// A request's field, for [`Table::asks_for`](super::Table::asks_for).
///
/// ```
/// use xray_wire::sampling::{Field, Process, Rate, Rule, Table};
///
/// let rule = Rule { url_path: "/pay/*".into(), ..Rule::for_all("payments", 1, 1, Rate::ALWAYS) };
/// let table = Table::local(vec![rule], &Process::default());
/// assert!(table.asks_for(Field::UrlPath) && !table.asks_for(Field::Host));
/// ```
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
