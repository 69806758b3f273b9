use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::ParseIdError;

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";
const PARENT: &str = "53995c3f42cd8ad8";

struct Case {
    why: &'static str,
    value: &'static str,
    root: bool,
    parent: bool,
    sampled: Sampled,
    extras: &'static [(&'static str, &'static str)],
    refused: Option<Refused>,
}

const CASE: Case = Case {
    why: "",
    value: "",
    root: false,
    parent: false,
    sampled: Sampled::Unstated,
    extras: &[],
    refused: None,
};

#[test]
fn parses_what_peers_send() {
    for case in [
        Case { why: "empty", ..CASE },
        Case {
            why: "complete",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            root: true,
            parent: true,
            sampled: Sampled::Yes,
            ..CASE
        },
        Case {
            why: "Root only (load balancer)",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793",
            root: true,
            ..CASE
        },
        Case {
            why: "Root and Sampled without Parent",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            root: true,
            sampled: Sampled::No,
            ..CASE
        },
        Case {
            why: "Self in front of Root (load balancer)",
            value: "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793",
            root: true,
            ..CASE
        },
        Case {
            why: "Sampled=?",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?",
            root: true,
            parent: true,
            sampled: Sampled::Ask,
            ..CASE
        },
        Case {
            why: "Sampled missing",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
            root: true,
            parent: true,
            ..CASE
        },
        Case {
            why: "spaces and tabs around names, values and parts (.NET)",
            value: " Root = 1-5759e988-bd862e3fe1be46a994272793; \tParent=\t53995c3f42cd8ad8 ; Sampled=1 ",
            root: true,
            parent: true,
            sampled: Sampled::Yes,
            ..CASE
        },
        Case {
            why: "trailing and doubled `;`",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;;Parent=53995c3f42cd8ad8;Sampled=1;",
            root: true,
            parent: true,
            sampled: Sampled::Yes,
            ..CASE
        },
        Case {
            why: "lower-case and mixed names, another order",
            value: "sampled=1;PARENT=53995c3f42cd8ad8;root=1-5759e988-bd862e3fe1be46a994272793",
            root: true,
            parent: true,
            sampled: Sampled::Yes,
            ..CASE
        },
        Case {
            why: "upper-case hex",
            value: "Root=1-5759E988-BD862E3FE1BE46A994272793;Parent=53995C3F42CD8AD8",
            root: true,
            parent: true,
            ..CASE
        },
        Case {
            why: "Root, Parent and Sampled twice: the last wins",
            value: "Root=1-11111111-111111111111111111111111;Parent=1111111111111111;Sampled=0;\
                    Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            root: true,
            parent: true,
            sampled: Sampled::Yes,
            ..CASE
        },
        Case {
            why: "version 2",
            value: "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            parent: true,
            sampled: Sampled::Yes,
            refused: Some(Refused::Root(ParseIdError::Version)),
            ..CASE
        },
        Case {
            why: "zero ids with Sampled=0, which is meant (Python SDK)",
            value: "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
            sampled: Sampled::No,
            refused: Some(Refused::Root(ParseIdError::Zero)),
            ..CASE
        },
        Case {
            why: "short Parent costs Parent only",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad;Sampled=1",
            root: true,
            sampled: Sampled::Yes,
            refused: Some(Refused::Parent(ParseIdError::Shape)),
            ..CASE
        },
        Case {
            why: "not hex",
            value: "Root=1-5759e988-bd862e3fe1be46a99427279x;Sampled=0",
            sampled: Sampled::No,
            refused: Some(Refused::Root(ParseIdError::Digit)),
            ..CASE
        },
        Case {
            why: "a Sampled that nobody defined",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=true",
            root: true,
            refused: Some(Refused::Sampled),
            ..CASE
        },
        Case {
            why: "a part without `=`, one without a name",
            value: "hello;=x;Root=1-5759e988-bd862e3fe1be46a994272793",
            root: true,
            refused: Some(Refused::Shape),
            ..CASE
        },
        Case {
            why: "rival_22: Lineage, unknown fields, further `=`",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793; a=b=c;Lineage=a87bd80c:1|68fd508a:5;X=",
            root: true,
            extras: &[("a", "b=c"), ("Lineage", "a87bd80c:1|68fd508a:5"), ("X", "")],
            ..CASE
        },
        Case {
            why: "rival_23: line breaks in an extra, from a carrier that is not HTTP",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;a=b\r\nSet-Cookie: c=d;e=f",
            root: true,
            extras: &[("e", "f")],
            refused: Some(Refused::Unprintable),
            ..CASE
        },
        Case {
            why: "line breaks at the ends are not trimmed away",
            value: "\r\nRoot=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8\n;Sampled=0\r",
            refused: Some(Refused::Unprintable),
            ..CASE
        },
        Case {
            why: "beyond ASCII",
            value: "a=\u{e9};\u{fc}=b;c=d;e=\u{7f}",
            extras: &[("c", "d")],
            refused: Some(Refused::Unprintable),
            ..CASE
        },
    ] {
        let header = TraceHeader::parse(case.value.as_bytes());
        let why = case.why;
        assert_eq!(header.root.map(|id| id.to_string()).as_deref(), case.root.then_some(ROOT), "{why}: root");
        assert_eq!(
            header.parent.map(|id| id.to_string()).as_deref(),
            case.parent.then_some(PARENT),
            "{why}: parent"
        );
        assert_eq!(header.sampled, case.sampled, "{why}: sampled");
        assert_eq!(header.extras().collect::<Vec<_>>(), case.extras, "{why}: extras");
        assert_eq!(header.refused, case.refused, "{why}: refused");
    }
}

