//! All pages of the account's rules, as far as they are within bounds.

use std::collections::HashSet;

use xray_wire::{
    limits::{MAX_RULE_PAGES, MAX_RULES, MAX_RULES_BYTES},
    sampling::{Rule, SkippedRule},
};

use super::api::{SamplingApi, SamplingApiError};

/// What all pages say together.
#[derive(Debug, Default)]
pub(super) struct AllRules {
    pub(super) rules: Vec<Rule>,
    /// Rules that can't be followed.
    pub(super) skipped: Vec<SkippedRule>,
}

/// Fetches page after page.
///
/// # Errors
/// If a page can't be fetched or read, and if there is more of anything than a bound allows: half of an account's rules would
/// decide otherwise than all of them.
pub(super) fn all_rules(api: &mut dyn SamplingApi) -> Result<AllRules, SamplingApiError> {
    let mut all = AllRules::default();
    let mut bytes = 0;
    let mut tokens = HashSet::new();
    let mut token: Option<String> = None;
    for _ in 0..MAX_RULE_PAGES {
        let page = api.rules(token.as_deref())?;
        bytes += page.rules.iter().map(Rule::text_bytes).sum::<usize>();
        bytes +=
            page.skipped.iter().filter_map(|rule| rule.name.as_ref()).map(|name| name.len()).sum::<usize>();
        bytes += page.next_token.as_ref().map_or(0, String::len);
        all.rules.extend(page.rules);
        all.skipped.extend(page.skipped);
        if all.rules.len() + all.skipped.len() > MAX_RULES {
            return Err(SamplingApiError::new(format!("expected at most {MAX_RULES} rules, but found more")));
        }
        if bytes > MAX_RULES_BYTES {
            return Err(SamplingApiError::new(format!(
                "expected rules of at most {MAX_RULES_BYTES} bytes, but found more"
            )));
        }
        let Some(next) = page.next_token else { return Ok(all) };
        if !tokens.insert(next.clone()) {
            return Err(SamplingApiError::new(
                "expected another page, but its token is that of an earlier one",
            ));
        }
        token = Some(next);
    }
    Err(SamplingApiError::new(format!("expected at most {MAX_RULE_PAGES} pages of rules, but found more")))
}
