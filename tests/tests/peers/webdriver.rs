//! A browser that does what it is told: the little of W3C `WebDriver` that the tests need, as JSON over HTTP.
//!
//! The crates for this would turn on features of `serde_json` for the whole workspace, or bring older versions of
//! what it has.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use e2e::PATIENCE;
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{needs::Chromedriver, program::Server};

/// What turns Chromium into a program for tests: without a window, as root, with no business of its own.
const CHROMIUM_ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
];

/// The key under which `WebDriver` hands out elements (its specification, "Elements").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A Chromium with an empty profile. [`quit`](Self::quit) ends it; dropping it ends the driver alone.
#[derive(Debug)]
pub(crate) struct Browser {
    session: String,
    client: Client,
    driver: Server,
}

impl Browser {
    pub(crate) async fn start(chromedriver: &Chromedriver) -> Self {
        let mut command = chromedriver.command();
        command.arg("--port=0");
        let driver = Server::start(command).await;
        let client = Client::builder().no_proxy().timeout(2 * PATIENCE).build().unwrap();
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": CHROMIUM_ARGUMENTS },
            "goog:loggingPrefs": { "browser": "ALL" },
            // How long `find` waits. The driver does it, and asks the page itself.
            "timeouts": { "implicit": PATIENCE.as_millis() as u64 },
        } } });
        let sessions = format!("http://127.0.0.1:{}/session", driver.port);
        let session = call(&client, Method::POST, &sessions, &capabilities).await;
        let session = format!("{sessions}/{}", session["sessionId"].as_str().unwrap());
        Self { session, client, driver }
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.post("url", json!({ "url": url })).await;
    }

    /// Waits until the page has an element for this `XPath`, and hands back the first.
    pub(crate) async fn find(&self, xpath: &str) -> Element<'_> {
        let found = self.post("element", json!({ "using": "xpath", "value": xpath })).await;
        Element { browser: self, path: format!("element/{}", found[ELEMENT].as_str().unwrap()) }
    }

    /// The texts of all elements that there are at the moment for this CSS selector.
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map(found => found.textContent)";
        let found = self.post("execute/sync", json!({ "script": script, "args": [selector] })).await;
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the page has opened another window, and goes on there.
    pub(crate) async fn switch_to_other_window(&self) {
        let here = self.get("window").await;
        let other = async {
            loop {
                let windows = self.get("window/handles").await;
                if let Some(other) = windows.as_array().unwrap().iter().find(|window| **window != here) {
                    return other.clone();
                }
            }
        };
        let other = timeout(PATIENCE, other).await.unwrap();
        self.post("window", json!({ "handle": other })).await;
    }

    /// Saves what the window shows.
    pub(crate) async fn screenshot(&self, file: &Path) {
        let png = BASE64_STANDARD.decode(self.get("screenshot").await.as_str().unwrap()).unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, png).unwrap();
    }

    /// What the console has said since it was last asked: errors of scripts, what the page's policy blocked, requests
    /// that were not answered with success.
    pub(crate) async fn console(&self) -> Vec<Value> {
        self.post("se/log", json!({ "type": "browser" })).await.as_array().unwrap().clone()
    }

    /// Ends the browser, and then its driver.
    pub(crate) async fn quit(self) {
        call(&self.client, Method::DELETE, &self.session, &Value::Null).await;
        drop(self.driver);
    }

    async fn get(&self, command: &str) -> Value {
        call(&self.client, Method::GET, &format!("{}/{command}", self.session), &Value::Null).await
    }

    async fn post(&self, command: &str, body: Value) -> Value {
        call(&self.client, Method::POST, &format!("{}/{command}", self.session), &body).await
    }
}

/// An element of the page that was open when it was found.
#[derive(Debug)]
pub(crate) struct Element<'b> {
    browser: &'b Browser,
    path: String,
}

impl Element<'_> {
    /// Clicks into its middle, as a person would; something that covers it fails the test.
    pub(crate) async fn click(&self) {
        self.browser.post(&format!("{}/click", self.path), json!({})).await;
    }

    /// Its text, as far as a person sees it.
    pub(crate) async fn text(&self) -> String {
        self.browser.get(&format!("{}/text", self.path)).await.as_str().unwrap().to_owned()
    }

    /// One of its properties.
    pub(crate) async fn property(&self, name: &str) -> String {
        self.browser.get(&format!("{}/property/{name}", self.path)).await.as_str().unwrap().to_owned()
    }
}

async fn call(client: &Client, method: Method, url: &str, body: &Value) -> Value {
    let mut request = client.request(method, url.parse::<Url>().unwrap());
    if !body.is_null() {
        request = request.body(body.to_string());
    }
    let response = request.send().await.unwrap();
    let succeeded = response.status().is_success();
    let mut answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert!(succeeded, "{url} {body}: {}", answer["value"]["message"]);
    answer["value"].take()
}
