//! Rules in their order, reduced to what this process can meet.

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};

use super::{
    Field, Pattern, Process, Report, Request, ResourceArn, Rule, RuleState, Target,
    pattern::{Affix, Expected},
};
use crate::{limits::MAX_BOOST_SERVICE_CHARS, sanitize};

/// Rules in the order in which they are asked: by priority, then by name. The first that matches decides.
///
/// What the process is can't change, so rules for other services are left out beforehand, and those behind one that matches
/// everything; few are left in a common account.
///
/// ```
/// use xray_wire::sampling::{Decision, Process, Rate, Request, Rule, Stripe, Table};
///
/// let rules = vec![
///     Rule::for_all(Rule::DEFAULT_NAME, 10_000, 1, Rate::ALWAYS),
///     Rule { url_path: "/health".into(), ..Rule::for_all("health", 1, 0, Rate::NEVER) },
/// ];
/// let now = 0;
/// let table = Table::new(rules, &Process::default(), None, now);
/// let entry = table.find(&Request { url_path: Some("/health"), ..Request::UNKNOWN }).unwrap();
/// assert_eq!(&*entry.rule.name, "health");
/// assert_eq!(entry.state.decide([1; 16], || now, Stripe::shared(0)), Decision::NotSampled);
/// ```
#[derive(Debug)]
pub struct Table {
    entries: Box<[Entry]>,
    /// Rules that look at requests.
    live: Box<[Live]>,
    /// The rule behind them, which matches everything.
    catch_all: Option<Entry>,
    /// A bit for each [`Field`].
    asked_for: u8,
    has_boost: bool,
    service_name: Arc<str>,
}

/// A rule and its state.
///
/// ```
/// use xray_wire::sampling::{Entry, Table};
///
/// /// A line for each rule, for people.
/// fn lines(table: &Table) -> Vec<String> {
///     let line = |Entry { rule, state }: &Entry| format!("{} {:?}", rule.name, state.total());
///     table.entries().iter().map(line).collect()
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Entry {
    /// The rule.
    pub rule: Arc<Rule>,
    /// What is kept about it.
    pub state: Arc<RuleState>,
}

/// A rule that requests of this process may meet.
#[derive(Debug)]
struct Live {
    /// Few requests that don't match have it; it is looked at first.
    path_prefix: Expected,
    /// Whether the path matches if it has the prefix.
    is_path_told: bool,
    /// What is left to look at in a request; a field that needs no look has the pattern for everything.
    url_path: Pattern,
    http_method: Pattern,
    host: Pattern,
    resource_arn: Pattern,
    has_attributes: bool,
    entry: Entry,
}

impl Table {
    /// The table of an account's rules. What an earlier table kept about a rule goes on by the rule's name: counters, quota,
    /// the rate of its target.
    ///
    /// Of several rules with one name, as they came, the last counts.
    #[must_use]
    pub fn new(rules: Vec<Rule>, process: &Process<'_>, previous: Option<&Self>, now: u64) -> Self {
        let kept: BTreeMap<&str, &Entry> = previous.map(Self::by_name).unwrap_or_default();
        Self::build(rules, process, |rule| match kept.get(&*rule.name) {
            Some(Entry { rule: before, state })
                if before.fixed_rate == rule.fixed_rate && before.reservoir_size == rule.reservoir_size =>
            {
                state.clone()
            }
            Some(Entry { rule: before, state }) => Arc::new(state.after_edit(before, rule)),
            None => Arc::new(RuleState::new(rule, now)),
        })
    }

    /// The table of rules that are this process's own, with nobody to report to.
    #[must_use]
    pub fn local(rules: Vec<Rule>, process: &Process<'_>) -> Self {
        Self::build(rules, process, |rule| Arc::new(RuleState::local(rule)))
    }

    fn build(rules: Vec<Rule>, process: &Process<'_>, state: impl Fn(&Rule) -> Arc<RuleState>) -> Self {
        let by_name: BTreeMap<Arc<str>, Rule> =
            rules.into_iter().map(|rule| (rule.name.clone(), rule)).collect();
        let mut rules: Vec<Rule> = by_name.into_values().collect();
        rules.sort_by(|a, b| a.order().cmp(&b.order()));
        let entries: Vec<Entry> =
            rules.into_iter().map(|rule| Entry { state: state(&rule), rule: Arc::new(rule) }).collect();
        let mut live = Vec::new();
        let mut catch_all = None;
        for rule in entries.iter().filter_map(|entry| Live::new(entry, process)) {
            if rule.takes_all() {
                catch_all = Some(rule.entry);
                break;
            }
            live.push(rule);
        }
        let asked_for = live.iter().fold(0, |asked, rule| asked | rule.asks_for());
        let has_boost = entries.iter().any(|entry| entry.rule.boost.is_some());
        let service_name =
            sanitize::truncate(process.service_name.unwrap_or("default"), MAX_BOOST_SERVICE_CHARS).into();
        Self { entries: entries.into(), live: live.into(), catch_all, asked_for, has_boost, service_name }
    }

