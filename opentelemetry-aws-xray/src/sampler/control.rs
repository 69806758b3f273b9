//! What the sampler's thread does when a call is due: rules become the table in force, reports become targets.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::otel_warn;
use xray_wire::{
    limits::MAX_STATISTICS_PER_CALL,
    sampling::{Call, ClientId, Report, Schedule, Table, Targets, Unprocessed, shadowed},
};

use super::{
    api::{SamplingApi, SamplingApiError},
    pages::{AllRules, all_rules},
    process::OwnProcess,
    published::Published,
    random,
    warnings::Warnings,
};

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
    warnings: Warnings,
}

/// How the calls went so far, for others to read.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) table: Option<Arc<Table>>,
    /// The rules of it that are never reached, and which takes all of their requests.
    pub(super) shadowed: Arc<HashMap<Arc<str>, Arc<str>>>,
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
            warnings: Warnings::default(),
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
            if !self.warnings.fails(Call::Targets) {
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
                return self.failed(Call::Rules, &error, moment);
            }
        };
        skipped.iter().for_each(|skipped| self.warnings.skipped(skipped));
        let table = Table::new(rules, &self.process.as_process(), self.table.as_deref(), moment.nanos);
        self.schedule.rules_arrived(moment.nanos, table.next_report(), moment.random);
        self.follow_rules(Arc::new(table));
        self.answered(Call::Rules, moment);
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
                    return self.failed(Call::Targets, &error, moment);
                }
            }
        }
        self.schedule.targets_arrived(table.next_report(), moment.random);
        self.answered(Call::Targets, moment);
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
        self.warnings.refused(refused);
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
        let found = shadowed(table.entries().iter().map(|entry| &*entry.rule));
        found.iter().for_each(|found| self.warnings.shadowed(*found));
        let names = found.iter().map(|found| (found.rule.name.clone(), found.by.name.clone()));
        let shadowed = Arc::new(names.collect());
        self.published.publish(Some(table.clone()));
        self.note(|progress| (progress.table, progress.shadowed) = (Some(table.clone()), shadowed));
        self.table = Some(table);
        self.is_in_force = true;
    }

    fn answered(&mut self, call: Call, moment: Moment) {
        self.warnings.answered(call, &self.api.endpoint(), moment.nanos);
        self.note(|progress| {
            progress.answered += 1;
            progress.last_error = self.warnings.last_error().map(str::to_owned);
        });
    }

    fn failed(&mut self, call: Call, error: &SamplingApiError, moment: Moment) {
        self.warnings.failed(call, error, &self.api.endpoint(), self.is_in_force, moment.nanos);
        self.note(|progress| {
            progress.failed += 1;
            progress.last_error = self.warnings.last_error().map(str::to_owned);
        });
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// An id that the operating system's random numbers make different in each process.
fn client_id() -> ClientId {
    let mut bytes = [0; 12];
    let (start, end) = bytes.split_at_mut(8);
    start.copy_from_slice(&random().to_ne_bytes());
    end.copy_from_slice(&(random() as u32).to_ne_bytes());
    ClientId::from_random(bytes)
}
