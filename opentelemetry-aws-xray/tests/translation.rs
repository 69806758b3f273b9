//! The translation from span to document, seen from outside: what it writes, that it loses nothing, and that nothing
//! breaks it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect")]

#[path = "translation/fixture.rs"]
mod fixture;
#[path = "translation/golden.rs"]
mod golden;
#[path = "translation/hostile.rs"]
mod hostile;
#[path = "translation/mapping.rs"]
mod mapping;
#[path = "translation/nothing_lost.rs"]
mod nothing_lost;
#[path = "translation/pretty.rs"]
mod pretty;
#[path = "translation/smoke.rs"]
mod smoke;

/// What a script asks for, by a variable of the environment.
fn asked(variable: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place where these tests read the environment")]
    std::env::var(variable).ok()
}
