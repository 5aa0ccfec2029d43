//! What rules may ask of a file beside its bytes: the external variables that published rules expect.

use yara_x::Scanner;

/// The external variables; all are texts, empty where nothing is known.
pub(crate) const EXTERNALS: [&str; 5] = ["filename", "filepath", "extension", "filetype", "owner"];

/// What is known of a file beside its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileFacts<'a> {
    /// Its path, the one inside an archive for a member: `filepath`. The last part is `filename`, and what begins with
    /// its last dot, in lower case, is `extension`.
    pub path: &'a str,
    /// Its owner's name, where the system tells it: `owner`.
    pub owner: Option<&'a str>,
}

impl FileFacts<'_> {
    /// Sets the external variables for the next scan.
    pub(crate) fn show_to(&self, scanner: &mut Scanner<'_>, bytes: &[u8]) {
        let name = self.name();
        let extension = extension(name);
        let values = [
            name,
            self.path,
            extension.as_str(),
            file_type(bytes, &extension),
            self.owner.unwrap_or(""),
        ];
        for (external, value) in EXTERNALS.iter().zip(values) {
            scanner
                .set_global(external, value)
                .expect("every external was defined as a text");
        }
    }

    /// Paths of Windows and of Unix both stand in triage archives.
    fn name(&self) -> &str {
        self.path.rsplit(['/', '\\']).next().unwrap_or(self.path)
    }
}

fn extension(name: &str) -> String {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name[dot..].to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// A short name of what a file is, as published rules use it (`EXE`, `ELF`, `PDF`, …).
fn file_type(bytes: &[u8], extension: &str) -> &'static str {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"MZ", "EXE"),
        (b"\x7fELF", "ELF"),
        (b"\xfe\xed\xfa\xce", "MACH-O"),
        (b"\xfe\xed\xfa\xcf", "MACH-O"),
        (b"\xce\xfa\xed\xfe", "MACH-O"),
        (b"\xcf\xfa\xed\xfe", "MACH-O"),
        (b"%PDF", "PDF"),
        (b"{\\rt", "RTF"),
        (b"MDMP", "MDMP"),
        (b"PK\x03\x04", "ZIP"),
        (b"Rar!", "RAR"),
        (b"\x1f\x8b", "GZIP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE"),
        (b"GIF8", "GIF"),
        (b"\xff\xd8\xff", "JPEG"),
        (b"\x89PNG", "PNG"),
        (b"<?php", "PHP"),
    ];
    const EXTENSIONS: &[(&str, &str)] = &[
        (".asp", "ASP"),
        (".aspx", "ASP"),
        (".bat", "BATCH"),
        (".cmd", "BATCH"),
        (".jsp", "JSP"),
        (".php", "PHP"),
        (".ps1", "PowerShell"),
        (".psm1", "PowerShell"),
        (".py", "Python"),
        (".vbs", "VBS"),
    ];
    let by_content = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    let by_name = || {
        EXTENSIONS
            .iter()
            .find(|(known, _)| *known == extension)
            .map(|(_, name)| *name)
    };
    by_content.map(|(_, name)| *name).or_else(by_name).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_extensions() {
        let check = |path: &str, expected: (&str, &str)| {
            let facts = FileFacts { path, owner: None };
            assert_eq!(
                (facts.name(), extension(facts.name()).as_str()),
                expected,
                "{path}"
            );
        };
        check("/srv/www/Shell.ASPX", ("Shell.ASPX", ".aspx"));
        check(r"C:\Users\x\a.tar.gz", ("a.tar.gz", ".gz"));
        check(".bashrc", (".bashrc", ""));
        check("-", ("-", ""));
        check("", ("", ""));
    }

    #[test]
    fn types() {
        let check =
            |bytes: &[u8], extension: &str, expected: &str| assert_eq!(file_type(bytes, extension), expected);
        check(b"MZ\x90", ".txt", "EXE");
        check(b"@echo off", ".cmd", "BATCH");
        check(b"", "", "");
    }
}
