//! `docs/mapping.md` names what the code reads, and no more.

use std::collections::BTreeSet;

use crate::golden::RULES;

const MAPPING: &str = include_str!("../../../docs/mapping.md");
const ATTRIBUTES: &str = include_str!("../../src/exporter/attributes.rs");

/// The names in the table of the exporter, in its order.
pub(crate) fn slots() -> Vec<&'static str> {
    let (_, table) = ATTRIBUTES.split_once("\nslots! {\n").unwrap();
    let (table, _) = table.split_once("\n}\n").unwrap();
    table.lines().filter_map(|row| row.split_once(" = \"")?.1.strip_suffix("\",")).collect()
}

#[test]
fn every_attribute_that_is_read_is_documented() {
    let read: BTreeSet<_> = slots().into_iter().collect();
    assert!(read.len() > 50, "expected the exporter's table, but found {read:?}");
    let documented = documented();
    let missing: Vec<_> = read.difference(&documented).collect();
    assert!(missing.is_empty(), "expected a row in docs/mapping.md for {missing:?}");
    let gone: Vec<_> = documented.difference(&read).collect();
    assert!(gone.is_empty(), "expected the exporter to read {gone:?}, of which docs/mapping.md has rows");
}

#[test]
fn every_rule_is_documented() {
    for rule in RULES {
        let folder = format!("`{rule}/`");
        assert!(MAPPING.contains(&folder), "expected docs/mapping.md to name the cases in {folder}");
    }
}

/// The names in the first column of the tables between `<!-- span attributes -->` and `<!-- end of span attributes -->`.
fn documented() -> BTreeSet<&'static str> {
    let (_, tables) = MAPPING.split_once("<!-- span attributes").unwrap();
    let (tables, _) = tables.split_once("<!-- end of span attributes -->").unwrap();
    let first_cells = tables.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    first_cells.flat_map(|cell| cell.split('`').step_by(2)).collect()
}
