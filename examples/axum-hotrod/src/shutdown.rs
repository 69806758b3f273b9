//! Stopping: what asks for it, and tasks that can be asked.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

/// How long a task may take to stop: longer than an order takes in the rush hour.
const MAX_GRACE: Duration = Duration::from_secs(5);

/// Returns at Ctrl-C or SIGTERM.
///
/// # Errors
/// The operating system's, if it does not let us listen for signals.
pub async fn interrupted() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// A task that can be asked to stop, by [`stop`](Self::stop) or by dropping this.
#[derive(Debug)]
pub(crate) struct Task<T> {
    asks: oneshot::Sender<Infallible>,
    task: JoinHandle<T>,
}

/// Inside a task: ready when it shall stop.
#[derive(Debug)]
pub(crate) struct Stopped(oneshot::Receiver<Infallible>);

impl<T: Send + 'static> Task<T> {
    /// Spawns a task on the current runtime.
    pub(crate) fn spawn<F: Future<Output = T> + Send + 'static>(task: impl FnOnce(Stopped) -> F) -> Self {
        let (asks, asked) = oneshot::channel();
        Self { asks, task: tokio::spawn(task(Stopped(asked))) }
    }

    /// Asks the task to stop and waits for it, five seconds at most; then it is ended. `None` in that case, and if it
    /// panicked.
    pub(crate) async fn stop(mut self) -> Option<T> {
        drop(self.asks);
        let result = timeout(MAX_GRACE, &mut self.task).await;
        self.task.abort();
        result.ok()?.ok()
    }
}

impl Future for Stopped {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Nothing is ever sent: that the sender is dropped is the message.
        let _ = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_stops_when_asked() {
        let task = Task::spawn(|stopped| async {
            stopped.await;
            "done"
        });
        assert_eq!(task.stop().await, Some("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_ended() {
        let task = Task::spawn(|_stopped| pending::<()>());
        assert_eq!(task.stop().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_asks_too() {
        let (tell, told) = oneshot::channel();
        drop(Task::spawn(|stopped| async {
            stopped.await;
            tell.send(()).ok();
        }));
        assert_eq!(told.await, Ok(()));
    }
}
