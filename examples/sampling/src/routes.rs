//! What the service answers, and how often it is asked for each.

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Somebody signs in.
    SignIn,
    /// Somebody pays.
    Payment,
    /// Somebody subscribes.
    Subscription,
    /// A load balancer asks whether the instance is well.
    Health,
    /// Somebody orders.
    Order,
    /// Somebody looks at a product.
    Product,
}

impl Route {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::SignIn, Self::Payment, Self::Subscription, Self::Health, Self::Order, Self::Product];

    /// The path as axum and the table write it.
    #[must_use]
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::SignIn => "/api/auth/login",
            Self::Payment => "/api/payments/{id}",
            Self::Subscription => "/api/subscriptions/{id}",
            Self::Health => "/health",
            Self::Order => "/orders/{id}",
            Self::Product => "/products/{id}",
        }
    }

    /// The path of one request.
    pub(crate) fn path(self, id: u64) -> String {
        self.pattern().replace("{id}", &id.to_string())
    }

    /// The route that a path takes.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| match route.pattern().strip_suffix("{id}") {
            Some(before) => path.starts_with(before),
            None => path == route.pattern(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_to_its_route() {
        for route in Route::ALL {
            assert_eq!(Route::of_path(&route.path(17)), Some(route));
        }
        assert_eq!(Route::of_path("/"), None);
    }
}