    /// The first rule that matches the request.
    #[must_use]
    #[inline]
    pub fn find(&self, request: &Request<'_>) -> Option<&Entry> {
        self.find_live(request).or(self.catch_all.as_ref())
    }

    #[inline]
    fn find_live(&self, request: &Request<'_>) -> Option<&Entry> {
        if self.live.is_empty() {
            return None;
        }
        let path_prefix = request.url_path.map_or(Affix::MISSING, Affix::prefix);
        let mut likely = self.live.iter().filter(|rule| rule.path_prefix.is_met_by(path_prefix));
        likely.find(|rule| rule.matches(request)).map(|rule| &rule.entry)
    }

    /// Whether any rule looks at this field of a request. What is not looked at need not be looked for.
    #[must_use]
    #[inline]
    pub const fn asks_for(&self, field: Field) -> bool {
        self.asked_for & bit(field) != 0
    }

    /// Whether X-Ray may raise the rate of any rule.
    #[must_use]
    #[inline]
    pub const fn has_boost(&self) -> bool {
        self.has_boost
    }

    /// The rule with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.rule.name == name)
    }

    /// All rules, in their order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The rules that requests of this process may meet, in their order.
    pub fn live(&self) -> impl Iterator<Item = &Entry> {
        self.live.iter().map(|live| &live.entry).chain(&self.catch_all)
    }

    /// Takes the counts of all rules whose report is due and that have any.
    pub fn take_due(&self, now: u64) -> Vec<Report> {
        let due = self.entries.iter().filter(|entry| entry.state.report_due() <= now);
        due.filter_map(|Entry { rule, state }| {
            state.put_off_report(now);
            Report::take(rule, state, &self.service_name)
        })
        .collect()
    }

    /// When the next report is due; `None` if there is no rule.
    #[must_use]
    pub fn next_report(&self) -> Option<u64> {
        self.entries.iter().map(|entry| entry.state.report_due()).min()
    }

    /// Gives targets to their rules, and says how many of them named one that is there.
    pub fn apply(&self, targets: &[Target], now: u64, epoch_seconds: f64) -> usize {
        let entries = self.by_name();
        let named = targets.iter().filter_map(|target| Some((target, entries.get(&*target.rule_name)?)));
        named.map(|(target, entry)| entry.state.apply(target, now, epoch_seconds)).count()
    }

    fn by_name(&self) -> BTreeMap<&str, &Entry> {
        self.entries.iter().map(|entry| (&*entry.rule.name, entry)).collect()
    }
}

impl Live {
    /// What is left of a rule to look at; `None` if it is for other processes.
    fn new(entry: &Entry, process: &Process<'_>) -> Option<Self> {
        let rule = &*entry.rule;
        if rule.is_default() {
            return Some(Self {
                path_prefix: Pattern::any().prefix(),
                is_path_told: true,
                url_path: Pattern::any(),
                http_method: Pattern::any(),
                host: Pattern::any(),
                resource_arn: Pattern::any(),
                has_attributes: false,
                entry: entry.clone(),
            });
        }
        let is_other_arn = match process.resource_arn {
            ResourceArn::None => !rule.resource_arn.matches(None),
            ResourceArn::Process(arn) => !rule.resource_arn.matches(Some(arn)),
            ResourceArn::Request => false,
        };
        let is_other = !rule.service_name.matches(process.service_name)
            || !rule.service_type.matches(process.service_type);
        if is_other || is_other_arn {
            return None;
        }
        let asks_for_arn = process.resource_arn == ResourceArn::Request;
        Some(Self {
            path_prefix: rule.url_path.prefix(),
            is_path_told: rule.url_path.is_told_by_prefix(),
            url_path: rule.url_path.clone(),
            http_method: rule.http_method.clone(),
            host: rule.host.clone(),
            resource_arn: if asks_for_arn { rule.resource_arn.clone() } else { Pattern::any() },
            has_attributes: !rule.attributes.is_empty(),
            entry: entry.clone(),
        })
    }

