//! Does the road to X-Ray work that this environment leads to? Says what was found, and ends with 1 if it does not.

use std::process::ExitCode;

use opentelemetry_aws_xray::{Xray, check::Verdict};

fn main() -> ExitCode {
    let report = Xray::check();
    print!("{report}");
    if report.verdict() < Verdict::Problem { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
