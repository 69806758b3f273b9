//! What the sampler's thread does when a call is due: rules become the table in force, reports become targets.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::{otel_info, otel_warn};
use xray_wire::{
    limits::MAX_STATISTICS_PER_CALL,
    sampling::{Call, ClientId, Report, Schedule, SkippedRule, Table, Targets, Unprocessed, shadowed},
};

use super::{
    api::{SamplingApi, SamplingApiError},
    pages::{AllRules, all_rules},
    process::OwnProcess,
    published::Published,
    random,
};

/// A failure that lasts is told again when this has passed.
const WARN_EVERY: Duration = Duration::from_secs(600);

/// Rules that are told once each as being odd; a bound, since their names come from outside.
const MAX_ODD_RULES: usize = 1_000;

/// A moment: on the sampler's clock, in the time of day, and a number drawn for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) nanos: u64,
    pub(super) epoch_millis: u64,
    pub(super) random: u64,
}

/// Makes the calls that are due.
#[derive(Debug)]
pub(super) struct Control {
    api: Box<dyn SamplingApi>,
    /// Drawn for the first report, so that processes which were forked from one before don't share it.
    client: Option<ClientId>,
    process: OwnProcess,
    schedule: Schedule,
    table: Option<Arc<Table>>,
    /// Whether the table is followed. One that is too old is kept all the same, for what it counted.
    is_in_force: bool,
    published: Arc<Published>,
    progress: Arc<Mutex<Progress>>,
    warned: Option<u64>,
    odd_rules: HashSet<String>,
}

/// How the calls went so far, for others to read.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) table: Option<Arc<Table>>,
    pub(super) rules_at: Option<u64>,
    pub(super) last_error: Option<String>,
    pub(super) answered: u64,
    pub(super) failed: u64,
    pub(super) refused: u64,
}

impl Control {
    pub(super) fn new(
        api: Box<dyn SamplingApi>,
        process: OwnProcess,
        schedule: Schedule,
        published: Arc<Published>,
        progress: Arc<Mutex<Progress>>,
    ) -> Self {
        Self {
            api,
            client: None,
            process,
            schedule,
            table: None,
            is_in_force: false,
            published,
            progress,
            warned: None,
            odd_rules: HashSet::new(),
        }
    }

    /// Makes the next call, if it is due, and answers when to come again.
    pub(super) fn step(&mut self, moment: Moment) -> u64 {
        match self.schedule.next() {
            (_, due) if due > moment.nanos => {}
            (Call::Rules, _) => self.ask_for_rules(moment),
            (Call::Targets, _) => self.report(moment),
        }
        self.end_old_rules(moment);
        let (_, due) = self.schedule.next();
        let end = self.schedule.rules_end().filter(|_| self.is_in_force);
        end.map_or(due, |end| due.min(end))
    }

    /// Asks for rules with the next step.
    pub(super) fn refresh(&mut self) {
        self.schedule.refresh_rules();
    }

    /// Reports what was counted since the last report, whether it is due or not: the last thing to do. From then on no rule decides.
    /// Who didn't answer before is not asked.
    pub(super) fn report_rest(&mut self, moment: Moment) {
        self.is_in_force = false;
        self.published.publish(None);
        // Twice, for decisions that were being made when the rules ended; the second call is most often not needed.
        for _ in 0..2 {
            if self.warned.is_none() {
                // By then everything is due.
                self.report(Moment { nanos: u64::MAX, ..moment });
            }
        }
    }

    fn ask_for_rules(&mut self, moment: Moment) {
        let AllRules { rules, skipped } = match all_rules(&mut *self.api) {
            Ok(all) => all,
            Err(error) => {
                self.schedule.rules_failed(moment.nanos, moment.random);
                return self.failed("rules", &error, moment);
            }
        };
        skipped.iter().for_each(|skipped| self.warn_of_skipped(skipped));
        let table = Table::new(rules, &self.process.as_process(), self.table.as_deref(), moment.nanos);
        self.warn_of_shadowed(&table);
        self.schedule.rules_arrived(moment.nanos, table.next_report(), moment.random);
        self.follow_rules(Arc::new(table));
        self.answered(moment);
        self.note(|progress| progress.rules_at = Some(moment.nanos));
    }

    fn report(&mut self, moment: Moment) {
        let Some(table) = self.table.clone() else { return };
        let mut reports = table.take_due(moment.nanos);
        if reports.is_empty() {
            return self.schedule.nothing_to_report(table.next_report(), moment.random);
        }
        let client = *self.client.get_or_insert_with(client_id);
        while !reports.is_empty() {
            let rest = reports.split_off(reports.len().min(MAX_STATISTICS_PER_CALL));
            let chunk = std::mem::replace(&mut reports, rest);
            match self.api.targets(client, moment.epoch_millis, &chunk) {
                Ok(targets) => self.follow_targets(&table, chunk, &targets, moment),
                // The counts of this chunk and of those behind it go back.
                Err(error) => {
                    self.schedule.targets_failed(moment.nanos, table.next_report(), moment.random);
                    return self.failed("targets", &error, moment);
                }
            }
        }
        self.schedule.targets_arrived(table.next_report(), moment.random);
        self.answered(moment);
    }

