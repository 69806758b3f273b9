//! Who decides: the service itself for some paths, the account's rules for the others.

use std::fmt;

use crate::Route;

/// The service's own decisions, asked first. What no line matches goes on to the account's rules.
const OVERRIDES: [(Route, &str); 4] = [
    (Route::SignIn, "always  path=/api/auth*"),
    (Route::Payment, "always  path=/api/payments*"),
    (Route::Subscription, "always  path=/api/subscriptions*"),
    (Route::Health, "1%  path=/health*"),
];

/// The share that is sampled while X-Ray has not answered.
pub(crate) const FALLBACK_SHARE: f64 = 0.1;

/// The overrides as the sampler reads them, one on a line; they could as well stand in a file.
pub(crate) fn overrides() -> String {
    OVERRIDES.map(|(_, line)| line).join("\n")
}

/// The line that decides about a route, if one does.
pub(crate) fn override_of(route: Route) -> Option<&'static str> {
    OVERRIDES.iter().find(|(of, _)| *of == route).map(|(_, line)| *line)
}

/// The account's rule `orders`: so many requests a second of all instances together, and a share of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrdersRule {
    /// Requests a second.
    pub reservoir: u32,
    /// The share of the others, in percent.
    pub percent: u32,
}

impl OrdersRule {
    /// The rule's name.
    pub const NAME: &str = "orders";

    /// The rule at the start.
    pub const FIRST: Self = Self { reservoir: 10, percent: 10 };

    /// The rule after the first change, and every second one after it.
    pub const SECOND: Self = Self { reservoir: 40, percent: 0 };

    /// The other one of the two, for changes while it runs.
    #[must_use]
    pub fn other(self) -> Self {
        if self == Self::FIRST { Self::SECOND } else { Self::FIRST }
    }

    /// The account's rules to start with: this one, and 10 % of all other requests.
    pub(crate) fn all_rules(self) -> String {
        let Self { reservoir, .. } = self;
        let (name, rate) = (Self::NAME, self.rate());
        format!(
            r#"[{{"RuleName": "{name}", "Priority": 100, "ServiceName": "checkout", "URLPath": "/orders/*",
                 "ReservoirSize": {reservoir}, "FixedRate": {rate}}},
                {{"RuleName": "Default", "Priority": 10000, "ReservoirSize": 0, "FixedRate": 0.1}}]"#
        )
    }

    /// The call that changes it, as the console and `aws xray update-sampling-rule` make it.
    pub(crate) fn update(self) -> String {
        let Self { reservoir, .. } = self;
        let (name, rate) = (Self::NAME, self.rate());
        format!(
            r#"{{"SamplingRuleUpdate": {{"RuleName": "{name}", "ReservoirSize": {reservoir}, "FixedRate": {rate}}}}}"#
        )
    }

    fn rate(self) -> f64 {
        f64::from(self.percent) / 100.0
    }
}

impl fmt::Display for OrdersRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /s, then {} %", self.reservoir, self.percent)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_aws_xray::sampler::Overrides;

    use super::*;

    #[test]
    fn the_overrides_can_be_read() {
        assert_eq!(overrides().parse::<Overrides>().unwrap().0.len(), OVERRIDES.len());
    }
}
