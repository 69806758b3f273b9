//! The traffic: the same mix over and over, of which the first instance gets twice as much as the second.

use std::time::Duration;

use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{Route, instance::Instance};

/// The routes of twenty requests that follow each other.
const MIX: [Route; 20] = {
    use Route::{Health, Order, Payment, Product, SignIn, Subscription};
    [
        Order,
        Health,
        Order,
        Product,
        Order,
        Health,
        Order,
        Product,
        Order,
        Payment,
        Order,
        Health,
        Order,
        Product,
        Order,
        SignIn,
        Order,
        Health,
        Product,
        Subscription,
    ]
};

/// Of so many requests the last goes to the second instance. It has no divisor in common with the length of the mix, so
/// that each instance gets each route.
const THIRD: u64 = 3;

/// How often requests are sent, all together that are due.
const TICK: Duration = Duration::from_millis(10);

/// Sends so many requests a second until it is told to stop. What could not be sent in time comes later, up to a second's worth.
pub(crate) async fn run(instances: [Instance; 2], per_second: u32, mut stop: oneshot::Receiver<()>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut last = Instant::now();
    let (mut due, mut sent) = (0.0, 0);
    loop {
        tokio::select! {
            _ = &mut stop => return,
            now = ticks.tick() => {
                let passed = now.saturating_duration_since(last).min(Duration::from_secs(1));
                last = now;
                due += passed.as_secs_f64() * f64::from(per_second);
            }
        }
        while due >= 1.0 {
            let (instance, route) = nth(sent);
            // It can't fail, and what it answers is of no interest.
            let _ = instances[instance].answer(route.path(sent)).await;
            due -= 1.0;
            sent += 1;
        }
    }
}

/// The instance and the route of a request.
fn nth(number: u64) -> (usize, Route) {
    let instance = usize::from(number % THIRD == THIRD - 1);
    (instance, MIX[(number % MIX.len() as u64) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instance_gets_its_part_of_each_route() {
        let period = MIX.len() as u64 * THIRD;
        for route in Route::ALL {
            let to = |instance| (0..period).filter(|number| nth(*number) == (instance, route)).count();
            assert!(to(1) > 0 && to(0) == 2 * to(1), "{route:?}: {} and {}", to(0), to(1));
        }
    }
}
