//! The sink against real sockets on loopback and a clock that is moved by hand.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;
use crate::{
    clock::ManualClock,
    exporter::ExporterStats,
    lookup::{Addresses, Lookup},
};

/// A receiver with the default socket buffer.
struct Receiver(UdpSocket);

impl Receiver {
    fn bind(address: &str) -> Self {
        Self(UdpSocket::bind(address).unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// What has arrived, without the header line. Loopback delivers before `send` returns.
    fn received(&self) -> Vec<String> {
        self.0.set_nonblocking(true).unwrap();
        let mut buffer = vec![0; 70_000];
        std::iter::from_fn(|| self.0.recv(&mut buffer).ok().map(|bytes| buffer[..bytes].to_vec()))
            .map(|datagram| {
                let document = datagram.strip_prefix(pack::DATAGRAM_HEADER).unwrap();
                String::from_utf8(document.to_vec()).unwrap()
            })
            .collect()
    }
}

/// A port where nobody listens.
fn closed() -> SocketAddr {
    Receiver::bind("127.0.0.1:0").address()
}

/// A sink with numbers of its own.
struct Counted {
    sink: DaemonSink,
    report: Report,
}

/// A sink whose resolver answers at once.
fn sink(clock: &ManualClock, resolve: impl Fn() -> Addresses + Send + 'static) -> Counted {
    sink_that_looks_up(clock, move || Lookup::over(resolve()))
}

fn sink_that_looks_up(clock: &ManualClock, look_up: impl Fn() -> Lookup + Send + 'static) -> Counted {
    let endpoint = Endpoint { host: "daemon.test".into(), port: 2000 };
    let sink = DaemonSink::with_parts(endpoint, Arc::new(clock.clone()), Box::new(move |_| look_up()));
    Counted { sink, report: Report::default() }
}

fn documents(texts: &[&str]) -> Documents {
    let mut documents = Documents::default();
    for text in texts {
        documents.push(1, |out| out.extend_from_slice(text.as_bytes()));
    }
    documents
}

/// Sends, and hands back the numbers so far.
fn send(sink: &mut Counted, texts: &[&str]) -> ExporterStats {
    sink.sink.send(&documents(texts), &sink.report);
    sink.report.stats()
}

#[test]
fn documents_arrive_each_in_its_datagram() {
    let receiver = Receiver::bind("127.0.0.1:0");
    let address = receiver.address();
    let mut sink = sink(&ManualClock::new(), move || Ok(vec![address]));
    let stats = send(&mut sink, &["{}", "{\"a\":1}"]);
    assert_eq!((stats.spans_sent, stats.documents_sent, stats.bytes_sent), (2, 2, 9));
    assert_eq!(receiver.received(), ["{}", "{\"a\":1}"]);
}

#[test]
fn rival_10_what_a_restarting_daemon_missed_is_sent_when_it_is_back() {
    let receiver = Receiver::bind("127.0.0.1:0");
    let address = receiver.address();
    let mut sink = sink(&ManualClock::new(), move || Ok(vec![address]));
    send(&mut sink, &["1"]);
    assert_eq!(receiver.received(), ["1"]);
    drop(receiver);

    let stats = send(&mut sink, &["2", "3"]);
    assert_eq!((stats.spans_sent, stats.spans_held), (1, 2));
    assert!(stats.refused > 0);

    let receiver = Receiver::bind(&address.to_string());
    let stats = send(&mut sink, &["4"]);
    assert_eq!((stats.spans_sent, stats.spans_held), (4, 0));
    assert_eq!(receiver.received(), ["2", "3", "4"]);
}

#[test]
fn what_is_held_goes_even_where_there_is_no_time_to_wait() {
    let address = closed();
    let mut sink = sink(&ManualClock::new(), move || Ok(vec![address]));
    assert_eq!(send(&mut sink, &["1"]).spans_held, 1);
    let receiver = Receiver::bind(&address.to_string());
    sink.sink.send_within(&documents(&["2"]), Duration::ZERO, &sink.report);
    assert_eq!(receiver.received(), ["1", "2"]);
}

#[test]
fn a_flush_tries_again_what_is_held() {
    let address = closed();
    let mut sink = sink(&ManualClock::new(), move || Ok(vec![address]));
    assert_eq!(send(&mut sink, &["1"]).spans_held, 1);
    let receiver = Receiver::bind(&address.to_string());
    sink.sink.force_flush(Duration::ZERO, &sink.report);
    assert_eq!(sink.report.stats().spans_held, 1, "no time");
    sink.sink.force_flush(Duration::from_secs(5), &sink.report);
    assert_eq!(sink.report.stats().spans_held, 0);
    assert_eq!(receiver.received(), ["1"]);
}

#[test]
fn the_echo_of_an_older_datagram_costs_nothing() {
    let receiver = Receiver::bind("127.0.0.1:0");
    let address = receiver.address();
    let mut sink = sink(&ManualClock::new(), move || Ok(vec![address]));
    send(&mut sink, &["1"]);
    drop(receiver);
    // An error that is still pending, as from a host further away, where the news takes longer than the call.
    sink.sink.route.link(&ManualClock::new()).unwrap().socket.send(b"lost").unwrap();
    let receiver = Receiver::bind(&address.to_string());
    let stats = send(&mut sink, &["2"]);
    assert_eq!((stats.spans_sent, stats.refused), (2, 1));
    assert_eq!(receiver.received(), ["2"]);
}

#[test]
fn too_many_held_documents_are_counted_oldest_first() {
    let address = closed();
    let mut sink = sink(&ManualClock::new(), move || Ok(vec![address]));
    let large = "x".repeat(60_000);
    let fit = DaemonSink::MAX_HELD_BYTES / large.len();
    let stats = send(&mut sink, &vec![large.as_str(); fit + 1]);
    assert_eq!((stats.spans_held, stats.dropped(DropReason::Unreachable)), (fit as u64, 1));
    sink.sink.shutdown(Duration::from_secs(5), &sink.report);
    let stats = sink.report.stats();
    assert_eq!((stats.spans_held, stats.dropped(DropReason::Unreachable)), (0, fit as u64 + 1));
}

#[test]
fn every_address_of_a_name_is_tried() {
    let receiver = Receiver::bind("127.0.0.1:0");
    let addresses = vec![closed(), receiver.address()];
    let mut sink = sink(&ManualClock::new(), move || Ok(addresses.clone()));
    let stats = send(&mut sink, &["1", "2"]);
    assert_eq!((stats.spans_sent, stats.spans_held), (2, 0));
    assert_eq!(receiver.received(), ["1", "2"]);
}

#[test]
fn a_name_is_resolved_again_when_it_is_due() {
    static RESOLVED: AtomicUsize = AtomicUsize::new(0);
    let old = Receiver::bind("127.0.0.1:0");
    let new = Receiver::bind("127.0.0.1:0");
    let current = Arc::new(Mutex::new(old.address()));
    let shared = Arc::clone(&current);
    let clock = ManualClock::new();
    let mut sink = sink(&clock, move || {
        RESOLVED.fetch_add(1, Ordering::Relaxed);
        Ok(vec![*shared.lock().unwrap()])
    });
    send(&mut sink, &["1"]);
    *current.lock().unwrap() = new.address();
    clock.advance(DaemonSink::RESOLVE_EVERY - Duration::from_millis(1));
    send(&mut sink, &["2"]);
    assert_eq!(RESOLVED.load(Ordering::Relaxed), 1);
    clock.advance(Duration::from_millis(1));
    send(&mut sink, &["3"]);
    assert_eq!(RESOLVED.load(Ordering::Relaxed), 2);
    assert_eq!((old.received(), new.received()), (vec!["1".into(), "2".into()], vec!["3".into()]));
}

#[test]
fn a_daemon_that_moved_is_found_when_the_old_place_refuses() {
    let old = Receiver::bind("127.0.0.1:0");
    let new = Receiver::bind("127.0.0.1:0");
    let current = Arc::new(Mutex::new(old.address()));
    let shared = Arc::clone(&current);
    let clock = ManualClock::new();
    let mut sink = sink(&clock, move || Ok(vec![*shared.lock().unwrap()]));
    send(&mut sink, &["1"]);
    drop(old);
    *current.lock().unwrap() = new.address();
    assert_eq!(send(&mut sink, &["2"]).spans_held, 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(send(&mut sink, &["3"]).spans_sent, 3);
    assert_eq!(new.received(), ["2", "3"]);
}

#[test]
fn a_name_that_does_not_resolve_yet_holds_documents() {
    let receiver = Receiver::bind("127.0.0.1:0");
    let address = receiver.address();
    let ready = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&ready);
    let clock = ManualClock::new();
    let mut sink = sink(&clock, move || match asked.load(Ordering::Relaxed) {
        0 => Err(io::ErrorKind::NotFound.into()),
        1 => Ok(vec![]),
        _ => Ok(vec![address]),
    });
    assert_eq!(send(&mut sink, &["1"]).spans_held, 1);
    clock.advance(Duration::from_secs(1));
    ready.store(1, Ordering::Relaxed);
    assert_eq!(send(&mut sink, &["2"]).spans_held, 2);
    clock.advance(Duration::from_secs(1));
    ready.store(2, Ordering::Relaxed);
    assert_eq!(send(&mut sink, &["3"]).spans_sent, 3);
    assert_eq!(receiver.received(), ["1", "2", "3"]);
}

#[test]
fn a_resolver_that_hangs_is_asked_once_and_others_are_not_held_up() {
    let [old, new] = [(); 2].map(|()| Receiver::bind("127.0.0.1:0"));
    let (answers, lookups) = std::sync::mpsc::channel();
    let clock = ManualClock::new();
    let mut sink = sink_that_looks_up(&clock, move || {
        let (answer, lookup) = Lookup::pending();
        answers.send(answer).unwrap();
        lookup
    });
    assert_eq!(send(&mut sink, &["1"]).spans_held, 1);
    let answer = lookups.try_recv().unwrap();
    clock.advance(Duration::from_secs(20));
    assert_eq!(send(&mut sink, &["2"]).spans_held, 2);
    sink.sink.force_flush(Duration::from_millis(10), &sink.report);
    assert!(lookups.try_recv().is_err(), "asked again before it answered");
    answer.send(Ok(vec![old.address()])).unwrap();
    assert_eq!(send(&mut sink, &["3"]).spans_sent, 3);

    // From now on there are addresses.
    clock.advance(DaemonSink::RESOLVE_EVERY);
    assert_eq!(send(&mut sink, &["4"]).spans_sent, 4);
    let answer = lookups.try_recv().unwrap();
    clock.advance(DaemonSink::RESOLVE_EVERY);
    assert_eq!(send(&mut sink, &["5"]).spans_sent, 5);
    assert!(lookups.try_recv().is_err(), "asked again before it answered");
    answer.send(Ok(vec![new.address()])).unwrap();
    assert_eq!(send(&mut sink, &["6"]).spans_sent, 6);
    assert_eq!(
        (old.received(), new.received()),
        (["1", "2", "3", "4", "5"].map(Into::into).to_vec(), vec!["6".into()])
    );
}

#[test]
fn a_flush_waits_for_the_first_address() {
    let receiver = Receiver::bind("127.0.0.1:0");
    let address = receiver.address();
    let answers = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&answers);
    let mut sink = sink_that_looks_up(&ManualClock::new(), move || {
        let (answer, lookup) = Lookup::pending();
        kept.lock().unwrap().push(answer);
        lookup
    });
    sink.sink.send_within(&documents(&["1"]), Duration::ZERO, &sink.report);
    let answer = answers.lock().unwrap().pop().unwrap();
    let resolver = std::thread::spawn(move || answer.send(Ok(vec![address])));
    sink.sink.shutdown(Duration::from_secs(60), &sink.report);
    resolver.join().unwrap().unwrap();
    assert_eq!(receiver.received(), ["1"]);
}

#[test]
fn a_datagram_that_is_too_large_harms_no_other() {
    let receiver = Receiver::bind("127.0.0.1:0");
    let address = receiver.address();
    let mut sink = sink(&ManualClock::new(), move || Ok(vec![address]));
    let stats = send(&mut sink, &["1", &"x".repeat(MAX_DATAGRAM_BYTES), "2"]);
    assert_eq!((stats.spans_sent, stats.dropped(DropReason::TooLarge)), (2, 1));
    assert_eq!(receiver.received(), ["1", "2"]);
}

/// A clock during whose sleeps a receiver on this machine reads.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone)]
struct ReadingTime {
    clock: ManualClock,
    receiver: Arc<UdpSocket>,
    read: Arc<AtomicUsize>,
}

#[cfg(target_os = "linux")]
impl Clock for ReadingTime {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) {
        self.clock.advance(duration);
        if self.receiver.recv(&mut [0; 70_000]).is_ok() {
            self.read.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_receiver_on_this_machine_is_waited_for() {
    let receiver = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
    receiver.set_nonblocking(true).unwrap();
    let address = receiver.local_addr().unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let time =
        ReadingTime { clock: ManualClock::new(), receiver: Arc::clone(&receiver), read: Arc::clone(&read) };
    let endpoint = Endpoint { host: "daemon.test".into(), port: 2000 };
    let look_up = move |_: &Endpoint| Lookup::over(Ok(vec![address]));
    let sink = DaemonSink::with_parts(endpoint, Arc::new(time), Box::new(look_up));
    let mut sink = Counted { sink, report: Report::default() };
    let text = "x".repeat(10_000);
    let stats = send(&mut sink, &[text.as_str(); 200]);
    assert_eq!((stats.spans_sent, stats.overflowed), (200, 0));
    let rest = std::iter::from_fn(|| receiver.recv(&mut [0; 70_000]).ok()).count();
    assert_eq!(read.load(Ordering::Relaxed) + rest, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn for_a_receiver_that_does_not_read_documents_are_held() {
    let receiver = Receiver::bind("127.0.0.1:0");
    let address = receiver.address();
    let clock = ManualClock::new();
    let mut sink = sink(&clock, move || Ok(vec![address]));
    let text = "x".repeat(10_000);
    let stats = send(&mut sink, &[text.as_str(); 20]);
    assert!(stats.spans_held > 0 && stats.spans_sent + stats.spans_held == 20, "{stats:?}");
    assert!(clock.now() <= Duration::from_millis(101), "{:?}", clock.now());
    let mut arrived = receiver.received().len() as u64;
    assert_eq!(arrived, stats.spans_sent);

    // Each time it reads, half a buffer more goes out.
    while arrived < 20 {
        let stats = send(&mut sink, &[]);
        assert!(stats.spans_sent > arrived, "{stats:?}");
        arrived += receiver.received().len() as u64;
        assert_eq!(arrived, stats.spans_sent);
    }
}
