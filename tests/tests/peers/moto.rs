//! What we send, as somebody else's X-Ray reads it.

use std::collections::BTreeMap;

use e2e::Stage;
use serde_json::{Value, json};

use crate::{needs::Python, program::run};

fn id_of(document: &str) -> String {
    let document: Value = serde_json::from_str(document).unwrap();
    document["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn gives_back_what_hotrod_sent(python: Python) {
    let stage = Stage::start().await;
    let orders = [stage.order("392", None).await, stage.order("999", None).await];
    let received = stage.finish().await.received;
    assert_eq!(received.traces.len(), orders.len());

    for (trace, status) in received.traces.iter().rev().zip([200, 404]) {
        let sent: BTreeMap<String, &str> =
            trace.documents.iter().map(|document| (id_of(&document.json), document.json.as_str())).collect();
        let documents: Vec<_> = sent.values().collect();
        let id = trace.id.to_string();
        let answer =
            run(python.script("put_to_moto.py"), &json!({"trace_id": id, "documents": documents})).await;

        assert_eq!(answer["put"]["UnprocessedTraceSegments"], json!([]), "{status}");
        assert_eq!(answer["got"]["UnprocessedTraceIds"], json!([]), "{status}");
        assert_eq!(answer["got"]["Traces"][0]["Id"], json!(id), "{status}");
        let segments = answer["got"]["Traces"][0]["Segments"].as_array().unwrap();
        let got: BTreeMap<String, &str> = segments
            .iter()
            .map(|segment| {
                (segment["Id"].as_str().unwrap().to_owned(), segment["Document"].as_str().unwrap())
            })
            .collect();
        assert_eq!(got, sent, "{status}");
        let [summary] = answer["summaries"].as_array().unwrap().as_slice() else { panic!("{answer:#}") };
        assert_eq!((&summary["Id"], &summary["HasFault"]), (&json!(id), &json!(false)), "{status}");
        assert_eq!(summary["HasError"], json!(status == 404), "{status}");
    }
}
