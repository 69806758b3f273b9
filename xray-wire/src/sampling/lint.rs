//! Rules that are never reached.

use alloc::vec::Vec;

use super::{Pattern, Rule};

/// A rule that no request ever reaches, since another one takes all of its requests before.
///
/// ```
/// use xray_wire::sampling::Shadowed;
///
/// fn advice(Shadowed { rule, by }: Shadowed<'_>) -> String {
///     format!("give {:?} a priority below {}, that of {:?}", rule.name, by.priority, by.name)
/// }
/// # use xray_wire::sampling::{Rate, Rule};
/// # let [rule, by] = [("b", 2), ("a", 1)].map(|(name, priority)| Rule::for_all(name, priority, 1, Rate::NEVER));
/// # assert_eq!(advice(Shadowed { rule: &rule, by: &by }), r#"give "b" a priority below 1, that of "a""#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shadowed<'a> {
    /// The rule that is never reached.
    pub rule: &'a Rule,
    /// The rule that is asked before and matches at least as much.
    pub by: &'a Rule,
}

/// Steps that a search may take: some tenths of a second. A thousand ordinary rules take a fraction of it, and no account has more than 26.
const MAX_STEPS: usize = 1 << 24;

/// The rules that are never reached, whatever the requests, in their order. A "critical" rule of priority 2 behind one for all
/// paths with priority 1 is a common mistake.
///
/// What is listed is surely never reached. A rule whose requests are taken by several others together is not listed, nor are those
/// behind which the work would have no end: patterns come from outside.
///
/// ```
/// use xray_wire::sampling::{Rate, Rule, shadowed};
///
/// let rules = [
///     Rule { url_path: "/pay/*".into(), ..Rule::for_all("critical", 2, 10, Rate::ALWAYS) },
///     Rule::for_all("everything", 1, 1, Rate::NEVER),
/// ];
/// let found = shadowed(&rules);
/// assert_eq!((&*found[0].rule.name, &*found[0].by.name), ("critical", "everything"));
/// ```
#[must_use]
pub fn shadowed<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Vec<Shadowed<'a>> {
    let mut sorted: Vec<&Rule> = rules.into_iter().collect();
    sorted.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut steps = MAX_STEPS;
    let mut before =
        |at: usize, rule: &Rule| sorted[..at].iter().find(|by| covers(by, rule, &mut steps)).copied();
    let found =
        sorted.iter().enumerate().filter_map(|(at, rule)| Some(Shadowed { rule, by: before(at, rule)? }));
    found.collect()
}

/// Whether a rule matches every request that `inner` matches.
fn covers(outer: &Rule, inner: &Rule, steps: &mut usize) -> bool {
    if outer.is_default() {
        return true;
    }
    if inner.is_default() {
        // It matches everything, whatever its fields say.
        return patterns(outer).iter().all(|pattern| pattern.is_any()) && outer.attributes.is_empty();
    }
    patterns(outer).iter().zip(patterns(inner)).all(|(outer, inner)| outer.covers_within(inner, steps))
        && outer.attributes.iter().all(|(key, outer)| {
            let same_key = inner.attributes.iter().filter(|(inner_key, _)| inner_key == key);
            same_key.into_iter().any(|(_, inner)| outer.covers_within(inner, steps))
        })
}

fn patterns(rule: &Rule) -> [&Pattern; 6] {
    [
        &rule.service_name,
        &rule.service_type,
        &rule.resource_arn,
        &rule.host,
        &rule.http_method,
        &rule.url_path,
    ]
}

#[cfg(test)]
mod tests {
    use std::{
        string::{String, ToString},
        vec,
        vec::Vec,
    };

    use super::*;
    use crate::sampling::Rate;

    fn rule(name: &str, priority: u32, path: &str, attributes: &[(&str, &str)]) -> Rule {
        let mut rule = Rule::for_all(name, priority, 0, Rate::NEVER);
        rule.url_path = path.into();
        rule.attributes = attributes.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        rule
    }

    #[test]
    fn patterns_that_are_slow_to_compare_end_the_search() {
        let slow = |n: u32| rule(&n.to_string(), n, &std::format!("*{}c", "a".repeat(1_000)), &[]);
        let inner = rule("inner", 500, &"a".repeat(2_000), &[]);
        let rules: Vec<Rule> = (1..200).map(slow).chain([inner.clone(), inner]).collect();
        // A million steps tell that a slow one doesn't cover the inner one; behind all of them nobody sees that the last is like it.
        assert_eq!(shadowed(&rules).len(), 198);
        assert_eq!(shadowed(&rules[198..]).len(), 1);
    }

    #[test]
    fn a_rule_behind_one_that_takes_all_it_matches() {
        for (why, rules, expected) in [
            ("in order", vec![rule("critical", 1, "/pay", &[]), rule("all", 2, "*", &[])], ""),
            (
                "the wrong way round",
                vec![rule("critical", 2, "/pay", &[]), rule("all", 1, "*", &[])],
                "critical<all",
            ),
            ("part of it", vec![rule("a", 1, "/api/*", &[]), rule("b", 2, "/API/users/*", &[])], "b<a"),
            ("overlap", vec![rule("a", 1, "/api/*", &[]), rule("b", 2, "*/users", &[])], ""),
            ("attributes narrow", vec![rule("a", 1, "*", &[("k", "v")]), rule("b", 2, "/x", &[])], ""),
            (
                "attributes cover",
                vec![rule("a", 1, "*", &[("k", "*")]), rule("b", 2, "/x", &[("k", "v")])],
                "b<a",
            ),
            ("same priority", vec![rule("b", 1, "/x", &[]), rule("a", 1, "*", &[])], "b<a"),
            ("default first", vec![rule("Default", 1, "/no", &[]), rule("b", 2, "*", &[])], "b<Default"),
            ("default last", vec![rule("b", 1, "/no", &[]), rule("Default", 2, "/no", &[])], ""),
        ] {
            let found = shadowed(&rules);
            let found: Vec<String> =
                found.iter().map(|found| std::format!("{}<{}", found.rule.name, found.by.name)).collect();
            assert_eq!(found.join(" "), expected, "{why}");
        }
    }
}
