//! Names that tell a secret.

use crate::annotate::own_key;

/// Whether an attribute of this name, a parameter or a header holds a secret by all appearances, in either case and with `-`
/// for `_`, as headers have it. `input_tokens` does not.
pub(crate) fn is_secret_name(whole: &str) -> bool {
    const ENDS: [&str; 4] = ["token", "pwd", "private_key", "access_key"];
    let name = whole.as_bytes();
    let at = |start: usize, part: &str| {
        let found = name.get(start..start + part.len()).unwrap_or_default();
        let is_same = |(found, wanted): (&u8, u8)| {
            found.eq_ignore_ascii_case(&wanted) || (*found, wanted) == (b'-', b'_')
        };
        !found.is_empty() && found.iter().zip(part.bytes()).all(is_same)
    };
    let holds = name.windows(2).enumerate().any(|(start, pair)| {
        // Nearly all pairs of letters begin none of the parts, and any other pair only those of one row.
        match FIRST_LETTERS[usize::from(pair[0])] & SECOND_LETTERS[usize::from(pair[1])] {
            0 => false,
            row => SECRET_PARTS[row.trailing_zeros() as usize].iter().any(|part| at(start, part)),
        }
    });
    let may_end = matches!(name.last().map(u8::to_ascii_lowercase), Some(b'n' | b'd' | b'y'));
    let ends = may_end
        && ENDS.iter().any(|end| name.len().checked_sub(end.len()).is_some_and(|start| at(start, end)));
    (holds || ends) && !is_name_of_secret(whole)
}

/// Whether it is an attribute that only says which secret was asked for (OpenTelemetry semantic conventions, Secrets Manager).
fn is_name_of_secret(name: &str) -> bool {
    matches!(own_key(name), "aws.secretsmanager.secret.id" | "aws.secretsmanager.secret.arn")
}

/// Parts of names that tell a secret. Those that begin with the same two letters stand in one row.
const SECRET_PARTS: [&[&str]; 8] = [
    &["password", "passwd", "passphrase"],
    &["secret"],
    &["authorization"],
    &["cookie"],
    &["api_key", "apikey"],
    &["credential"],
    &["signature"],
    &["accesskey", "accountkey"],
];

static FIRST_LETTERS: [u8; 256] = letters(0);
static SECOND_LETTERS: [u8; 256] = letters(1);

/// For each byte a bit for each row of which it is the first letter, or the second, in either case.
const fn letters(place: usize) -> [u8; 256] {
    let mut letters = [0; 256];
    let mut row = 0;
    while row < SECRET_PARTS.len() {
        let letter = SECRET_PARTS[row][0].as_bytes()[place];
        letters[letter as usize] |= 1 << row;
        letters[letter.to_ascii_uppercase() as usize] |= 1 << row;
        row += 1;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telling_names() {
        for (name, expected) in [
            ("db.password", true),
            ("user.PASSWORD_hash", true),
            ("http.request.header.authorization", true),
            ("http.request.header.cookie", true),
            ("session_token", true),
            ("x.api_key", true),
            ("http.request.header.x-api-key", true),
            ("x-amz-security-token", true),
            ("tls.Private-Key", true),
            ("aws.access-key", true),
            ("aws.secret.id", true),
            ("aws.secretsmanager.secret.value", true),
            ("aws.secretsmanager.secret.id", false),
            ("aws.secretsmanager.secret.arn", false),
            ("aws.xray.annotation.aws.secretsmanager.secret.arn", false),
            ("ssh.passphrase", true),
            ("azure.AccountKey", true),
            ("aws.account_id", false),
            ("gen_ai.usage.input_tokens", false),
            ("order.id", false),
            ("pass", false),
            ("api key", false),
            ("api-keeper", false),
            ("", false),
        ] {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
    }
}
