//! The table of headers, as far as it speaks of us.

use std::fs;

use e2e::SHAPES;

#[test]
fn the_table_says_what_we_do() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/headers.md")).unwrap();
    let rows: Vec<_> = page.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
    for (shape, row) in SHAPES.iter().zip(&rows) {
        let (name, value) = (shape.name, shape.value);
        let (understood, sent_on) = (shape.understood(), shape.sent_on_by_us());
        let expected = format!("| {name}<br>`{value}` | {understood} | {sent_on} |");
        assert!(row.starts_with(&expected), "scripts/headers writes it: {expected}\n{row}");
    }
    assert!(rows.len() >= SHAPES.len());
}
