//! The process environment: the only file that reads it.

use std::fmt;

/// Where variables are looked up: the process's environment, or a map in tests.
pub(crate) struct Environment(Source);

enum Source {
    Process,
    #[cfg(test)]
    Map(std::collections::HashMap<&'static str, String>),
}

impl Environment {
    /// The environment of this process.
    pub(crate) fn process() -> Self {
        Self(Source::Process)
    }

    /// Variables handed in.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(variables: [(&'static str, &str); N]) -> Self {
        Self(Source::Map(variables.map(|(name, value)| (name, value.to_owned())).into()))
    }

    /// A variable's value without white space around it. One that is empty counts as not set, as OpenTelemetry asks for; so
    /// does one that is not Unicode.
    #[allow(clippy::disallowed_methods, reason = "this file owns the environment")]
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            Source::Process => std::env::var(name).ok()?,
            #[cfg(test)]
            Source::Map(variables) => variables.get(name)?.clone(),
        };
        let trimmed = value.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}
