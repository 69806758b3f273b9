//! Calls over HTTP.

use super::*;

/// Answers one request after the other, each on the connection that it comes on, and hands out what they said.
fn serve(answers: Vec<String>) -> (String, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let head = head.to_ascii_lowercase();
            let length = head.split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            sender.send((head, String::from_utf8(body).unwrap())).unwrap();
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, requests)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

#[test]
fn calls_over_http() {
    let too_large = " ".repeat(2 << 20);
    let (address, requests) = serve(vec![
        answer("200 OK", &default_page()),
        answer("200 OK", NO_TARGETS),
        answer("403 Forbidden", "{\"message\":\"no\ncredentials\"}"),
        answer("302 Found", ""),
        answer("200 OK", &too_large),
    ]);
    let mut api = HttpSamplingApi::new(&address);
    assert_eq!(api.endpoint(), format!("http://{address}"));
    assert_eq!(api.rules(None).unwrap().rules.len(), 1);
    let (head, body) = requests.recv().unwrap();
    assert!(head.starts_with("post /getsamplingrules http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert!(!head.contains("expect:") && !head.contains("transfer-encoding"), "{head}");
    assert_eq!(body, "{}");

    api.targets(ClientId::from_random([7; 12]), 0, &[]).unwrap();
    let (head, body) = requests.recv().unwrap();
    assert!(head.starts_with("post /samplingtargets http/1.1\r\n"), "{head}");
    assert_eq!(body, r#"{"SamplingStatisticsDocuments":[]}"#);

    for expected in [
        r#"the answer was 403 Forbidden: {\"message\":\"no\ncredentials\"}"#,
        "the answer was 302 Found: ",
        "expected at most 1048576 bytes, but found 1048577",
    ] {
        assert_eq!(api.rules(Some("t")).unwrap_err().to_string(), expected);
        assert_eq!(requests.recv().unwrap().1, r#"{"NextToken":"t"}"#);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = HttpSamplingApi::new(&format!("http://{nobody}/")).rules(None).unwrap_err().to_string();
    assert!(error.to_lowercase().contains("refused"), "{error}");
}

#[test]
fn a_password_is_sent_and_never_shown() {
    let (address, requests) = serve(vec![answer("200 OK", &default_page())]);
    let mut api = HttpSamplingApi::new(&format!("user:secret@{address}"));
    api.rules(None).unwrap();
    let (head, _) = requests.recv().unwrap();
    assert!(head.contains("authorization: basic dxnlcjpzzwnyzxq="), "{head}");
    assert_eq!(api.endpoint(), format!("http://{address}"));
    assert!(!format!("{api:?}").contains("secret"), "{api:?}");
    for endpoint in
        ["http://user:secret@", "http://user:se/cret@h", "https://user:secret@h", "ftp://user:secret@h"]
    {
        let mut api = HttpSamplingApi::new(endpoint);
        let shown = format!("{} {}", api.endpoint(), api.rules(None).unwrap_err());
        assert!(!shown.contains("cret"), "{shown}");
    }
}
