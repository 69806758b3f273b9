//! The sampling service: rules, and targets for the clients that report to it. Pure, with `now` handed in.

mod boost;
mod callers;
mod draft;
mod file;
mod history;
mod messages;
mod overview;
mod rule;
mod rules;
mod statistics;
mod targets;
#[cfg(test)]
mod tests;

use std::fmt;

use xray_wire::Timestamp;

use boost::Boosts;
use callers::Callers;
use messages::{
    BoostStatisticsDocument, SamplingBoost, StatisticSummary, StatisticsDocument, Target, Unprocessed,
};
use rules::Rules;
use statistics::Statistics;
use targets::{INTERVAL_SECONDS, QUOTA_NANOS, quota};

pub(crate) use callers::{Caller, Polls};
pub(crate) use draft::{BoostDraft, Draft};
pub(crate) use history::{ClientHistory, HISTORY_NANOS, Reported, RuleHistory};
pub(crate) use messages::{Summaries, Targets, TargetsCall};
pub(crate) use overview::{CallerRow, ClientRow, Overview, RuleRow};
pub(crate) use rule::{Rule, RuleRecord};
pub(crate) use rules::RuleKey;
pub(crate) use statistics::per_second;

const SECOND: u64 = 1_000_000_000;

/// Documents of each kind in one call of `GetSamplingTargets` (X-Ray API reference).
const MAX_DOCUMENTS: usize = 25;

/// Summaries on a page of `GetSamplingStatisticSummaries`.
const SUMMARIES_PER_PAGE: usize = 100;

/// The error code of statistics that can't be taken. Clients read it as an HTTP status: those that begin with 4 make
/// them fetch the rules again.
const UNPROCESSED: &str = "400";

const UNKNOWN_RULE: &str = "there is no rule of this name";

/// Why a call fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SamplingError {
    /// `InvalidRequestException`.
    Invalid(String),
    /// `RuleLimitExceededException`: there are so many rules already.
    LimitExceeded(usize),
}

impl fmt::Display for SamplingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(message) => f.write_str(message),
            Self::LimitExceeded(most) => write!(f, "there are {most} rules besides the default one already"),
        }
    }
}

/// Rules, statistics, boosts, and who asks for them.
#[derive(Debug)]
pub(crate) struct Sampling {
    rules: Rules,
    rules_per_page: usize,
    statistics: Statistics,
    boosts: Boosts,
    callers: Callers,
}

impl Sampling {
    /// The default rule alone.
    pub(crate) fn new(rules_per_page: usize, now: Timestamp) -> Self {
        Self {
            rules: Rules::new(now),
            rules_per_page,
            statistics: Statistics::default(),
            boosts: Boosts::default(),
            callers: Callers::default(),
        }
    }

    pub(crate) fn create(&mut self, rule: Rule, now: Timestamp) -> Result<RuleRecord, SamplingError> {
        self.rules.create(rule, now)
    }

    pub(crate) fn update(&mut self, draft: Draft, now: Timestamp) -> Result<RuleRecord, SamplingError> {
        self.rules.update(draft, now)
    }

    pub(crate) fn delete(&mut self, key: &RuleKey, now: Timestamp) -> Result<RuleRecord, SamplingError> {
        let deleted = self.rules.delete(key, now)?;
        self.statistics.forget_rule(&deleted.rule.rule_name);
        self.boosts.forget_rule(&deleted.rule.rule_name);
        Ok(deleted)
    }