    /// Whether a request matches whose path has the prefix.
    #[inline]
    fn matches(&self, request: &Request<'_>) -> bool {
        (self.is_path_told || self.url_path.matches(request.url_path))
            && self.http_method.matches(request.http_method)
            && self.host.matches(request.host)
            && self.resource_arn.matches(request.resource_arn)
            && (!self.has_attributes || self.attributes_match(request))
    }

    fn attributes_match(&self, request: &Request<'_>) -> bool {
        self.entry.rule.attributes.iter().all(|(key, pattern)| request.attributes.matches(key, pattern))
    }

    fn takes_all(&self) -> bool {
        self.asks_for() == 0 && !self.has_attributes
    }

    /// A bit for each field that is looked at.
    fn asks_for(&self) -> u8 {
        let fields = [
            (Field::UrlPath, &self.url_path),
            (Field::HttpMethod, &self.http_method),
            (Field::Host, &self.host),
            (Field::ResourceArn, &self.resource_arn),
        ];
        let asked = fields.iter().filter(|(_, pattern)| !pattern.is_any());
        asked.fold(0, |asked, (field, _)| asked | bit(*field))
    }
}

const fn bit(field: Field) -> u8 {
    1 << field as u8
}

#[cfg(test)]
mod tests {
    use std::{format, string::String, vec};

    use proptest::prelude::*;

    use super::*;
    use crate::sampling::{Attributes, Rate};

    struct Pairs(&'static [(&'static str, &'static str)]);

    impl Attributes for Pairs {
        fn matches(&self, key: &str, pattern: &Pattern) -> bool {
            self.0.iter().any(|(k, value)| *k == key && pattern.matches(Some(value)))
        }
    }

    fn rule(name: &str, priority: u32, edit: impl FnOnce(&mut Rule)) -> Rule {
        let mut rule = Rule::for_all(name, priority, 1, Rate::NEVER);
        edit(&mut rule);
        rule
    }

    const SHOP: Process<'_> = Process {
        service_name: Some("shop"),
        service_type: Some("AWS::ECS::Container"),
        resource_arn: ResourceArn::None,
    };

    #[test]
    fn the_first_by_priority_then_by_name_decides() {
        let table = Table::new(
            vec![
                rule("Default", 10_000, |rule| rule.url_path = "/never".into()),
                rule("b", 5, |rule| rule.url_path = "/x".into()),
                rule("a", 5, |rule| rule.url_path = "/x*".into()),
                rule("post", 1, |rule| rule.http_method = "POST".into()),
                rule("host", 2, |rule| rule.host = "*.example.com".into()),
                rule("gold", 3, |rule| {
                    rule.attributes = vec![("tier".into(), "gold".into()), ("age".into(), "*".into())];
                }),
            ],
            &SHOP,
            None,
            0,
        );
        let gold: &dyn Attributes = &Pairs(&[("tier", "GOLD"), ("age", "7")]);
        let half: &dyn Attributes = &Pairs(&[("tier", "GOLD")]);
        for (method, path, host, attributes, expected) in [
            (Some("POST"), Some("/x"), Some("a.example.com"), gold, "post"),
            (Some("GET"), Some("/x"), Some("a.example.com"), gold, "host"),
            (None, Some("/x"), Some("example.com"), gold, "gold"),
            (None, Some("/x"), None, half, "a"),
            (None, None, None, half, "Default"),
        ] {
            let request =
                Request { http_method: method, url_path: path, host, resource_arn: None, attributes };
            assert_eq!(&*table.find(&request).unwrap().rule.name, expected);
        }
    }

