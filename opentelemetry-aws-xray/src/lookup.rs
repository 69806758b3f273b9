//! The addresses of a host, looked up on a thread of its own: the operating system's resolver takes no bound, and some take minutes
//! to say that nobody answers them.

use std::{
    io,
    net::SocketAddr,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

/// What a lookup found.
pub(crate) type Addresses = io::Result<Vec<SocketAddr>>;

/// A lookup on its way.
#[derive(Debug)]
pub(crate) struct Lookup(Receiver<Addresses>);

impl Lookup {
    /// Starts to look on a thread, which ends when the resolver answers, even if nobody wants to know any more. Finds an error if no
    /// thread can be started.
    pub(crate) fn start(look: impl FnOnce() -> Addresses + Send + 'static) -> Self {
        let (answer, lookup) = Self::pending();
        let name = "opentelemetry-aws-xray.lookup".to_owned();
        match thread::Builder::new().name(name).spawn(move || answer.send(look())) {
            Ok(_) => lookup,
            Err(error) => Self::over(Err(error)),
        }
    }

    /// A lookup that found this.
    pub(crate) fn over(found: Addresses) -> Self {
        let (answer, lookup) = Self::pending();
        // It can't fail: its other end is here.
        let _ = answer.send(found);
        lookup
    }

    /// A lookup, and where its answer goes.
    pub(crate) fn pending() -> (Sender<Addresses>, Self) {
        let (answer, pending) = mpsc::channel();
        (answer, Self(pending))
    }

    /// The answer, if it is there within the time.
    pub(crate) fn answer(&self, wait: Duration) -> Option<Addresses> {
        match self.0.recv_timeout(wait) {
            Ok(addresses) => Some(addresses),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(io::Error::other("the lookup broke off"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_waited_for() {
        let address: SocketAddr = "127.0.0.1:2000".parse().unwrap();
        let lookup = Lookup::start(move || Ok(vec![address]));
        assert_eq!(lookup.answer(Duration::from_secs(60)).unwrap().unwrap(), [address]);
    }

    #[test]
    fn a_resolver_that_hangs_does_not_hang_others() {
        let (answer, lookup) = Lookup::pending();
        assert!(lookup.answer(Duration::ZERO).is_none());
        answer.send(Ok(vec![])).unwrap();
        assert!(lookup.answer(Duration::ZERO).unwrap().unwrap().is_empty());
    }

    #[test]
    fn a_lookup_that_panics_is_an_error() {
        let lookup = Lookup::start(|| panic!("as told"));
        assert!(lookup.answer(Duration::from_secs(60)).unwrap().is_err());
    }
}
