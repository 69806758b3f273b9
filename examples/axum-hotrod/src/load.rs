//! Load: customers who never stop ordering.

use std::{fmt, net::SocketAddr, time::Duration};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::{customer::CUSTOMERS, dice::Dice, shutdown::Stopped};

/// Orders under way at most, so that connections stay well below the usual limit of 1024 open files: an order
/// holds up to six of them in this process.
const MAX_UNDER_WAY: usize = 128;

/// What became of the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LoadCounts {
    served: u64,
    failed: u64,
    skipped: u64,
}

impl fmt::Display for LoadCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { served, failed, skipped } = self;
        write!(f, "{served} orders served, {failed} failed")?;
        if *skipped > 0 {
            write!(f, ", {skipped} skipped because {MAX_UNDER_WAY} were under way")?;
        }
        Ok(())
    }
}

/// Orders for random customers, so many times a second, over real HTTP. Orders that are under way when it stops are
/// not counted.
pub(crate) async fn run(
    client: reqwest::Client,
    frontend: SocketAddr,
    per_second: f64,
    dice: Dice,
    mut stopped: Stopped,
) -> LoadCounts {
    let mut counts = LoadCounts::default();
    let mut orders = JoinSet::new();
    let mut ticks = interval(Duration::from_secs_f64(per_second.recip()));
    // A moment in which this machine was busy is not made up for by a burst.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = &mut stopped => return counts,
            Some(order) = orders.join_next() => match order {
                Ok(Ok(())) => counts.served += 1,
                _ => counts.failed += 1,
            },
            _ = ticks.tick() => {
                if orders.len() < MAX_UNDER_WAY {
                    orders.spawn(order(client.clone(), frontend, anybody(&dice)));
                } else {
                    counts.skipped += 1;
                }
            }
        }
    }
}

fn anybody(dice: &Dice) -> u32 {
    let any = dice.number(0..=CUSTOMERS.len() as u32 - 1) as usize;
    CUSTOMERS[any].0
}

async fn order(client: reqwest::Client, frontend: SocketAddr, customer: u32) -> reqwest::Result<()> {
    let url = format!("http://{frontend}/dispatch?customer={customer}");
    client.get(url).send().await?.error_for_status()?.bytes().await.map(drop)
}
