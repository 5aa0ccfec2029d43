//! Values with a name of their own: CVE ids, autonomous systems, and free text.

use std::borrow::Cow;

/// `CVE-2022-0001`.
pub(crate) fn canonical_cve(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let upper = text.to_ascii_uppercase();
    let shape = upper
        .strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(year, number)| {
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            year.len() == 4 && digits(year) && (4..=19).contains(&number.len()) && digits(number)
        });
    if !shape {
        return Err("not of the form CVE-YYYY-NNNN");
    }
    Ok(if upper == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(upper)
    })
}

/// `AS64496`.
pub(crate) fn canonical_asn(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let digits = match text.get(..2) {
        Some(prefix) if prefix.eq_ignore_ascii_case("as") => text[2..].trim_start(),
        _ => text,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("not AS and a number");
    }
    let number: u32 = digits.parse().map_err(|_| "a number over 4294967295")?;
    let canonical = format!("AS{number}");
    Ok(if canonical == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(canonical)
    })
}

/// Free text: trimmed, not empty, no control characters.
pub(crate) fn canonical_text(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("empty");
    }
    if text.len() > 8192 {
        return Err("longer than 8192 bytes");
    }
    if text.chars().any(char::is_control) {
        return Err("a control character");
    }
    Ok(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(canonical_cve("cve-2022-24682").unwrap(), "CVE-2022-24682");
        assert!(canonical_cve("CVE-22-1").is_err());
        assert_eq!(canonical_asn("as 64496").unwrap(), "AS64496");
        assert_eq!(canonical_asn("64496").unwrap(), "AS64496");
        assert!(canonical_asn("AS99999999999").is_err());
        assert!(canonical_text(" \u{1b}[31m").is_err());
    }
}
