//! The sampling example: whether each rate is the one that was asked for, before and after the rule changes.
//!
//! A sampler reports every ten seconds, by the clock of X-Ray; so this test takes a little longer than that.

use std::time::Duration;

use e2e::PATIENCE;
use sampling_example::{DecidedBy, Options, OrdersRule, Route, Running, Snapshot, start};
use tokio::time::{sleep, timeout};

/// Of these 450 are orders, 200 health checks, and 200 products.
const REQUESTS_PER_SECOND: u32 = 1_000;

/// How long a rate is measured.
const MEASURED: Duration = Duration::from_secs(2);

/// A rule without chance: so many requests a second, and no other.
const NEW_RULE: OrdersRule = OrdersRule { reservoir: 40, percent: 0 };

#[tokio::test(flavor = "multi_thread")]
async fn each_rate_is_the_one_that_was_asked_for() {
    let options = Options { addr: "127.0.0.1:0".into(), requests_per_second: REQUESTS_PER_SECOND };
    let mut running = start(options).await.unwrap();

    reached(&running, |now| now.rates_known == [Some(0.1); 2]).await;
    let (requests, sampled, seconds) = measure(&running, Route::Order).await;
    // Each instance borrows one a second; of the others 10 % are sampled.
    let expected = 2.0 * seconds + 0.1 * (requests as f64 - 2.0 * seconds);
    assert_near(sampled, expected, 6.0 * expected.sqrt());

    running.change_orders(NEW_RULE).await.unwrap();
    let both_follow = |now: &Snapshot| {
        let mut orders = now.rows.iter().filter(|row| row.route == Route::Order);
        now.rates_known == [Some(0.0); 2] && orders.all(|row| row.quota.is_some())
    };
    reached(&running, both_follow).await;
    // The new reservoir comes with the rules, right behind the quotas; its tokens are there a second later.
    sleep(Duration::from_millis(1_200)).await;
    let (_, sampled, seconds) = measure(&running, Route::Order).await;
    // No second has more than the quota. Where the time begins and ends within one, up to a second's worth is uncertain.
    let expected = f64::from(NEW_RULE.reservoir) * seconds;
    assert_near(sampled, expected, f64::from(NEW_RULE.reservoir));

    let now = running.snapshot();
    for route in [Route::SignIn, Route::Payment, Route::Subscription] {
        let (requests, sampled) = now.counts(route);
        assert!(requests > 100 && sampled == requests, "{route:?}: {sampled} of {requests}");
    }
    for (route, share) in [(Route::Health, 0.01), (Route::Product, 0.1)] {
        let (requests, sampled) = now.counts(route);
        let expected = share * requests as f64;
        assert_near(sampled, expected, 5.0 * expected.sqrt());
    }
    for row in &now.rows {
        let expected = match row.route {
            Route::SignIn | Route::Payment | Route::Subscription => "override always",
            Route::Health => "override 1%",
            Route::Order => "rule orders",
            Route::Product => "rule Default",
        };
        assert!(row.decided_by.to_string().starts_with(expected), "{row:?}");
        assert_eq!(row.borrowed.is_some(), matches!(row.decided_by, DecidedBy::Rule(_)), "{row:?}");
    }

    let page = reqwest::get(running.page()).await.unwrap().text().await.unwrap();
    for (name, client) in &now.clients {
        let client = client.as_deref().unwrap();
        assert!(page.contains(client), "{name} is {client}, which is not in {page}");
    }
    assert!(page.contains("Sampled a second for orders"), "{page}");
    running.shutdown().await;
}

async fn reached(running: &Running, is_reached: impl Fn(&Snapshot) -> bool) {
    let reached = async {
        while !is_reached(&running.snapshot()) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, reached).await.unwrap();
}

/// Requests, sampled requests, and the seconds in which they came.
async fn measure(running: &Running, route: Route) -> (u64, u64, f64) {
    let before = running.snapshot();
    sleep(MEASURED).await;
    let after = running.snapshot();
    let ((requests, sampled), (requests_after, sampled_after)) = (before.counts(route), after.counts(route));
    (requests_after - requests, sampled_after - sampled, (after.at - before.at).as_secs_f64())
}

fn assert_near(found: u64, expected: f64, tolerance: f64) {
    assert!((found as f64 - expected).abs() <= tolerance, "found {found}, expected {expected} ± {tolerance}");
}
