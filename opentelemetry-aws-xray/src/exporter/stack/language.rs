//! The languages whose stack traces are understood.

/// A language, as the resource attribute `telemetry.sdk.language` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Java,
    Php,
    Python,
    JavaScript,
    DotNet,
    Go,
}

impl Language {
    /// The values of `telemetry.sdk.language` (OpenTelemetry semantic conventions), and the plain name of what
    /// they call `nodejs` and `webjs`.
    const NAMES: [(&'static str, Self); 9] = [
        ("rust", Self::Rust),
        ("java", Self::Java),
        ("php", Self::Php),
        ("python", Self::Python),
        ("nodejs", Self::JavaScript),
        ("webjs", Self::JavaScript),
        ("javascript", Self::JavaScript),
        ("dotnet", Self::DotNet),
        ("go", Self::Go),
    ];

    /// The language of that name, in any case; `None` if its stack traces are not understood.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, language)| *language)
    }
}
