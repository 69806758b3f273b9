//! Does the road to X-Ray work? Tried out, and told in plain words.

mod daemon_udp;
mod test_span;

use std::fmt;

use crate::{
    clock::SystemClock,
    config::{Environment, Transport},
    exporter::XrayExporterBuilder,
};

/// What was tried on the way to X-Ray, and how it went: see [`Xray::check`](crate::Xray::check).
///
/// Its `Display` is for a person: a line for each finding.
///
/// ```
/// use std::process::ExitCode;
///
/// use opentelemetry_aws_xray::{Xray, check::Verdict};
///
/// fn ready() -> ExitCode {
///     # let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
///     # let daemon_address = nobody.as_str();
///     let report = Xray::builder().with_daemon_address(daemon_address).check();
///     eprint!("{report}");
///     # assert_eq!(report.verdict(), Verdict::Problem, "{report}");
///     if report.verdict() == Verdict::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS }
/// }
/// # ready();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// In the order in which they were made.
    pub findings: Vec<Finding>,
}

/// One thing that was tried.
///
/// ```no_run
/// use opentelemetry_aws_xray::{Xray, check::Verdict};
///
/// let mut findings = Xray::check().findings;
/// findings.retain(|finding| finding.verdict >= Verdict::Warning);
/// let todo: Vec<_> = findings.into_iter().map(|finding| finding.text).collect();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How it went.
    pub verdict: Verdict,
    /// What was found, and what to do about it if it is not fine.
    pub text: String,
}

/// How something went.
///
/// Graver ones are greater:
///
/// ```
/// use opentelemetry_aws_xray::check::{CheckReport, Verdict};
///
/// assert!(Verdict::Fine < Verdict::Unknown && Verdict::Warning < Verdict::Problem);
/// assert_eq!(CheckReport::default().verdict(), Verdict::Fine);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It works.
    Fine,
    /// It may work: there is no way to know from here.
    Unknown,
    /// It works, but something is not as it should be.
    Warning,
    /// It does not work.
    Problem,
}

impl CheckReport {
    /// The gravest of the findings; [`Fine`](Verdict::Fine) if there are none.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Fine)
    }

    /// Tries out the road that these settings lead to.
    pub(crate) fn of(exporter: &XrayExporterBuilder, environment: &Environment) -> Self {
        let mut report = Self::default();
        let (transport, daemon) = exporter.road(environment);
        let Some(copy) = exporter.copy() else {
            report
                .add(Verdict::Unknown, "documents go to a sink of your own, which can't be tried from here");
            return report;
        };
        match transport {
            Transport::Udp => {
                report.add(Verdict::Fine, format!("documents go to a daemon over UDP, at {}", daemon.udp));
                if daemon_udp::check(&daemon.udp, &SystemClock, &mut report) {
                    test_span::send(copy, transport, environment, &mut report);
                    #[cfg(feature = "daemon-tcp")]
                    report.ask_over_tcp(exporter, &daemon.tcp, environment);
                }
            }
            #[cfg(feature = "daemon-tcp")]
            Transport::Tcp => {
                report
                    .add(Verdict::Fine, format!("documents go through a daemon's TCP port, {}", daemon.tcp));
                test_span::send(copy, transport, environment, &mut report);
            }
            #[cfg(feature = "aws")]
            Transport::Direct => {
                report.add(Verdict::Fine, "documents go straight to X-Ray");
                // What takes too long tells why before nobody listens any more.
                let direct = copy.direct(environment).unwrap_or_default().within(test_span::TIMEOUT * 9 / 10);
                test_span::send(copy.with_direct(direct), transport, environment, &mut report);
            }
        }
        report
    }

    /// Over UDP nobody answers; but most daemons also have a TCP port, and X-Ray answers there.
    #[cfg(feature = "daemon-tcp")]
    fn ask_over_tcp(
        &mut self,
        exporter: &XrayExporterBuilder,
        endpoint: &xray_wire::Endpoint,
        environment: &Environment,
    ) {
        let Some(copy) = exporter.copy() else { return };
        self.add(Verdict::Fine, format!("the daemon's TCP port, {endpoint}, is asked what X-Ray says"));
        test_span::send(copy.with_transport(Transport::Tcp), Transport::Tcp, environment, self);
    }

    fn add(&mut self, verdict: Verdict, text: impl Into<String>) {
        self.findings.push(Finding { verdict, text: text.into() });
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|Finding { verdict, text }| writeln!(f, "{verdict:<8} {text}"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fine => "fine",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}
