//! Addresses of databases without user and password.

use std::borrow::Cow;

use super::url::without_user_info;
use crate::scan::holds;

/// An address of any of the usual forms without user, password or tokens: `scheme://user:password@host/…?password=…`,
/// `Server=…;Password=…`, `host=… password=…`, `user:password@tcp(host)/…`.
pub(crate) fn without_secrets(address: &str) -> Cow<'_, str> {
    if !holds(address, [b'@', b'=']) {
        return Cow::Borrowed(address);
    }
    let without_user = without_user_info(address);
    match without_secret_parameters(&without_user) {
        None => without_user,
        Some(clean) => Cow::Owned(clean),
    }
}

/// `None` if there are no such parameters.
fn without_secret_parameters(address: &str) -> Option<String> {
    let is_secret = |parameter: &&str| {
        let name = parameter.split_once('=').map(|(name, _)| name.trim().to_ascii_lowercase());
        name.is_some_and(|name| SECRET_NAMES.iter().any(|secret| name.contains(secret)))
    };
    // Where semicolons stand between parameters, names may have spaces in them.
    let has_semicolons = address.contains(';');
    let parts =
        || address.split_inclusive(move |c| matches!(c, '?' | '&' | ';') || (c == ' ' && !has_semicolons));
    if !parts().any(|part| is_secret(&part)) {
        return None;
    }
    let mut clean: String = parts().filter(|part| !is_secret(part)).collect();
    while clean.ends_with(['?', '&', ';', ' ']) {
        clean.pop();
    }
    Some(clean)
}

/// Parameters whose names hold one of these are left out.
const SECRET_NAMES: [&str; 6] = ["password", "passwd", "pwd", "secret", "token", "user"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses() {
        for (address, expected) in [
            ("postgresql://u:p@db:5432/shop?sslmode=require", "postgresql://db:5432/shop?sslmode=require"),
            ("postgresql://db/shop?user=u&password=p&sslmode=x", "postgresql://db/shop?sslmode=x"),
            ("jdbc:mysql://u:p@db:3306/shop", "jdbc:mysql://db:3306/shop"),
            ("Server=db;Database=shop;User Id=sa;Password=p;", "Server=db;Database=shop"),
            ("Server=db;Password=p", "Server=db"),
            ("host=db password=p dbname=shop", "host=db dbname=shop"),
            ("u:p@tcp(db:3306)/shop", "tcp(db:3306)/shop"),
            ("u:p@db/jdbc://", "db/jdbc://"),
            ("https://u:p@ss@example.com/a@b", "https://example.com/a@b"),
            ("https://example.com/a@b?c=d", "https://example.com/a@b?c=d"),
            ("db:5432/shop", "db:5432/shop"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(address), expected, "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_password_gets_through(
            scheme in "([a-z]{1,5}://)?",
            user in "[a-z0-9]{0,5}",
            rest in "[a-z0-9:/?&;= @]{0,20}",
        ) {
            let address = format!("{scheme}{user}:HUNTER2@{rest}");
            prop_assert!(!without_secrets(&address).contains("HUNTER2"), "{}", address);
            let address = format!("{scheme}{user}?password=HUNTER2&{rest}");
            prop_assert!(!without_secrets(&address).contains("HUNTER2"), "{}", address);
        }
    }
}
