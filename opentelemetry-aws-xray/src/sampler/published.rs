//! The table that is in force: replaced rarely, read by every decision.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use xray_wire::sampling::Table;

/// The table in force; `None` while there is none.
type Current = Option<Arc<Table>>;

/// Hands the table in force to many threads without a lock: each keeps the last one that it saw, and looks at one number to
/// learn whether there is a newer. A thread that decides no more keeps its last table in memory.
///
/// The lock is taken once by each thread for each new table, and when a thread decides for several samplers in turn.
#[derive(Debug)]
pub(super) struct Published {
    /// The number of the table in force. No two tables of a process have the same.
    version: AtomicU64,
    current: Mutex<(u64, Current)>,
}

thread_local! {
    static SEEN: RefCell<(u64, Current)> = const { RefCell::new((0, None)) };
}

/// Zero is that of threads which have seen nothing.
static NEXT_VERSION: AtomicU64 = AtomicU64::new(1);

impl Published {
    pub(super) fn new() -> Self {
        let version = next_version();
        Self { version: AtomicU64::new(version), current: Mutex::new((version, None)) }
    }

    /// Puts a table in force, or none.
    pub(super) fn publish(&self, table: Current) {
        let version = next_version();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = (version, table);
        self.version.store(version, Ordering::Release);
    }

    /// The number of the table in force, which changes with it.
    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Looks at the table in force.
    #[inline]
    pub(super) fn read<R>(&self, mut look: impl FnMut(Option<&Table>) -> R) -> R {
        let version = self.version.load(Ordering::Acquire);
        let seen = SEEN.try_with(|seen| {
            let seen = seen.try_borrow().ok().filter(|seen| seen.0 == version)?;
            Some(look(seen.1.as_deref()))
        });
        seen.ok().flatten().unwrap_or_else(|| self.read_anew(look))
    }

    /// For a thread that has not seen the table, that ends, or that decides while it decides.
    #[cold]
    fn read_anew<R>(&self, look: impl FnOnce(Option<&Table>) -> R) -> R {
        let now = self.now();
        let _ = SEEN.try_with(|seen| seen.try_borrow_mut().map(|mut seen| seen.clone_from(&now)));
        look(now.1.as_deref())
    }

    fn now(&self) -> (u64, Current) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn next_version() -> u64 {
    NEXT_VERSION.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use xray_wire::sampling::{Process, Rate, Rule};

    use super::*;

    fn table(name: &str) -> Current {
        Some(Arc::new(Table::local(vec![Rule::for_all(name, 1, 0, Rate::NEVER)], &Process::default())))
    }

    fn name(published: &Published) -> Option<String> {
        published.read(|table| table.map(|table| table.entries()[0].rule.name.to_string()))
    }

    #[test]
    fn every_thread_sees_the_last_one() {
        let published = Arc::new(Published::new());
        assert_eq!(name(&published), None);
        for n in 0..3 {
            published.publish(table(&n.to_string()));
            let other = published.clone();
            assert_eq!(thread::spawn(move || name(&other)).join().unwrap(), Some(n.to_string()));
            assert_eq!(name(&published), Some(n.to_string()));
        }
        published.publish(None);
        assert_eq!(name(&published), None);
    }

    #[test]
    fn one_sampler_does_not_see_another_s() {
        let (a, b) = (Published::new(), Published::new());
        a.publish(table("a"));
        b.publish(table("b"));
        for _ in 0..2 {
            assert_eq!((name(&a).unwrap(), name(&b).unwrap()), ("a".into(), "b".into()));
        }
        // A decision within a decision.
        a.read(|_| assert_eq!(name(&b).unwrap(), "b"));
        a.publish(table("c"));
        assert_eq!(name(&a).unwrap(), "c");
    }
}
