//! Real stack traces, and rubbish.
//!
//! `testdata/<language>/*.txt` are stack traces as runtimes and libraries print them, and `*.frames` what is found in
//! each. After a change that is meant, look at the difference that this makes:
//!
//! ```text
//! cargo test -p opentelemetry-aws-xray rewrite_frames -- --ignored
//! ```

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use xray_wire::{SegmentId, encode::EncodedFrames, segment::Exception};

use super::*;

const LANGUAGES: [Language; 7] = [
    Language::Rust,
    Language::Java,
    Language::Php,
    Language::Python,
    Language::JavaScript,
    Language::DotNet,
    Language::Go,
];

#[test]
fn golden_stack_traces() {
    for (language, text, frames) in golden_files() {
        let expected = fs::read_to_string(&frames).unwrap_or_default();
        assert_eq!(shown(language, &text), expected, "{}", frames.display());
    }
}

#[test]
#[ignore = "writes testdata/*/*.frames"]
fn rewrite_frames() {
    for (language, text, frames) in golden_files() {
        fs::write(frames, shown(language, &text)).unwrap();
    }
}

#[test]
fn languages() {
    for (name, language) in [
        ("rust", Some(Language::Rust)),
        ("RUST", Some(Language::Rust)),
        ("nodejs", Some(Language::JavaScript)),
        ("webjs", Some(Language::JavaScript)),
        ("JavaScript", Some(Language::JavaScript)),
        ("dotnet", Some(Language::DotNet)),
        ("php", Some(Language::Php)),
        ("erlang", None),
        ("", None),
    ] {
        assert_eq!(Language::named(name), language, "{name}");
    }
}

#[test]
fn an_unknown_language_is_read_if_it_is_rust_beyond_doubt() {
    for (text, frames) in [
        ("   0: shop::place\n             at ./src/main.rs:12:24\n", 1),
        ("   0: shop::place\n   1: main\n", 0),
        ("to do:\n 0: open\n 1: close", 0),
        ("Error\n    at place (/srv/shop.js:1:2)", 0),
        ("E\n\tat shop.Orders.place(Orders.java:5)", 1),
    ] {
        assert_eq!(parse(None, text, &mut Ignored), frames, "{text}");
    }
}

#[test]
fn a_text_without_frames_is_told_apart() {
    for text in [
        "",
        "\n",
        "disabled backtrace",
        "unsupported backtrace",
        "a: b: c",
        "at",
        "  at ",
        "File \"",
        "0:",
        ")",
    ] {
        for language in LANGUAGES {
            assert_eq!(parse(Some(language), text, &mut Ignored), 0, "{language:?}: {text}");
        }
    }
}

#[test]
fn frames_come_back_in_the_form_in_which_x_ray_s_own_are_sent() {
    let text = "shop::Error: no tea\n\tat <(T, F) as shop::Pick>::run(./src/shelf.rs:4)\n\tat main.(*T).f(main.go: 7)\n";
    for language in LANGUAGES {
        let expected = "<(T, F) as shop::Pick>::run\n    ./src/shelf.rs:4\nmain.(*T).f\n    main.go:7\n";
        assert_eq!(shown(language, text), expected, "{language:?}");
    }
}

#[test]
fn limits_are_kept_and_what_is_left_out_is_counted() {
    let text = "E: e\n\tat a(A:1)\n\tat b(B:2)\n\tat c(C:3)\nCaused by: F: f\n\tat d(D:4)\nCaused by: G: g\n\tat e(E:5)\nCaused by: H: h\n\tat f(F:6)\n";
    let limits = Limits { max_frames: 2, max_causes: 1, max_chars: usize::MAX };
    let exceptions = exceptions(Some(Language::Java), text, limits);
    let told: Vec<_> = exceptions
        .iter()
        .map(|Thrown { exception, frames, .. }| {
            (&*exception.kind, frames.len(), exception.truncated, exception.skipped)
        })
        .collect();
    assert_eq!(told, [("E", 2, 1, 0), ("F", 1, 0, 2)]);
    assert_eq!(exceptions[0].exception.cause, exceptions[1].exception.id);
    assert_eq!(exceptions[1].exception.cause, None);
}

#[test]
fn texts_are_cut_and_that_is_counted() {
    let text = "E: e\n\tat größer(größer.java:1)\n\tat a(A:1)\nCaused by: größer: größer\n\tat b(B:2)\n";
    let mut exceptions = vec![recorded()];
    let limits = Limits { max_frames: 2, max_causes: 1, max_chars: 3 };
    let mut frames = Frames::of(&mut exceptions, limits, id);
    parse(Some(Language::Java), text, &mut frames);
    assert_eq!(frames.cuts(), 4);
    let [effect, cause] = exceptions.as_slice() else { panic!("{exceptions:?}") };
    assert_eq!((effect.frames.len(), &*cause.exception.kind, &*cause.exception.message), (2, "grö", "grö"));
}

