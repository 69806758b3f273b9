//! Documents that have to agree with code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use opentelemetry_aws_xray::config::variables_markdown;
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn the_table_of_variables_is_the_one_in_the_code() {
    let document = read("docs/configuration.md");
    let table =
        between(&document, "<!-- variables: written by scripts/docs -->\n\n", "\n<!-- end of variables -->");
    assert_eq!(table, variables_markdown(), "docs/configuration.md is out of date: run scripts/docs");
}

#[test]
fn the_code_in_documents_is_that_of_the_examples() {
    for (document, examples) in [
        ("README.md", ["first_trace"].as_slice()),
        ("docs/getting-started.md", ["getting_started", "tracing"].as_slice()),
        ("docs/tracing.md", ["from_tracing"].as_slice()),
        ("docs/lambda.md", ["lambda", "lambda_tracing"].as_slice()),
        ("docs/client.md", ["client", "grpc"].as_slice()),
        ("docs/sampling.md", ["sampling", "adaptive_sampling"].as_slice()),
        ("docs/server.md", ["server_axum", "server_hyper"].as_slice()),
    ] {
        let text = read(document);
        let blocks = rust_blocks(&text);
        assert_eq!(blocks.len(), examples.len(), "blocks of Rust in {document}");
        for (block, example) in blocks.iter().zip(examples) {
            let example = format!("opentelemetry-aws-xray/examples/{example}.rs");
            let code = read(&example);
            assert!(same_code(block, without_header(&code)), "{document} and {example} differ:\n{block}");
        }
    }
}

#[test]
fn the_recipes_for_sql_are_those_that_are_tested() {
    let blocks = rust_blocks(&read("docs/sql.md"));
    let recipes = ["sqlx", "diesel"].map(|name| read(&format!("tests/tests/sql/{name}.rs")));
    assert_eq!(blocks.len(), recipes.len());
    for (block, recipe) in blocks.iter().zip(recipes) {
        let recipe = without_header(&recipe).replace("pub(crate) ", "");
        assert!(same_code(block, &recipe), "docs/sql.md and a recipe differ:\n{block}");
    }
}

#[test]
fn every_dependency_has_a_reason_and_every_reason_a_dependency() {
    let document = read("CONTRIBUTING.md");
    let (_, table) = document.split_once("| dependency | used by | why |\n|---|---|---|\n").unwrap();
    let mut documented = BTreeSet::new();
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, used_by, why] = cells[..] else { panic!("not three cells: {row}") };
        assert!(!why.is_empty(), "no reason: {row}");
        assert!(documented.insert(format!("| {name} | {used_by} |")), "twice: {row}");
    }
    let named = direct_dependencies();
    let missing: Vec<_> = named.difference(&documented).collect();
    let gone: Vec<_> = documented.difference(&named).collect();
    assert!(missing.is_empty() && gone.is_empty(), "CONTRIBUTING.md lacks {missing:#?} and has {gone:#?}");
}

/// `cargo test --workspace` compiles the library with what its members ask for.
#[test]
fn the_tests_turn_on_every_feature() {
    let metadata = metadata();
    let package = |name: &str| {
        metadata["packages"].as_array().unwrap().iter().find(|package| package["name"] == name).unwrap()
    };
    let texts = |value: &Value| -> BTreeSet<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let library = package("opentelemetry-aws-xray");
    let here = package("e2e")["dependencies"].as_array().unwrap();
    let here = here.iter().find(|dependency| dependency["name"] == "opentelemetry-aws-xray").unwrap();
    let mut turned_on = texts(&here["features"]);
    turned_on.extend(texts(&library["features"]["default"]));
    let features = library["features"].as_object().unwrap().keys();
    let missing: Vec<_> = features
        .filter(|name| *name != "default" && !name.starts_with('_') && !turned_on.contains(*name))
        .collect();
    assert!(missing.is_empty(), "tests/Cargo.toml lacks {missing:?}");
}

/// What the manifests of the workspace name, and which crates name it; `(tests)` marks those that do not need it
/// otherwise. As the first two cells of a row.
fn direct_dependencies() -> BTreeSet<String> {
    let metadata = metadata();
    let mut users: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let user = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            // The members of the workspace need no reason.
            if dependency["source"].is_null() {
                continue;
            }
            let name = dependency["name"].as_str().unwrap().to_owned();
            let only_tests = dependency["kind"] == "dev";
            *users.entry(name).or_default().entry(user.to_owned()).or_insert(true) &= only_tests;
        }
    }
    users.iter().map(|(dependency, users)| format!("| `{dependency}` | {} |", used_by(users))).collect()
}

/// What cargo knows of the workspace's members.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn used_by(users: &BTreeMap<String, bool>) -> String {
    let users = users
        .iter()
        .map(|(user, only_tests)| if *only_tests { format!("{user} (tests)") } else { user.clone() });
    users.collect::<Vec<_>>().join(", ")
}

/// The fenced blocks of Rust.
fn rust_blocks(document: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while lines.by_ref().any(|line| line.starts_with("```rust")) {
        blocks.push(lines.by_ref().take_while(|line| *line != "```").fold(
            String::new(),
            |mut block, line| {
                block.push_str(line);
                block.push('\n');
                block
            },
        ));
    }
    blocks
}

/// A program without the doc comment that it begins with.
fn without_header(code: &str) -> &str {
    code.split_once("\n\n").map_or(code, |(header, rest)| if header.starts_with("//!") { rest } else { code })
}

/// Lines may break elsewhere: a page is as wide as it likes.
fn same_code(one: &str, other: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    letters(one) == letters(other)
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{start:?} is missing"));
    rest.split_once(end).unwrap_or_else(|| panic!("{end:?} is missing")).0
}

fn read(path: &str) -> String {
    fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}
