//! Tests against programs that others wrote: the AWS SDK, the X-Ray SDKs and OpenTelemetry for Python and Node.js, moto,
//! Chromium.
//!
//! A test whose program is missing is skipped, and says so; with `E2E_REQUIRE` set it fails. That has to be seen
//! without `--nocapture`, so the tests are run by `libtest-mimic`, which takes the same arguments as libtest.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails with the test")]

mod aws_sdk;
mod boto;
mod browser;
mod chain;
mod direct;
mod headers;
mod hotrod;
mod load;
mod model;
mod moto;
mod needs;
mod otel;
mod otlp;
mod program;
mod samplers;
mod sdk;
mod webdriver;

use std::{process::ExitCode, sync::mpsc};

use libtest_mimic::{Arguments, Completion, Conclusion, Failed, Trial, run};

use crate::needs::{Chain, Chromedriver, Missing, Python, Samplers, is_required};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (skipped, reasons) = mpsc::channel();
    let harness = Harness { skipped };
    let trials = vec![
        harness.trial("aws_sdk::its_answers_are_told", Python::find, aws_sdk::its_answers_are_told),
        harness.trial("aws_sdk::a_queue_links_two_traces", Python::find, aws_sdk::a_queue_links_two_traces),
        harness.trial(
            "boto::put_trace_segments_is_answered",
            Python::find,
            boto::put_trace_segments_is_answered,
        ),
        harness.trial(
            "boto::faults_and_telemetry_are_understood",
            Python::find,
            boto::faults_and_telemetry_are_understood,
        ),
        harness.trial(
            "boto::sampling_is_what_the_model_says",
            Python::find,
            boto::sampling_is_what_the_model_says,
        ),
        harness.trial(
            "chain::is_one_trace_from_the_sdk_for_python_on",
            Chain::find,
            chain::is_one_trace_from_the_sdk_for_python_on,
        ),
        harness.trial(
            "chain::is_one_trace_from_opentelemetry_for_node_on",
            Chain::find,
            chain::is_one_trace_from_opentelemetry_for_node_on,
        ),
        harness.trial(
            "direct::is_signed_as_botocore_signs",
            Python::find,
            direct::is_signed_as_botocore_signs,
        ),
        harness.trial(
            "direct::signs_otlp_after_compressing_it",
            Python::find,
            direct::signs_otlp_after_compressing_it,
        ),
        harness.trial("direct::is_found_again_in_moto", Python::find, direct::is_found_again_in_moto),
        harness.trial("hotrod::stores_orders_on_aws", Python::find, hotrod::stores_orders_on_aws),
        harness.trial(
            "headers::the_table_says_what_others_do",
            Chain::find,
            headers::the_table_says_what_others_do,
        ),
        harness.trial("model::every_call_is_what_it_says", Python::find, model::every_call_is_what_it_says),
        harness.trial("moto::gives_back_what_hotrod_sent", Python::find, moto::gives_back_what_hotrod_sent),
        harness.trial(
            "otel::reads_our_headers_and_writes_ones_we_read",
            Python::find_with_otel,
            otel::reads_our_headers_and_writes_ones_we_read,
        ),
        harness.trial(
            "otlp::datagrams_hold_requests_that_it_decodes",
            Python::find_with_otlp,
            otlp::datagrams_hold_requests_that_it_decodes,
        ),
        harness.trial("samplers::agree", Samplers::find, samplers::agree),
        harness.trial(
            "sdk::continues_a_trace_and_is_continued",
            Python::find,
            sdk::continues_a_trace_and_is_continued,
        ),
        harness.trial(
            "sdk::is_heeded_when_it_does_not_sample",
            Python::find,
            sdk::is_heeded_when_it_does_not_sample,
        ),
        harness.trial(
            "browser::an_order_is_followed_by_clicks",
            Chromedriver::find,
            browser::an_order_is_followed_by_clicks,
        ),
    ];
    let conclusion = run(&arguments, trials);
    for reason in reasons.try_iter() {
        println!("SKIPPED: {reason}");
    }
    if !arguments.list {
        let Conclusion { num_passed, num_failed, num_ignored, .. } = conclusion;
        println!("{num_passed} passed, {num_failed} failed, {num_ignored} skipped");
    }
    conclusion.exit_code()
}

/// Makes trials of tests, and hears which were skipped and why.
struct Harness {
    skipped: mpsc::Sender<String>,
}

impl Harness {
    /// A test, to which `find` hands what it needs.
    fn trial<N, F>(&self, name: &'static str, find: fn() -> Result<N, Missing>, test: fn(N) -> F) -> Trial
    where
        N: 'static,
        F: Future<Output = ()> + 'static,
    {
        let skipped = self.skipped.clone();
        Trial::ignorable_test(name, move || match find() {
            Ok(needed) => {
                tokio::runtime::Runtime::new()?.block_on(test(needed));
                Ok(Completion::Completed)
            }
            Err(missing) if is_required() => Err(Failed::from(format!("{missing}, and E2E_REQUIRE is set"))),
            Err(missing) => {
                skipped.send(format!("{name}: {missing}"))?;
                Ok(Completion::ignored_with(missing))
            }
        })
    }
}