#[test]
fn prints_the_canonical_form() {
    for (value, expected) in [
        (
            "sampled=1; parent=53995C3F42CD8AD8 ;ROOT=1-5759E988-BD862E3FE1BE46A994272793;Self=1-2-3; a = b=c ;Lineage=1:2",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;a=b=c;Lineage=1:2",
        ),
        (
            "Sampled=?;Root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?",
        ),
        ("Root=0;Sampled=0", "Sampled=0"),
        ("Self=1;Lineage=1:2", "Lineage=1:2"),
        ("Self=1", ""),
        ("", ""),
    ] {
        assert_eq!(TraceHeader::parse(value.as_bytes()).to_string(), expected, "{value:?}");
    }
}

#[test]
fn a_header_is_built_from_parts() {
    let caller =
        TraceHeader::parse(b"Root=1-11111111-111111111111111111111111;Sampled=?;a=b;Lineage=1:2;c=d");
    let extras = caller.extras_text();
    assert_eq!(extras.as_str(), "a=b;Lineage=1:2;c=d");
    assert_eq!(caller.lineage(), Some("1:2"));

    let ours = TraceHeader::new(ROOT.parse().ok(), PARENT.parse().ok(), Sampled::Yes);
    assert_eq!(ours.to_text().as_str(), std::format!("Root={ROOT};Parent={PARENT};Sampled=1"));
    assert_eq!(
        ours.with_extras(extras.as_bytes()).to_string(),
        std::format!("Root={ROOT};Parent={PARENT};Sampled=1;a=b;Lineage=1:2;c=d")
    );
    assert_eq!(ours.lineage(), None);
}

#[test]
fn a_value_beyond_the_limit_is_refused_whole() {
    let mut value = std::format!("Root={ROOT};a=");
    value.extend(std::iter::repeat_n('x', MAX_TRACE_HEADER_BYTES - value.len()));
    assert_eq!(TraceHeader::parse(value.as_bytes()).refused, None);
    value.push('x');
    let header = TraceHeader::parse(value.as_bytes());
    assert_eq!((header.root, header.refused), (None, Some(Refused::TooLong)));
    assert_eq!(TraceHeader::default().with_extras(value.as_bytes()).extras().count(), 0);
}