    #[test]
    fn what_the_process_cannot_meet_is_left_out() {
        let arn = "arn:aws:lambda:eu-west-1:1:function:f";
        for (resource_arn, expected) in [
            (ResourceArn::None, vec!["mine", "all"]),
            (ResourceArn::Process(arn), vec!["mine", "arn", "all"]),
            (ResourceArn::Request, vec!["mine", "arn", "other arn", "all"]),
        ] {
            let rules = vec![
                rule("other service", 1, |rule| rule.service_name = "cart".into()),
                rule("other type", 2, |rule| rule.service_type = "AWS::EC2::*".into()),
                rule("mine", 3, |rule| {
                    rule.service_name = "SH?P".into();
                    rule.url_path = "/a".into();
                }),
                rule("arn", 4, |rule| {
                    rule.resource_arn = "*:function:f".into();
                    rule.url_path = "/b".into();
                }),
                rule("other arn", 5, |rule| rule.resource_arn = "*:function:g".into()),
                rule("all", 6, |_| ()),
                rule("behind", 7, |rule| rule.host = "x".into()),
            ];
            let table = Table::new(rules, &Process { resource_arn, ..SHOP }, None, 0);
            let live: Vec<&str> = table.live().map(|entry| &*entry.rule.name).collect();
            assert_eq!(live, expected, "{resource_arn:?}");
            assert_eq!(table.entries().len(), 7);
            let asked = [Field::HttpMethod, Field::UrlPath, Field::Host, Field::ResourceArn];
            let expected = [false, true, false, resource_arn == ResourceArn::Request];
            assert_eq!(asked.map(|field| table.asks_for(field)), expected, "{resource_arn:?}");
        }
    }

    #[test]
    fn of_rules_with_one_name_the_last_counts() {
        let rules = [(1, "/first"), (3, "/second"), (2, "/last")];
        let rules = rules.map(|(priority, path)| rule("twice", priority, |rule| rule.url_path = path.into()));
        let table = Table::new(rules.into(), &SHOP, None, 0);
        let paths: Vec<_> = table.entries().iter().map(|entry| entry.rule.url_path.as_str()).collect();
        assert_eq!(paths, ["/last"]);
    }

    #[test]
    fn no_rule_may_match() {
        let table = Table::new(vec![rule("x", 1, |rule| rule.host = "x".into())], &SHOP, None, 0);
        assert!(table.find(&Request::UNKNOWN).is_none());
        assert!(Table::new(vec![], &SHOP, None, 0).find(&Request::UNKNOWN).is_none());
    }

    #[test]
    fn a_thousand_rules_are_all_found() {
        let rules = (0..1_000)
            .map(|n| rule(&format!("r{n}"), 1 + n % 100, |rule| rule.url_path = format!("/{n}/*").into()));
        let mut rules: Vec<Rule> = rules.collect();
        rules.extend(rules.clone());
        let table = Table::new(rules, &SHOP, None, 0);
        assert_eq!(table.entries().len(), 1_000);
        for n in 0..1_000 {
            let path = format!("/{n}/x");
            let request = Request { url_path: Some(&path), ..Request::UNKNOWN };
            assert_eq!(*table.find(&request).unwrap().rule.name, *format!("r{n}"));
        }
    }

    fn pattern() -> impl Strategy<Value = String> {
        // Short and long, with all kinds of wildcards, and some that are literally the same text.
        prop_oneof![
            Just("*".into()),
            Just(String::new()),
            "/?[aB]{0,3}[*?]?[aB]{0,3}\\*?",
            "\\*?/[aB]{0,2}/catalogue/[aB]{0,2}/items/?[*?]?",
        ]
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop_oneof!["/?[Ab*]{0,5}", "/[Ab]{0,2}/CATALOGUE/[Ab]{0,2}/items/?"])
    }

    proptest! {
        #[test]
        fn finds_what_asking_each_rule_does(
            patterns in prop::collection::vec((pattern(), pattern(), pattern(), any::<bool>()), 0..12),
            (path, host, method) in (text(), text(), text()),
        ) {
            let rules = patterns.iter().zip(0..).map(|((path, host, method, has_attribute), n)| {
                rule(&format!("r{n}"), n, |rule| {
                    rule.url_path = path.as_str().into();
                    rule.host = host.as_str().into();
                    rule.http_method = method.as_str().into();
                    rule.attributes = has_attribute.then(|| ("tier".into(), "g*".into())).into_iter().collect();
                })
            });
            let rules: Vec<Rule> = rules.collect();
            for attributes in [Pairs(&[]), Pairs(&[("tier", "gold")])] {
                let request = Request {
                    url_path: path.as_deref(),
                    host: host.as_deref(),
                    http_method: method.as_deref(),
                    resource_arn: None,
                    attributes: &attributes,
                };
                let expected = rules.iter().find(|rule| {
                    rule.url_path.matches(request.url_path)
                        && rule.host.matches(request.host)
                        && rule.http_method.matches(request.http_method)
                        && rule.attributes.iter().all(|(key, value)| attributes.matches(key, value))
                });
                let table = Table::new(rules.clone(), &SHOP, None, 0);
                let found = table.find(&request).map(|entry| &*entry.rule.name);
                prop_assert_eq!(found, expected.map(|rule| &*rule.name));
            }
        }
    }
}
