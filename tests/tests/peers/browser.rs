//! HotROD and the viewer in Chromium, as a person meets them: by clicks alone.

use std::{panic::resume_unwind, sync::Arc};

use e2e::Stage;
use serde_json::Value;

use crate::{
    needs::{Chromedriver, picture},
    webdriver::Browser,
};

/// The segments that each service has in the trace of an order.
const SERVICES: [(&str, usize); 4] = [("frontend", 1), ("customer", 1), ("driver", 1), ("route", 10)];

/// What the services call that does not report itself, as the map names it.
const INFERRED: [&str; 2] = ["customers@mysql", "redis"];

pub(crate) async fn an_order_is_followed_by_clicks(chromedriver: Chromedriver) {
    let stage = Stage::start().await;
    let browser = Arc::new(Browser::start(&chromedriver).await);
    // In a task of its own, so that the browser is ended whatever the visit comes to.
    let visit = tokio::spawn(visit(Arc::clone(&browser), stage.front_page())).await;
    Arc::into_inner(browser).unwrap().quit().await;
    let received = stage.finish().await.received;
    if let Err(failure) = visit {
        resume_unwind(failure.into_panic());
    }
    assert_eq!((received.traces.len(), received.rejected.len()), (1, 0));
}

async fn visit(browser: Arc<Browser>, front_page: String) {
    let trace_id = order(&browser, &front_page).await;
    waterfall(&browser, &trace_id).await;
    map(&browser).await;
    traces(&browser, &trace_id).await;
}

/// Orders a ride and follows the link to its trace at once, like somebody who can't wait.
async fn order(browser: &Browser, front_page: &str) -> String {
    browser.open(front_page).await;
    browser.find("//button[contains(., 'Trom Chocolatier')]").await.click().await;
    let link = browser.find("//ol[@id='orders']/li/a[.='See the trace']").await;
    let line = browser.find("//ol[@id='orders']/li").await.text().await;
    for expected in ["comes to Trom Chocolatier", " min", "answered in"] {
        assert!(line.contains(expected), "{expected} in {line}");
    }
    look(browser, "order").await;
    let url = link.property("href").await;
    link.click().await;
    browser.switch_to_other_window().await;
    url.rsplit_once('/').unwrap().1.to_owned()
}

/// The page of a trace fills as its segments arrive.
async fn waterfall(browser: &Browser, trace_id: &str) {
    for (service, segments) in SERVICES {
        let rows = format!("count(//summary//*[contains(@class, 'segment') and .='{service}']) = {segments}");
        browser.find(&format!("//section[{rows}]")).await;
    }
    let names = browser.texts(".waterfall summary .name").await;
    for name in ["customers@mysql", "redis", "find the fastest driver", "calculate the route"] {
        assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
    }
    let head = browser.find("//header[@class='trace']").await.text().await;
    for expected in ["frontend", "GET", "/dispatch?customer=392", "200", "13 and ", trace_id] {
        assert!(head.contains(expected), "{expected} in {head}");
    }
    look(browser, "waterfall").await;

    browser.find("//details[@class='row']/summary[.//*[.='frontend']]").await.click().await;
    let detail = browser.find("//details[@class='row' and @open]").await.text().await;
    assert!(detail.contains("hotrod.customer") && detail.contains("hotrod.driver"), "{detail}");
    look(browser, "detail").await;
}

async fn map(browser: &Browser) {
    browser.find("//nav//a[starts-with(., 'Service map')]").await.click().await;
    browser.find("//h1[.='Service map']").await;
    let shown = |selector| browser.texts(selector);
    let all = shown("#picture .service .title").await;
    for name in SERVICES.map(|(service, _)| service).iter().chain(&INFERRED) {
        assert!(all.iter().any(|title| title == name), "{name} in {all:?}");
    }
    let mut inferred = shown("#picture .service:has(.disc.inferred) .title").await;
    inferred.retain(|title| title != "Client");
    inferred.sort();
    assert_eq!(inferred, INFERRED);
    look(browser, "map").await;
}

async fn traces(browser: &Browser, trace_id: &str) {
    browser.find("//nav//a[starts-with(., 'Traces')]").await.click().await;
    let row = browser.find(&format!("//tbody/tr[.//a[contains(@href, '{trace_id}')]]")).await.text().await;
    for expected in ["frontend", "GET", "/dispatch?customer=392", "200"] {
        assert!(row.contains(expected), "{expected} in {row}");
    }
    assert_eq!(browser.texts("tbody tr").await.len(), 1);
    look(browser, "traces").await;
}

/// Takes a picture, and sees to it that no page has complained.
async fn look(browser: &Browser, name: &str) {
    browser.screenshot(&picture(name)).await;
    let complaints: Vec<_> = browser.console().await.into_iter().filter(|entry| !is_awaited(entry)).collect();
    assert!(complaints.is_empty(), "{name}: {complaints:#?}");
}

/// The page of a trace is a 404 until the first segment is there.
fn is_awaited(entry: &Value) -> bool {
    let message = entry["message"].as_str().unwrap();
    message.contains("/trace/") && message.contains("404")
}
