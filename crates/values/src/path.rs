//! File paths, names and registry keys. Case is kept for people; a hunt compares them without it.

use std::borrow::Cow;

use crate::named::canonical_text;

const HIVES: &[(&str, &str)] = &[
    ("HKLM", "HKEY_LOCAL_MACHINE"),
    ("HKCU", "HKEY_CURRENT_USER"),
    ("HKCR", "HKEY_CLASSES_ROOT"),
    ("HKU", "HKEY_USERS"),
    ("HKCC", "HKEY_CURRENT_CONFIG"),
];

/// The hive in its long form and upper case, the rest as it came, without a backslash at the end.
pub(crate) fn canonical_registry_key(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let text = canonical_text(text)?;
    let text = text.trim_start_matches("\\REGISTRY\\").trim_end_matches('\\');
    let (hive, rest) = text.split_once('\\').ok_or("no key below a hive")?;
    if rest.is_empty() {
        return Err("no key below a hive");
    }
    let known = HIVES
        .iter()
        .find(|(short, long)| hive.eq_ignore_ascii_case(short) || hive.eq_ignore_ascii_case(long))
        .map(|(_, long)| *long)
        .or_else(|| match hive.to_ascii_uppercase().as_str() {
            "MACHINE" => Some("HKEY_LOCAL_MACHINE"),
            "USER" => Some("HKEY_USERS"),
            _ => None,
        })
        .ok_or("does not start with a registry hive")?;
    Ok(Cow::Owned(format!("{known}\\{rest}")))
}

/// The short names of a registry hive, for matching: `HKLM` of `HKEY_LOCAL_MACHINE`.
#[must_use]
pub fn hive_short_name(hive: &str) -> Option<&'static str> {
    HIVES
        .iter()
        .find(|(_, long)| *long == hive)
        .map(|(short, _)| *short)
}

/// A path with at least one separator.
pub(crate) fn canonical_file_path(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let text = text.trim();
    canonical_text(text)?;
    if !text.contains(['/', '\\']) {
        return Err("no separator");
    }
    if text
        .bytes()
        .all(|byte| matches!(byte, b'/' | b'\\' | b'.' | b'*'))
    {
        return Err("nothing but separators");
    }
    Ok(Cow::Borrowed(text))
}

/// A file or process name: no separator.
pub(crate) fn canonical_name(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let text = text.trim();
    canonical_text(text)?;
    if text.contains(['/', '\\']) {
        return Err("a path where a name should be");
    }
    Ok(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_paths() {
        assert_eq!(
            canonical_registry_key(r"hklm\Software\Evil\").unwrap(),
            r"HKEY_LOCAL_MACHINE\Software\Evil"
        );
        assert_eq!(
            canonical_registry_key(r"\REGISTRY\MACHINE\Evil").unwrap(),
            r"HKEY_LOCAL_MACHINE\Evil"
        );
        assert!(canonical_registry_key(r"Software\Evil").is_err());
        assert!(canonical_registry_key("HKLM").is_err());
        assert!(canonical_file_path(r"C:\Windows\evil.exe").is_ok());
        assert!(canonical_file_path("evil.exe").is_err());
        assert!(canonical_name("evil.exe").is_ok());
        assert!(canonical_name("a/b").is_err());
    }
}
