//! The thread on which the AWS SDK runs.
//!
//! The SDK needs a tokio runtime. Its callers here stand on any thread: that of the batch processor, which has no runtime; a
//! worker of the application's, which may be its only one, or about to end. So the SDK gets a runtime of its own, and callers
//! wait for it as for any other call that blocks.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex, PoisonError, Weak, mpsc},
    thread,
    time::Duration,
};

use opentelemetry::Context;
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

const THREAD_NAME: &str = "xray-aws";

/// One in a process, shared by all that need it: a second runtime would be a second thread with nothing to do.
static SHARED: Mutex<Weak<Driver>> = Mutex::new(Weak::new());

/// A runtime and its thread, which ends with the driver.
#[derive(Debug)]
pub(crate) struct Driver {
    runtime: Handle,
    /// Never used; its end is what the thread waits for.
    _alive: oneshot::Sender<Infallible>,
}

/// Why work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// It took too long and was abandoned.
    TimedOut,
    /// It panicked.
    Panicked,
}

impl Driver {
    /// The process's driver, which is started if nobody has it.
    ///
    /// # Errors
    /// The operating system's, if it gives no thread.
    pub(crate) fn shared() -> io::Result<Arc<Self>> {
        Self::shared_in(&SHARED)
    }

    fn shared_in(place: &Mutex<Weak<Self>>) -> io::Result<Arc<Self>> {
        let mut shared = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = shared.upgrade() {
            return Ok(driver);
        }
        let driver = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&driver);
        Ok(driver)
    }

    /// Does work on the driver's thread and waits for its result.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unfinished> {
        let (done, result) = mpsc::sync_channel(1);
        let task = self.runtime.spawn(async move {
            let _ = done.send(work.await);
        });
        result.recv_timeout(timeout).map_err(|error| {
            task.abort();
            match error {
                mpsc::RecvTimeoutError::Timeout => Unfinished::TimedOut,
                mpsc::RecvTimeoutError::Disconnected => Unfinished::Panicked,
            }
        })
    }

    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_name(THREAD_NAME)
            // Threads on which host names are resolved.
            .on_thread_start(suppress_telemetry)
            .build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel();
        thread::Builder::new().name(THREAD_NAME.into()).spawn(move || {
            suppress_telemetry();
            let _ = runtime.block_on(ended);
            // A host name that is being resolved would be waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, _alive: alive })
    }
}

/// Keeps this thread from making spans as long as it lives: what we send must not give rise to something to send.
fn suppress_telemetry() {
    std::mem::forget(Context::enter_telemetry_suppressed_scope());
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn work_runs_on_one_thread_with_a_runtime_and_without_telemetry() {
        let driver = Driver::start().unwrap();
        let work = || async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            (thread::current().id(), Context::current().is_telemetry_suppressed())
        };
        let (thread, suppressed) = driver.run(PATIENCE, work()).unwrap();
        assert!(suppressed);
        assert_ne!(thread, thread::current().id());
        assert_eq!(driver.run(PATIENCE, work()), Ok((thread, true)));
        let blocking = async {
            tokio::task::spawn_blocking(|| Context::current().is_telemetry_suppressed()).await.unwrap()
        };
        assert_eq!(driver.run(PATIENCE, blocking), Ok(true));
        assert!(!Context::current().is_telemetry_suppressed());
    }

    #[test]
    fn callers_may_stand_in_any_runtime() {
        let driver = Driver::start().unwrap();
        let call = || driver.run(PATIENCE, async { 7 });
        let single = Builder::new_current_thread().build().unwrap();
        let multi = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        assert_eq!(single.block_on(async { call() }), Ok(7));
        assert_eq!(multi.block_on(async { call() }), Ok(7));
        drop((single, multi));
        assert_eq!(call(), Ok(7));
    }

    #[test]
    fn what_hangs_or_panics_harms_no_other() {
        let driver = Driver::start().unwrap();
        let (dropped, was_dropped) = mpsc::channel::<Infallible>();
        let hanging = async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        };
        assert_eq!(driver.run(Duration::from_millis(1), hanging), Err(Unfinished::TimedOut));
        assert_eq!(was_dropped.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        let panicking = async { panic!("as the test wants it") };
        assert_eq!(driver.run::<()>(PATIENCE, panicking), Err(Unfinished::Panicked));
        assert_eq!(driver.run(PATIENCE, async { 7 }), Ok(7));
    }

    #[test]
    fn the_thread_ends_with_the_last_user() {
        let place = Mutex::default();
        let first = Driver::shared_in(&place).unwrap();
        let second = Driver::shared_in(&place).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let (dropped, was_dropped) = mpsc::channel::<Infallible>();
        first.runtime.spawn(async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        });
        drop(first);
        assert_eq!(second.run(PATIENCE, async { 7 }), Ok(7));
        drop(second);
        // The runtime takes its tasks with it.
        assert_eq!(was_dropped.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        assert_eq!(Driver::shared_in(&place).unwrap().run(PATIENCE, async { 7 }), Ok(7));
    }
}
