//! JSON for people, made from JSON text: order and numbers stay as they were written.

/// The text with line breaks and indentation. What is short stays on its line.
pub(crate) fn pretty(json: &str) -> String {
    let mut out = String::new();
    write(json, 0, &mut out);
    out.push('\n');
    out
}

/// The members of an object as (key in its quotes, value).
pub(crate) fn members(object: &str) -> Vec<(&str, &str)> {
    let inner = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let split = |member| {
        let colon = ends_at(member, ':').unwrap_or(0);
        (&member[..colon], &member[colon + 1..])
    };
    items(inner).into_iter().map(split).collect()
}

fn write(json: &str, depth: usize, out: &mut String) {
    /// Characters of a line, without the key.
    const SHORT: usize = 80;

    let (open, close) = match json.as_bytes().first() {
        Some(b'{') => ('{', '}'),
        Some(b'[') => ('[', ']'),
        _ => return out.push_str(json),
    };
    let (separator, end) = if json.chars().count() <= SHORT && depth > 0 {
        (" ".to_owned(), " ".to_owned())
    } else {
        (format!("\n{}", "  ".repeat(depth + 1)), format!("\n{}", "  ".repeat(depth)))
    };
    let inner = &json[1..json.len() - 1];
    out.push(open);
    for (index, item) in items(inner).into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if open == '{' || index > 0 || separator.starts_with('\n') {
            out.push_str(&separator);
        }
        let mut value = item;
        if open == '{' {
            let colon = ends_at(item, ':').unwrap_or(0);
            out.push_str(&item[..=colon]);
            out.push(' ');
            value = &item[colon + 1..];
        }
        write(value, depth + 1, out);
    }
    if !inner.is_empty() && (open == '{' || end.starts_with('\n')) {
        out.push_str(&end);
    }
    out.push(close);
}

/// What stands between the commas of an array or object.
fn items(mut inner: &str) -> Vec<&str> {
    let mut items = Vec::new();
    while !inner.is_empty() {
        let end = ends_at(inner, ',').unwrap_or(inner.len());
        items.push(&inner[..end]);
        inner = inner.get(end + 1..).unwrap_or_default();
    }
    items
}

/// Where a character stands outside of strings and brackets.
fn ends_at(text: &str, end: char) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    text.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            c if c == end && depth == 0 => return Some(at),
            _ => {}
        }
        None
    })
}

#[test]
fn numbers_and_order_stay() {
    let json = r#"{"b":1.000000001,"a":{"x":[1,2],"y":"a,\"}{"},"long":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}"#;
    let expected = r#"{
  "b": 1.000000001,
  "a": { "x": [1, 2], "y": "a,\"}{" },
  "long": [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  ]
}
"#;
    assert_eq!(pretty(json), expected);
    assert_eq!(members(r#"{"a":{"b":1},"c":2}"#), [("\"a\"", "{\"b\":1}"), ("\"c\"", "2")]);
}