#[test]
fn a_rust_backtrace_needs_no_allocation() {
    let text = fs::read_to_string(testdata().join("rust/backtrace.txt")).unwrap();
    let allocated = allocation_counter::measure(|| {
        assert_eq!(parse(Some(Language::Rust), &text, &mut Ignored), 23);
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn time_is_linear_in_the_text() {
    // Whatever might be looked for again and again: a quadratic parser would need many seconds each.
    for part in [
        "[",
        "0: [",
        "\n",
        " \n",
        "0:\n",
        "   0: a\n",
        "Caused by:\n",
        "Location:\n",
        " ---> ",
        "(",
        "\u{1b}[",
    ] {
        let text = format!("x\n{}", part.repeat(50_000));
        for language in LANGUAGES {
            parse(Some(language), &text, &mut Ignored);
        }
    }
}

proptest! {
    #[test]
    fn no_text_harms(text in any::<String>()) {
        parse_with_all(&text);
    }

    #[test]
    fn no_text_made_of_the_right_words_harms(words in prop::collection::vec(word(), 0..40)) {
        parse_with_all(&words.concat());
    }

    #[test]
    fn no_mutilated_stack_trace_harms(
        file in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), word()), 1..6),
    ) {
        let files = golden_files();
        let (_, mut text, _) = files[file.index(files.len())].clone();
        for (from, to, word) in edits {
            let mut cut = [from.index(text.len() + 1), to.index(text.len() + 1).min(from.index(text.len() + 1) + 80)];
            cut.sort_unstable();
            let cut = cut.map(|at| text.floor_char_boundary(at));
            text.replace_range(cut[0]..cut[1], &word);
        }
        parse_with_all(&text);
    }
}

fn word() -> impl Strategy<Value = String> {
    let words = [
        "\n",
        "\r\n",
        " ",
        "    ",
        "\t",
        "\tat ",
        "at ",
        "   0: ",
        "  12: ",
        "0x0 - ",
        ":",
        ": ",
        "(",
        ")",
        "\"",
        "'",
        "@",
        "#0 ",
        "{main}",
        "::h0123456789abcdef",
        "[e28293b1aa0f68bd]",
        "\u{1b}[35m",
        "\u{1b}",
        "━",
        "━ BACKTRACE ━",
        "━ SPANTRACE ━",
        "Caused by:",
        "Caused by: ",
        "Caused by: T:",
        "Stack backtrace:",
        "Location:",
        "panicked at ",
        "thread '",
        "with a=1",
        "  File \"",
        "  File ,",
        "\", line ",
        ", in f",
        "T:",
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
        "\n\n",
        "[cause]: ",
        "native",
        " in ",
        ") in ",
        ":line",
        ":line 7",
        " ---> ",
        "--- End of inner exception stack trace ---",
        "goroutine 1 [running]:",
        " +0x1d",
        "::1",
        "99999999999",
        "é",
        "$$Lambda/",
        "://a:1",
        "<unknown>",
    ];
    prop_oneof![4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

/// Nothing panics, and all that is found is counted.
fn parse_with_all(text: &str) {
    for language in LANGUAGES.map(Some).into_iter().chain([None]) {
        let exceptions =
            exceptions(language, text, Limits { max_frames: 3, max_causes: 2, max_chars: usize::MAX });
        let kept = exceptions
            .iter()
            .map(|thrown| thrown.frames.len() + thrown.exception.truncated as usize)
            .sum::<usize>();
        let found = parse(language, text, &mut Ignored);
        assert!(kept <= found, "{kept} of {found}");
        assert!(exceptions.len() <= 3);
        let skipped = exceptions.iter().any(|thrown| thrown.exception.skipped > 0);
        assert!(skipped || kept == found, "{kept} of {found}");
    }
}

struct Ignored;

impl Sink<'_> for Ignored {
    fn frame(&mut self, _: Frame<'_>) {}

    fn caused_by(&mut self, _: Cow<'_, str>, _: Cow<'_, str>) {}
}

fn exceptions(language: Option<Language>, text: &str, limits: Limits) -> Vec<Thrown<'_>> {
    let mut exceptions = vec![recorded()];
    parse(language, text, &mut Frames::of(&mut exceptions, limits, id));
    exceptions
}

fn id(n: usize) -> SegmentId {
    SegmentId::from_bytes((n as u64 + 1).to_be_bytes()).unwrap()
}

/// The exception whose stack trace is read.
fn recorded<'t>() -> Thrown<'t> {
    let exception = Exception {
        id: Some(id(0)),
        kind: "E".into(),
        message: "".into(),
        remote: false,
        truncated: 0,
        skipped: 0,
        cause: None,
        stack: Vec::new(),
    };
    Thrown { exception, frames: EncodedFrames::default(), is_recorded: true }
}

/// One line for each label, an indented one for each place, and the causes.
fn shown(language: Language, text: &str) -> String {
    let mut shown = Shown(String::new());
    parse(Some(language), text, &mut shown);
    shown.0
}

struct Shown(String);

impl Sink<'_> for Shown {
    fn frame(&mut self, frame: Frame<'_>) {
        let shown = &mut self.0;
        writeln!(shown, "{}", frame.label.as_deref().unwrap_or("-")).unwrap();
        match (&frame.path, frame.line) {
            (Some(path), Some(line)) => writeln!(shown, "    {path}:{line}").unwrap(),
            (Some(path), None) => writeln!(shown, "    {path}").unwrap(),
            (None, Some(line)) => writeln!(shown, "    line {line}").unwrap(),
            (None, None) => {}
        }
    }

    fn caused_by(&mut self, kind: Cow<'_, str>, message: Cow<'_, str>) {
        writeln!(self.0, "caused by {kind:?}: {message:?}").unwrap();
    }
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/exporter/stack/testdata")
}

/// Language, text, and the file of what is expected.
fn golden_files() -> Vec<(Language, String, PathBuf)> {
    let mut files = Vec::new();
    for folder in fs::read_dir(testdata()).unwrap() {
        let folder = folder.unwrap().path();
        let language = Language::named(folder.file_name().unwrap().to_str().unwrap()).unwrap();
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "txt") {
                files.push((language, fs::read_to_string(&file).unwrap(), file.with_extension("frames")));
            }
        }
    }
    files.sort_unstable_by(|a, b| a.2.cmp(&b.2));
    assert!(!files.is_empty());
    files
}
