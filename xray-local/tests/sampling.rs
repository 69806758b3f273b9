//! The sampling service and its page, as a client and a person meet them.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use reqwest::{Client, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use xray_local::{ErrorAnswer, Fault, Faults, StartError, XrayLocal};

const CLIENT: &str = "0123456789abcdef01234567";

async fn start() -> XrayLocal {
    XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap()
}

async fn call(xray: &XrayLocal, path: &str, body: Value) -> (StatusCode, String, Value) {
    let request = Client::new().post(format!("{}{path}", xray.url())).header("user-agent", "<b>test</b>");
    let response = request.body(body.to_string()).send().await.unwrap();
    let error = response.headers().get("x-amzn-errortype").map(|error| error.to_str().unwrap().to_owned());
    let status = response.status();
    (status, error.unwrap_or_default(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

async fn page(xray: &XrayLocal) -> String {
    reqwest::get(format!("{}/sampling", xray.url())).await.unwrap().text().await.unwrap()
}

/// Sends a form as a browser does, and does not follow where it leads.
async fn submit(xray: &XrayLocal, path: &str, form: &str) -> (StatusCode, String) {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client.post(format!("{}{path}", xray.url())).body(form.to_owned());
    let response = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

fn rule(name: &str) -> Value {
    json!({
        "RuleName": name, "ResourceARN": "*", "Priority": 10, "FixedRate": 0.25, "ReservoirSize": 5, "ServiceName": "*",
        "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "/cart*", "Version": 1,
    })
}

#[tokio::test]
async fn a_rule_is_made_used_changed_and_deleted() {
    let xray = start().await;
    let (status, _, created) =
        call(&xray, "/CreateSamplingRule", json!({"SamplingRule": rule("cart")})).await;
    assert_eq!(
        (status, &created["SamplingRuleRecord"]["SamplingRule"]["URLPath"]),
        (StatusCode::OK, &json!("/cart*"))
    );

    let statistics = json!({"SamplingStatisticsDocuments": [
        {"RuleName": "cart", "ClientID": CLIENT, "Timestamp": 1, "RequestCount": 40, "SampledCount": 10, "BorrowCount": 1},
    ]});
    let (_, _, targets) = call(&xray, "/SamplingTargets", statistics).await;
    assert_eq!(targets["SamplingTargetDocuments"][0]["ReservoirQuota"], 5);
    let shown = page(&xray).await;
    let chart = "Sampled a second for cart, up to 1\"";
    for part in ["path /cart*", "25 %", "5 /s for ", CLIENT, "&#60;b&#62;test", "1 ×, now", chart] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shown.contains("<b>test"));

    let update = json!({"SamplingRuleUpdate": {"RuleName": "cart", "FixedRate": 1}});
    let (_, _, updated) = call(&xray, "/UpdateSamplingRule", update).await;
    assert_eq!(updated["SamplingRuleRecord"]["SamplingRule"]["FixedRate"], 1.0);
    let (_, _, rules) = call(&xray, "/GetSamplingRules", json!({})).await;
    assert_eq!(rules["SamplingRuleRecords"][0]["SamplingRule"]["FixedRate"], 1.0);
    assert_eq!(call(&xray, "/DeleteSamplingRule", json!({"RuleName": "cart"})).await.0, StatusCode::OK);
    let (_, _, rules) = call(&xray, "/GetSamplingRules", json!({})).await;
    assert_eq!(rules["SamplingRuleRecords"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn calls_that_can_not_be_meant_are_refused_as_aws_does() {
    let xray = start().await;
    let mut without_host = rule("a");
    without_host.as_object_mut().unwrap().remove("Host");
    for (path, body, error) in [
        ("/CreateSamplingRule", json!({"SamplingRule": without_host}), "InvalidRequestException"),
        ("/CreateSamplingRule", json!({}), "InvalidRequestException"),
        ("/UpdateSamplingRule", json!({"SamplingRuleUpdate": {"RuleName": "a"}}), "InvalidRequestException"),
        ("/DeleteSamplingRule", json!({"RuleName": "Default"}), "InvalidRequestException"),
        ("/GetSamplingRules", json!({"NextToken": "x"}), "InvalidRequestException"),
        ("/SamplingTargets", json!({}), "InvalidRequestException"),
        ("/SamplingStatisticSummaries", json!({"NextToken": "x"}), "InvalidRequestException"),
    ] {
        let (status, found, answer) = call(&xray, path, body).await;
        assert_eq!((status, found.as_str()), (StatusCode::BAD_REQUEST, error), "{path}");
        assert!(answer["message"].is_string(), "{path}");
    }
    for number in 0..25 {
        call(&xray, "/CreateSamplingRule", json!({"SamplingRule": rule(&number.to_string())})).await;
    }
    let (_, error, _) = call(&xray, "/CreateSamplingRule", json!({"SamplingRule": rule("more")})).await;
    assert_eq!(error, "RuleLimitExceededException");
}

#[tokio::test]
async fn rules_are_edited_by_plain_forms() {
    let xray = start().await;
    let form = "new=yes&name=shop&priority=7&reservoir=2&fixed_rate=12.5&http_method=GET&url_path=%2F*&host=*&\
                service_name=*&service_type=*&resource_arn=*&attributes=a%3Db&boost_max_rate=50&boost_cooldown=3";
    assert_eq!(submit(&xray, "/sampling/save", form).await.0, StatusCode::SEE_OTHER);
    let (status, shown) = submit(&xray, "/sampling/save", form).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(shown.contains("Not saved:") && shown.contains("exists already"), "{shown}");
    let reloaded = reqwest::get(format!("{}/sampling/save", xray.url())).await.unwrap();
    assert_eq!((reloaded.status(), reloaded.url().path()), (StatusCode::OK, "/sampling"));
    let change =
        form.replace("new=yes&", "").replace("12.5", "5").replace("boost_max_rate=50", "boost_max_rate=");
    assert_eq!(submit(&xray, "/sampling/save", &change).await.0, StatusCode::SEE_OTHER);
    let default = "name=Default&reservoir=0&fixed_rate=1&boost_max_rate=&boost_cooldown=";
    assert_eq!(submit(&xray, "/sampling/save", default).await.0, StatusCode::SEE_OTHER);

    let (_, _, rules) = call(&xray, "/GetSamplingRules", json!({})).await;
    let [shop, default] = rules["SamplingRuleRecords"].as_array().unwrap().as_slice() else {
        panic!("{rules}")
    };
    let shop = &shop["SamplingRule"];
    assert_eq!((&shop["FixedRate"], &shop["Attributes"]), (&json!(0.05), &json!({"a": "b"})));
    assert_eq!(shop.get("SamplingRateBoost"), None);
    assert_eq!(default["SamplingRule"]["FixedRate"], 0.01);
    assert_eq!(submit(&xray, "/sampling/delete", "name=shop").await.0, StatusCode::SEE_OTHER);
    assert_eq!(submit(&xray, "/sampling/delete", "name=shop").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn rules_come_from_json_and_on_pages() {
    let json = r#"[{"RuleName": "b", "Priority": 2}, {"RuleName": "a", "Priority": 1}]"#;
    let builder = XrayLocal::builder().with_addr("127.0.0.1:0").with_rules_per_page(2);
    let xray = builder.clone().with_sampling_rules(json).start().await.unwrap();
    let (_, _, first) = call(&xray, "/GetSamplingRules", json!({})).await;
    let (_, _, second) = call(&xray, "/GetSamplingRules", json!({"NextToken": first["NextToken"]})).await;
    let names = |page: &Value| {
        let records = page["SamplingRuleRecords"].as_array().unwrap().iter();
        records
            .map(|record| record["SamplingRule"]["RuleName"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&first), names(&second)),
        (vec!["a".to_owned(), "b".to_owned()], vec!["Default".to_owned()])
    );
    assert_eq!(second.get("NextToken"), None);
    let error = builder.with_sampling_rules("[{}]").start().await.unwrap_err();
    assert!(matches!(&error, StartError::SamplingRules { .. }), "{error}");
}

#[tokio::test]
async fn a_call_without_a_body_has_no_parameters() {
    let xray = start().await;
    for (path, expected) in
        [("/GetSamplingRules", StatusCode::OK), ("/SamplingTargets", StatusCode::BAD_REQUEST)]
    {
        let response = Client::new().post(format!("{}{path}", xray.url())).send().await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
    }
}

#[tokio::test]
async fn faults_strike_samplers_too() {
    let xray = start().await;
    let fault = Fault::from(ErrorAnswer::new(429)).on("/GetSamplingRules").times(1);
    xray.set_faults(Faults::default().with(fault));
    assert_eq!(call(&xray, "/GetSamplingRules", json!({})).await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(call(&xray, "/GetSamplingRules", json!({})).await.0, StatusCode::OK);
}
