//! The documents on disk: `tests/golden/<rule>/<case>/{span,document}.json`. Only `scripts/golden` writes documents.

use std::{
    fs,
    path::{Path, PathBuf},
};

use opentelemetry_aws_xray::sink::MemorySink;
use opentelemetry_sdk::trace::SpanExporter;
use xray_wire::validate::validate;

use crate::{
    asked,
    fixture::{Export, Exports, Fixture},
    pretty::{members, pretty},
};

/// The rules in the order of `docs/mapping.md`; each has a folder with cases.
pub(crate) const RULES: [&str; 20] = [
    "identity",
    "segments",
    "split",
    "name",
    "namespace",
    "http",
    "url",
    "flags",
    "cause",
    "sql",
    "aws",
    "place",
    "origin",
    "service",
    "user",
    "annotations",
    "metadata",
    "links",
    "in_progress",
    "limits",
];

#[test]
fn documents_are_as_on_disk() {
    let write = asked("XRAY_GOLDEN").is_some_and(|asked| asked == "write");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for rule in RULES {
        for case in subfolders(&golden().join(rule)) {
            cases += 1;
            let what = format!("{rule}/{}", name(&case));
            match check(&case, write) {
                Ok(()) => {}
                Err(reason) => wrong.push(format!("{what}: {reason}")),
            }
        }
    }
    println!("{cases} cases");
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_has_cases_and_every_case_a_rule() {
    let mut found: Vec<_> = subfolders(&golden()).iter().map(|folder| name(folder)).collect();
    let mut expected = RULES.map(str::to_owned).to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "folders of tests/golden");
    for rule in RULES {
        let cases = subfolders(&golden().join(rule));
        assert!(!cases.is_empty(), "{rule}: expected a case, but found none");
        for case in cases {
            let mut files: Vec<_> = entries(&case).iter().map(|file| name(file)).collect();
            files.sort();
            assert_eq!(files, ["document.json", "span.json"], "{rule}/{}", name(&case));
        }
    }
}

/// Exports what a case says and compares, or writes, what comes out.
fn check(case: &Path, write: bool) -> Result<(), String> {
    let fixture = Fixture::read(&case.join("span.json"));
    let mut cut = 0;
    let mut shown = |export: Export| exported(export, &fixture.show, &mut cut);
    let found = match fixture.exports {
        Exports::One(export) => shown(*export)?,
        Exports::Cases(cases) => {
            let mut table = Vec::new();
            for (label, export) in cases {
                let document = shown(export).map_err(|reason| format!("{label}: {reason}"))?;
                table.push(format!("{}:{document}", serde_json::Value::from(label)));
            }
            format!("{{{}}}", table.join(","))
        }
    };
    let found = pretty(&found);
    if cut != fixture.cut {
        return Err(format!("expected {} cuts to be counted, but found {cut}", fixture.cut));
    }
    let file = case.join("document.json");
    if write {
        return fs::write(&file, found).map_err(|error| error.to_string());
    }
    let expected = fs::read_to_string(&file).map_err(|error| format!("document.json: {error}"))?;
    if expected == found {
        return Ok(());
    }
    let (line, (old, new)) = expected
        .lines()
        .chain([""])
        .zip(found.lines().chain([""]))
        .enumerate()
        .find(|(_, (old, new))| old != new)
        .unwrap();
    Err(format!(
        "{}\n  document.json:{}: expected `{}`, but found `{}`; if that is right, run scripts/golden",
        fixture.why,
        line + 1,
        old.trim(),
        new.trim(),
    ))
}

/// The valid document of an export, or an array of several, with the fields that are to be shown.
fn exported(export: Export, show: &[String], cut: &mut u64) -> Result<String, String> {
    let sink = MemorySink::new(export.max_document_bytes);
    let mut exporter = export.builder.with_sink(sink.clone()).build();
    exporter.set_resource(&export.resource);
    futures_executor::block_on(exporter.export(export.batch)).map_err(|error| error.to_string())?;
    let stats = exporter.stats();
    if stats.spans_sent != stats.spans_in {
        return Err(format!("expected all spans to be sent, but found {stats:?}"));
    }
    *cut += stats.cut;
    let mut documents = sink.take();
    for document in &mut documents {
        validate(document.as_bytes()).map_err(|violation| format!("{violation}: {document}"))?;
        if !show.is_empty() {
            let kept = members(document)
                .into_iter()
                .filter(|(key, _)| show.iter().any(|field| key.trim_matches('"') == field));
            *document = format!(
                "{{{}}}",
                kept.map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(",")
            );
        }
    }
    Ok(match documents.as_slice() {
        [document] => document.clone(),
        many => format!("[{}]", many.join(",")),
    })
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|entry| entry.is_dir()).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