    /// A page of rules, and the token of the next.
    pub(crate) fn rules(
        &mut self,
        token: Option<&str>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(Vec<RuleRecord>, Option<String>), SamplingError> {
        self.callers.polled_rules(caller, now);
        let (page, token) = self.rules.page(token, self.rules_per_page)?;
        Ok((page.to_vec(), token))
    }

    /// Takes statistics in and answers with a target for each rule that they tell of.
    pub(crate) fn targets(
        &mut self,
        call: &TargetsCall,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Targets, SamplingError> {
        self.callers.polled_targets(caller, now);
        for (list, length) in [
            ("SamplingStatisticsDocuments", call.statistics.len()),
            ("SamplingBoostStatisticsDocuments", call.boost_statistics.len()),
        ] {
            if length > MAX_DOCUMENTS {
                let message = format!("expected at most {MAX_DOCUMENTS} {list}, but found {length}");
                return Err(SamplingError::Invalid(message));
            }
        }
        // First, so that the targets below know of a boost that they give cause to.
        let unprocessed_boost_statistics = self.take_boosts(call, now);
        let mut answer = Targets {
            targets: Vec::new(),
            last_rule_modification: self.rules.last_modification(),
            unprocessed_statistics: Vec::new(),
            unprocessed_boost_statistics,
        };
        for document in &call.statistics {
            match self.target(document, &caller.agent, now) {
                Ok(target) => answer.targets.push(target),
                Err(message) => answer.unprocessed_statistics.push(unprocessed(&document.rule_name, message)),
            }
        }
        Ok(answer)
    }

    fn target(
        &mut self,
        document: &StatisticsDocument,
        agent: &str,
        now: Timestamp,
    ) -> Result<Target, String> {
        let rule = self.rules.find(&document.rule_name).ok_or(UNKNOWN_RULE)?;
        let (id, counts) = document.read()?;
        let name = &rule.rule_name;
        self.statistics.take(name, &id, counts, agent, now);
        let quota = quota(rule.reservoir_size, &id, self.statistics.clients_of(name), now);
        let until = Timestamp::from_nanos(now.as_nanos().saturating_add(QUOTA_NANOS));
        self.statistics.grant(name, &id, quota, until);
        let boost = self.boosts.active(rule, now);
        Ok(Target {
            rule_name: name.clone(),
            fixed_rate: rule.fixed_rate,
            reservoir_quota: quota,
            reservoir_quota_ttl: until,
            interval: INTERVAL_SECONDS,
            sampling_boost: boost
                .map(|boost| SamplingBoost { boost_rate: boost.rate, boost_rate_ttl: boost.until }),
        })
    }

    fn take_boosts(&mut self, call: &TargetsCall, now: Timestamp) -> Vec<Unprocessed> {
        let mut refused = Vec::new();
        for document in &call.boost_statistics {
            if let Err(message) = self.take_boost(document, now) {
                refused.push(unprocessed(&document.rule_name, message));
            }
        }
        refused
    }

    fn take_boost(&mut self, document: &BoostStatisticsDocument, now: Timestamp) -> Result<(), String> {
        let rule = self.rules.find(&document.rule_name).ok_or(UNKNOWN_RULE)?;
        self.boosts.take(rule, document.read()?, now);
        Ok(())
    }

    /// What was reported for each rule in each window of ten seconds, the latest first.
    pub(crate) fn summaries(&self, token: Option<&str>) -> Result<Summaries, SamplingError> {
        let start = match token.map(str::parse::<usize>) {
            None => 0,
            Some(Ok(start)) => start,
            Some(Err(_)) => {
                return Err(SamplingError::Invalid("expected a NextToken of an earlier answer".to_owned()));
            }
        };
        let all = self.statistics.windows().flat_map(|window| {
            window.rules.iter().map(|(rule, counts)| StatisticSummary {
                rule_name: rule.clone(),
                timestamp: window.start,
                request_count: counts.requests,
                borrow_count: counts.borrowed,
                sampled_count: counts.sampled,
            })
        });
        let mut summaries: Vec<_> = all.skip(start).take(SUMMARIES_PER_PAGE + 1).collect();
        let has_more = summaries.len() > SUMMARIES_PER_PAGE;
        summaries.truncate(SUMMARIES_PER_PAGE);
        let next_token = has_more.then(|| (start + SUMMARIES_PER_PAGE).to_string());
        Ok(Summaries { summaries, next_token })
    }

    /// Forgets what was reported, and by whom; the rules stay.
    pub(crate) fn clear(&mut self) {
        (self.statistics, self.boosts, self.callers) = Default::default();
    }
}

fn unprocessed(rule: &str, message: String) -> Unprocessed {
    Unprocessed { rule_name: rule.to_owned(), error_code: UNPROCESSED, message }
}