    fn follow_targets(&mut self, table: &Table, reports: Vec<Report>, targets: &Targets, moment: Moment) {
        table.apply(&targets.targets, moment.nanos, moment.epoch_millis as f64 / 1e3);
        for mut report in reports {
            if self.is_done_with(&report, &targets.unprocessed) {
                report.accept_counts();
            }
            if self.is_done_with(&report, &targets.unprocessed_boosts) {
                report.accept_boost_counts();
            }
        }
        if let Some(modified) = targets.last_rule_modification {
            self.schedule.rules_modified(modified);
        }
    }

    /// Whether X-Ray has taken a report, or never will.
    fn is_done_with(&mut self, report: &Report, unprocessed: &[Unprocessed]) -> bool {
        let Some(refused) = unprocessed.iter().find(|refused| *refused.rule_name == *report.rule_name())
        else {
            return true;
        };
        if refused.is_final() {
            self.refused(refused);
        }
        refused.is_final()
    }

    fn refused(&mut self, refused: &Unprocessed) {
        self.note(|progress| progress.refused += 1);
        // The rule is most likely gone.
        self.schedule.refresh_rules();
        if self.is_first(&format!("refused {} {}", refused.rule_name, refused.error_code)) {
            otel_warn!(
                name: "XraySampler.ReportRefused",
                rule = refused.rule_name.to_string(),
                code = shown(&refused.error_code),
                reason = shown(&refused.message),
                message = "X-Ray refuses the report of a sampling rule; what it counted is lost. Was the rule deleted?"
            );
        }
    }

    fn end_old_rules(&mut self, moment: Moment) {
        if self.is_in_force && self.schedule.rules_end().is_some_and(|end| end <= moment.nanos) {
            otel_warn!(
                name: "XraySampler.RulesEnded",
                endpoint = self.api.endpoint(),
                message = "no sampling rules could be fetched for an hour; the old ones are not followed any more, and the fallback decides"
            );
            self.is_in_force = false;
            self.published.publish(None);
            self.note(|progress| progress.table = None);
        }
    }

    fn follow_rules(&mut self, table: Arc<Table>) {
        self.published.publish(Some(table.clone()));
        self.note(|progress| progress.table = Some(table.clone()));
        self.table = Some(table);
        self.is_in_force = true;
    }

    fn answered(&mut self, moment: Moment) {
        let failed = self.warned.take();
        if let Some(since) = failed {
            otel_info!(
                name: "XraySampler.Reached",
                endpoint = self.api.endpoint(),
                seconds = moment.nanos.saturating_sub(since) / 1_000_000_000,
                message = "sampling rules and targets are fetched again"
            );
        }
        self.note(|progress| {
            progress.answered += 1;
            progress.last_error = None;
        });
    }

    fn failed(&mut self, what: &'static str, error: &SamplingApiError, moment: Moment) {
        self.note(|progress| {
            progress.failed += 1;
            progress.last_error = Some(error.to_string());
        });
        let is_due =
            self.warned.is_none_or(|at| moment.nanos.saturating_sub(at) >= WARN_EVERY.as_nanos() as u64);
        if !is_due {
            return;
        }
        self.warned = Some(moment.nanos);
        let message = if self.is_in_force {
            "X-Ray can't be asked how to sample; the rules that are known are followed for up to an hour. Is the X-Ray daemon, or a Collector with the extension awsproxy, running at this endpoint?"
        } else {
            "X-Ray can't be asked for sampling rules; until it answers the fallback decides, by default one request a second and 5 % of the others. Is the X-Ray daemon, or a Collector with the extension awsproxy, running at this endpoint? `with_endpoint` chooses another one"
        };
        otel_warn!(
            name: "XraySampler.Unreachable",
            endpoint = self.api.endpoint(),
            call = what,
            error = error.to_string(),
            message = message
        );
    }

    fn warn_of_skipped(&mut self, skipped: &SkippedRule) {
        let name = skipped.name.as_deref().unwrap_or_default();
        if self.is_first(&format!("skipped {name}")) {
            otel_warn!(
                name: "XraySampler.RuleSkipped",
                rule = name.to_owned(),
                reason = skipped.reason,
                message = "a sampling rule can't be followed and is left out"
            );
        }
    }

    fn warn_of_shadowed(&mut self, table: &Table) {
        for found in shadowed(table.entries().iter().map(|entry| &*entry.rule)) {
            if self.is_first(&format!("shadowed {} {}", found.rule.name, found.by.name)) {
                otel_warn!(
                    name: "XraySampler.RuleShadowed",
                    rule = found.rule.name.to_string(),
                    by = found.by.name.to_string(),
                    message = "a sampling rule is never reached: another one, asked before, takes all of its requests. Should it have a lower priority number?"
                );
            }
        }
    }

    fn is_first(&mut self, what: &str) -> bool {
        self.odd_rules.len() < MAX_ODD_RULES && self.odd_rules.insert(what.to_owned())
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What X-Ray says, as far as a person wants to read it.
fn shown(text: &str) -> String {
    const SHOWN_CHARS: usize = 200;
    xray_wire::sanitize::truncate(text, SHOWN_CHARS).escape_debug().to_string()
}

/// An id that the operating system's random numbers make different in each process.
fn client_id() -> ClientId {
    let mut bytes = [0; 12];
    let (start, end) = bytes.split_at_mut(8);
    start.copy_from_slice(&random().to_ne_bytes());
    end.copy_from_slice(&(random() as u32).to_ne_bytes());
    ClientId::from_random(bytes)
}
