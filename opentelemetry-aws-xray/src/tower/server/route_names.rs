//! Names that spans get from routes, made once: a server has a few dozen, and each comes again with every request.

use std::{borrow::Cow, sync::OnceLock};

use super::hash::place;

/// Names that are kept for as long as the process lives. Routes are templates, of which servers have some dozens; where somebody
/// gives paths with ids in them for routes, the rest are made anew for each request.
const MAX_NAMES: usize = 512;

/// Bytes of the longest name that is kept, so that all of them take 64 KiB at most.
const MAX_NAME_BYTES: usize = 128;

/// Places at which a name may stand: its own, and the next ones if others were there before.
const PROBES: usize = 4;

static NAMES: Names = Names::new();

/// `{method} {route}`, and the route.
pub(super) fn named(method: &'static str, route: Cow<'_, str>) -> (Cow<'static, str>, Cow<'static, str>) {
    match NAMES.kept(method, &route) {
        Some((name, route)) => (name.into(), route.into()),
        None => (joined(method, &route).into(), route.into_owned().into()),
    }
}

struct Names([OnceLock<Box<str>>; MAX_NAMES]);

impl Names {
    const fn new() -> Self {
        Self([const { OnceLock::new() }; MAX_NAMES])
    }

    /// The name and the route in it. It is put into the table if there is room.
    fn kept<'n>(&'n self, method: &str, route: &str) -> Option<(&'n str, &'n str)> {
        if method.len() + " ".len() + route.len() > MAX_NAME_BYTES {
            return None;
        }
        let first = place(route.as_bytes(), MAX_NAMES) + method.len();
        (first..first + PROBES).find_map(|place| {
            let name = &**self.0[place % MAX_NAMES].get_or_init(|| joined(method, route).into());
            let kept = name.strip_prefix(method)?.strip_prefix(' ')?;
            (kept == route).then_some((name, kept))
        })
    }
}

fn joined(method: &str, route: &str) -> String {
    let mut name = String::with_capacity(method.len() + " ".len() + route.len());
    name.extend([method, " ", route]);
    name
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_made_once() {
        let names = Names::new();
        let once = names.kept("GET", "/made/once").unwrap();
        let again = names.kept("GET", "/made/once").unwrap();
        assert_eq!(once, ("GET /made/once", "/made/once"));
        assert!(ptr::eq(once.0, again.0));
        assert_eq!(names.kept("GET", &"/long".repeat(30)), None);
    }

    #[test]
    fn a_full_table_takes_no_more() {
        let names = Names::new();
        let route = |n| format!("/things/{n}");
        let kept = |n: &usize| names.kept("GET", &route(*n)).is_some();
        assert!((0..MAX_NAMES).filter(kept).count() > MAX_NAMES / 2);
        assert!((0..100 * MAX_NAMES).filter(kept).count() <= MAX_NAMES);
        assert!(names.0.iter().all(|name| name.get().is_some()));
    }

    proptest! {
        #[test]
        fn both_roads_lead_to_the_same_name(
            method in prop::sample::select(&["GET", "PUT", "POST", "HTTP", "DELETE"]),
            route in "/[ab ]{0,3}|/\\PC{0,150}",
        ) {
            let (name, named_route) = named(method, Cow::Borrowed(&route));
            prop_assert_eq!(name.as_ref(), joined(method, &route));
            prop_assert_eq!(named_route, route);
        }
    }
}
