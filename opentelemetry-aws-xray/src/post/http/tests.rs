//! The client against a server on loopback that does what it is told.

use std::net::TcpListener;

use super::*;
use crate::sink::daemon_tcp::test_server::{Act, Server};

const PATIENCE: Duration = Duration::from_secs(30);

fn client(base_url: impl Into<String>, peer: Option<&str>) -> HttpPost {
    let settings = HttpSettings {
        user_agent: "us/1".into(),
        connect_timeout: PATIENCE,
        idle_connections: 1,
        is_stamped: false,
        peer: peer.map(Into::into),
    };
    HttpPost::new(base_url.into(), settings)
}

fn post(server: &Server, timeout: Duration) -> Result<PostResponse, CallError> {
    let request =
        PostRequest { path: "/x", content_type: "text/plain", content_encoding: None, body: b"body" };
    client(format!("http://{}/base", server.endpoint()), None).post(&request, timeout)
}

#[test]
fn a_request_goes_below_the_base_url_with_the_headers_that_are_set() {
    let server = Server::start(vec![]);
    assert_eq!(post(&server, PATIENCE).unwrap().status, 200);
    let [request] = &server.received()[..] else { panic!("{:?}", server.received()) };
    let head = request.head.to_ascii_lowercase();
    assert_eq!((head.lines().next(), &request.body[..]), (Some("post /base/x http/1.1"), &b"body"[..]));
    for (header, is_sent) in [
        ("content-type: text/plain", true),
        ("content-length: 4", true),
        ("user-agent: us/1", true),
        ("x-amzn-xray-timestamp:", false),
        ("content-encoding:", false),
    ] {
        assert_eq!(head.lines().any(|line| line.starts_with(header)), is_sent, "{header}\n{head}");
    }
}

#[test]
fn answers_and_their_lack_are_told_apart() {
    use CallErrorKind::{Broken, Timeout};
    for (act, expected) in [
        (Act::Close, Err(Broken)),
        (Act::Hang, Err(Timeout)),
        (
            Act::Answer(
                "429 Too Many",
                "Retry-After: 7\r\nx-amzn-errortype: ThrottledException\r\n",
                String::new(),
            ),
            Ok(429),
        ),
        (Act::Answer("307 Elsewhere", "Location: http://127.0.0.1:1/\r\n", String::new()), Ok(307)),
        (Act::Answer("503 Busy", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", String::new()), Ok(503)),
    ] {
        let server = Server::start(vec![act.clone()]);
        let found = post(&server, Duration::from_millis(500));
        assert_eq!(
            found.as_ref().map(|response| response.status).map_err(|error| error.kind),
            expected,
            "{act:?}"
        );
        if let Ok(response) = found {
            assert_eq!(response.retry_after, (response.status == 429).then_some(Duration::from_secs(7)));
        }
    }
}

#[test]
fn nobody_there_and_no_such_name_are_told_apart() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, expected) in [
        (format!("http://{nobody}"), CallErrorKind::Unreachable),
        ("http://no-such-host.invalid:2000".into(), CallErrorKind::Unresolved),
        ("http://".into(), CallErrorKind::Broken),
    ] {
        let request = PostRequest { path: "/", content_type: "", content_encoding: None, body: b"" };
        let error = client(&url, Some("the peer")).post(&request, PATIENCE).unwrap_err();
        assert_eq!(error.kind, expected, "{url}: {}", error.message);
        assert!(error.message.starts_with("the peer: "), "{}", error.message);
    }
}

#[test]
fn a_host_is_looked_up_however_the_url_names_it() {
    for (url, resolves) in [
        ("http://127.0.0.1", true),
        ("http://127.0.0.1:2000/base", true),
        ("http://[::1]:2000", true),
        ("http://no-such-host.invalid/base", false),
        ("no url", true),
    ] {
        assert_eq!(client(url, None).resolves(), resolves, "{url}");
    }
}

#[test]
fn an_endless_answer_is_cut() {
    let server = Server::start(vec![Act::Answer("200 OK", "", "x".repeat(3 * PostResponse::MAX_BODY_BYTES))]);
    assert_eq!(post(&server, PATIENCE).unwrap().body.len(), PostResponse::MAX_BODY_BYTES);
}
