//! A sampling rule: which requests it is about, and how many of them are sampled.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::{Boost, Pattern, Rate};

/// A sampling rule, of the account or of one's own.
///
/// Limits are those of the account's rules (X-Ray API reference, `SamplingRule`).
///
/// ```
/// use xray_wire::sampling::{Rate, Rule};
///
/// let payments = Rule {
///     http_method: "POST".into(),
///     url_path: "/pay/*".into(),
///     attributes: vec![("tenant.plan".into(), "gold".into())],
///     ..Rule::for_all("payments", 10, 5, Rate::new(0.5).unwrap_or(Rate::ALWAYS))
/// };
/// assert!(payments.service_name.is_any() && !payments.is_default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, of 1 to 32 characters; what is kept about a rule is kept by name.
    pub name: Arc<str>,
    /// Its place among the others, from 1 to 9,999, lowest first; the rule `Default` has 10,000.
    pub priority: u32,
    /// How many of the requests are sampled that the reservoir left, unless X-Ray's target says otherwise.
    pub fixed_rate: Rate,
    /// How many requests a second are sampled before the rate applies, in the whole account. Each process gets its share
    /// as a quota, and borrows one a second before it has one.
    pub reservoir_size: u32,
    /// The service's name, of at most 64 characters.
    pub service_name: Pattern,
    /// The service's origin, such as `AWS::ECS::Container`, of at most 64 characters.
    pub service_type: Pattern,
    /// The ARN of the AWS resource that the service runs on, of at most 500 characters.
    pub resource_arn: Pattern,
    /// The request's host, of at most 64 characters.
    pub host: Pattern,
    /// The request's method, of at most 10 characters.
    pub http_method: Pattern,
    /// The request's path, of at most 128 characters.
    pub url_path: Pattern,
    /// Attributes that the span has to have when it starts; at most five, keys and values of at most 32 characters.
    pub attributes: Vec<(Box<str>, Pattern)>,
    /// How far X-Ray may raise the rate for a while; `None` if it may not.
    pub boost: Option<Boost>,
}

impl Rule {
    /// The name of the rule that every account has, and that matches what no other does.
    pub const DEFAULT_NAME: &str = "Default";

    /// A rule for all requests.
    #[must_use]
    pub fn for_all(name: &str, priority: u32, reservoir_size: u32, fixed_rate: Rate) -> Self {
        Self {
            name: name.into(),
            priority,
            fixed_rate,
            reservoir_size,
            service_name: Pattern::any(),
            service_type: Pattern::any(),
            resource_arn: Pattern::any(),
            host: Pattern::any(),
            http_method: Pattern::any(),
            url_path: Pattern::any(),
            attributes: Vec::new(),
            boost: None,
        }
    }

    /// What X-Ray does for want of a better rule: one request a second, and 5 % of the others (X-Ray developer guide, "Using
    /// sampling rules").
    #[must_use]
    pub fn fallback() -> Self {
        const SHARE: Rate = Rate::from_bits(Rate::ALWAYS.to_bits() / 20);
        Self::for_all("Fallback", u32::MAX, 1, SHARE)
    }

    /// Whether it is the account's rule for what no other matches. It matches everything, whatever its fields say.
    #[must_use]
    pub fn is_default(&self) -> bool {
        &*self.name == Self::DEFAULT_NAME
    }

    /// Bytes of its texts, which are what a rule's memory depends on.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let patterns = [
            &self.service_name,
            &self.service_type,
            &self.resource_arn,
            &self.host,
            &self.http_method,
            &self.url_path,
        ];
        let attributes = self.attributes.iter().map(|(key, value)| key.len() + value.as_str().len());
        self.name.len()
            + patterns.iter().map(|pattern| pattern.as_str().len()).sum::<usize>()
            + attributes.sum::<usize>()
    }

    /// The order in which rules are asked: by priority, then by the bytes of their names.
    pub(super) fn order(&self) -> (u32, &str) {
        (self.priority, &self.name)
    }
}