#[test]
fn rival_25_extras_are_capped_whole() {
    let filling = "x".repeat(MAX_TRACE_HEADER_EXTRA_BYTES - ";a=".len());
    for (why, value, printed) in [
        ("exactly full", std::format!("a={filling}"), std::format!("a={filling}")),
        ("one byte more", std::format!("a={filling}x"), String::new()),
        ("what is behind still fits", std::format!("a={filling}x;b=c"), "b=c".to_string()),
        ("what is behind doesn't", std::format!("a={filling};b=c"), std::format!("a={filling}")),
    ] {
        assert_eq!(TraceHeader::parse(value.as_bytes()).to_string(), printed, "{why}");
    }
}

#[test]
fn refusals_explain_themselves() {
    for (refused, expected) in [
        (Refused::TooLong, "expected at most 8192 bytes"),
        (Refused::Root(ParseIdError::Version), "Root: expected trace id version 1"),
        (Refused::Sampled, "Sampled: expected `0`, `1` or `?`"),
    ] {
        assert_eq!(refused.to_string(), expected);
    }
}

/// Values that come close to a header far more often than random bytes do.
fn header_like() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(std::format!("Root={ROOT}").into_bytes()),
        Just(std::format!("PARENT = {PARENT}").into_bytes()),
        "Sampled=[01?]{0,2}".prop_map(String::into_bytes),
        "Self=.{0,4}".prop_map(String::into_bytes),
        "[ \t\r\n]?[a-zA-Z\u{e9}]{0,9}[ =]{0,2}.{0,80}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.join(&b';'))
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(
        root: [u8; 16],
        parent: [u8; 8],
        sampled in prop::sample::select(&[Sampled::Unstated, Sampled::Yes, Sampled::No, Sampled::Ask][..]),
        extras in "([A-Z][a-z]{0,5}=[a-z|:=]{0,6};){0,8}",
    ) {
        let header = TraceHeader::new(TraceId::from_bytes(root), SegmentId::from_bytes(parent), sampled)
            .with_extras(extras.as_bytes());
        let text = header.to_text();
        let again = TraceHeader::parse(text.as_bytes());
        prop_assert_eq!(again, header);
        prop_assert_eq!(again.refused, None);
    }

    #[test]
    fn the_short_cut_reads_what_the_long_way_reads(
        value in "Root=[12]-[0-9a-fA-Fg]{8}-[0-9a-f]{24}(;Parent=[0-9a-f]{16}(;Sampled=[01?;]{1,2})?)?([; ].{0,40})?",
        tail in header_like(),
    ) {
        let both = [value.as_bytes(), &tail].join(&b';');
        for value in [value.as_bytes(), &tail, &both] {
            let header = TraceHeader::parse(value);
            let parts = TraceHeader::parse_parts(value);
            prop_assert_eq!((header, header.refused), (parts, parts.refused));
        }
    }

    #[test]
    fn the_short_cut_writes_what_the_long_way_writes(value in header_like(), root: [u8; 16], parent: [u8; 8], sampled: Option<bool>) {
        let sampled = sampled.map_or(Sampled::Unstated, |yes| if yes { Sampled::Yes } else { Sampled::No });
        let parsed = TraceHeader::parse(&value);
        for header in [
            parsed,
            TraceHeader::new(parsed.root, parsed.parent, parsed.sampled),
            TraceHeader::new(TraceId::from_bytes(root), SegmentId::from_bytes(parent), sampled),
            TraceHeader::new(TraceId::from_bytes(root), None, sampled),
        ] {
            let text = header.to_text();
            prop_assert_eq!(header.with_text(<[u8]>::to_vec), text.as_bytes());
        }
    }

    #[test]
    fn no_bytes_panic_and_none_but_printable_ones_pass(value in header_like()) {
        let header = TraceHeader::parse(&value);
        let text = header.to_text();
        prop_assert!(text.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~')));
        prop_assert!(text.as_bytes().len() <= TraceHeaderText::MAX_LEN);
        let core = TraceHeader::new(header.root, header.parent, header.sampled).to_text();
        prop_assert!(text.as_bytes().len() - core.as_bytes().len() <= MAX_TRACE_HEADER_EXTRA_BYTES);

        let again = TraceHeader::parse(text.as_bytes());
        prop_assert_eq!((again.root, again.parent, again.sampled), (header.root, header.parent, header.sampled));
        prop_assert_eq!(again.to_string(), text.as_str());
    }
}
