//! Files that a variable names.

use std::{
    fs::File,
    io::{self, Read},
};

/// Far more than people write by hand; a path to something endless must not fill the memory.
const MAX_BYTES: u64 = 1024 * 1024;

/// The whole of a file's text.
///
/// # Errors
/// It can't be read, is no text, or has more than a mebibyte.
pub(super) fn read(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {MAX_BYTES} bytes"),
        ));
    }
    Ok(text)
}
