//! E-mail addresses: the domain in canonical form, the local part in lower case, as mail systems compare it.

use std::borrow::Cow;

use crate::domain;
use crate::hash::lower;

pub(crate) fn canonical(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let (local, host) = text.rsplit_once('@').ok_or("no @")?;
    if local.is_empty() || local.len() > 64 {
        return Err("the part before the @ is empty or longer than 64 characters");
    }
    if !local.bytes().all(is_local) {
        return Err("a character that the part before the @ cannot have");
    }
    match (lower(local), domain::canonical(host)?) {
        (Cow::Borrowed(_), Cow::Borrowed(same)) if same.len() == host.len() => Ok(Cow::Borrowed(text)),
        (local, host) => Ok(Cow::Owned(format!("{local}@{host}"))),
    }
}

/// The characters of an unquoted local part (RFC 5322 `dot-atom`).
#[must_use]
pub(crate) fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(canonical("Bob@Evil.Example").unwrap(), "bob@evil.example");
        assert_eq!(canonical("bob+x@evil.example").unwrap(), "bob+x@evil.example");
        for bad in [
            "evil.example",
            "@evil.example",
            "a b@evil.example",
            "bob@evil",
            "<bob@evil.example>",
        ] {
            assert!(canonical(bad).is_err(), "{bad}");
        }
    }
}
