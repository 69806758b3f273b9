//! What becomes of a trace header in services that others' libraries trace: the table in `docs/headers.md`.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use axum::{Router, http::HeaderMap, routing::get};
use e2e::{PATIENCE, SHAPES, Shape, sent_on};
use tokio::net::TcpListener;
use xray_local::XrayLocal;

use crate::{
    needs::{Chain, Hop, rewrites},
    program::Server,
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/headers.md");
const START: &str = "<!-- headers: written by scripts/headers -->\n\n";
const END: &str = "\n<!-- end of headers -->";

/// Those of the table's columns, in their order.
const HOPS: [Hop; 4] = [Hop::SdkPython, Hop::SdkNode, Hop::OtelPython, Hop::OtelNode];

pub(crate) async fn the_table_says_what_others_do(chain: Chain) {
    // Or OpenTelemetry's exporters would try again and again.
    let xray_local = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let daemon = xray_local.addr().to_string();
    let listener = Listener::start().await;
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let mut table = String::from(
        "| header | we understand | we send | X-Ray SDK, Python | X-Ray SDK, Node.js | OpenTelemetry, Python | OpenTelemetry, Node.js |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let mut others = Vec::new();
    for hop in HOPS {
        let mut command = chain.command(hop);
        command.args([hop.name(), &daemon, &listener.url]);
        others.push(Server::start(command).await);
    }
    for shape in SHAPES {
        let Shape { name, value } = shape;
        let mut cells = vec![format!("{name}<br>`{value}`"), shape.understood(), shape.sent_on_by_us()];
        for other in &others {
            let url = format!("http://127.0.0.1:{}/", other.port);
            let answer = client.get(url).header("X-Amzn-Trace-Id", value).send().await.unwrap();
            assert!(answer.status().is_success(), "{value}: {}", answer.status());
            let heard = listener.heard.lock().unwrap().take().unwrap();
            cells.push(sent_on(heard.as_deref()));
        }
        table.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    drop(others);
    xray_local.shutdown().await;

    let page = fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(START).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if rewrites() {
        fs::write(PAGE, [before, START, &table, END, after].concat()).unwrap();
    } else {
        assert_eq!(written, table, "docs/headers.md is out of date: run scripts/headers");
    }
}

/// The service behind: it remembers the trace header of the last call.
struct Listener {
    url: String,
    heard: Arc<Mutex<Option<Option<String>>>>,
}

impl Listener {
    async fn start() -> Self {
        let heard = Arc::new(Mutex::new(None));
        let remembered = Arc::clone(&heard);
        let listen = move |headers: HeaderMap| {
            let header = headers.get("x-amzn-trace-id").map(|value| value.to_str().unwrap().to_owned());
            *remembered.lock().unwrap() = Some(header);
            async { "[]" }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, Router::new().route("/", get(listen))).await });
        Self { url, heard }
    }
}
