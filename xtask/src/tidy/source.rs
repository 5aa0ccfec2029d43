//! The rules for each Rust file: sizes, module documentation, `unwrap`, and notes to oneself.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Complaint;
use super::scan::{Masked, is_word, mask};

const MAX_FILE_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 80;

/// Checks all files together, since one file says of another that it is a test module.
pub(super) fn check(sources: &[(PathBuf, String)]) -> Vec<Complaint> {
    let files: Vec<File> = sources.iter().map(|(path, text)| File::new(path, text)).collect();
    let test_files: BTreeSet<PathBuf> = files.iter().flat_map(File::test_modules).collect();
    let mut complaints = Vec::new();
    for file in &files {
        complaints.extend(file.missing_doc());
        complaints.extend(file.file_length());
        complaints.extend(file.function_lengths());
        complaints.extend(file.notes());
        let whole_file_is_test = file.path.ancestors().any(|part| test_files.contains(part));
        if !whole_file_is_test {
            complaints.extend(file.unwraps());
        }
    }
    complaints
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
    masked: Masked,
}

impl<'a> File<'a> {
    fn new(path: &'a Path, text: &'a str) -> Self {
        Self {
            path,
            text,
            masked: mask(text),
        }
    }

    fn complain(&self, at: usize, why: impl Into<String>) -> Complaint {
        Complaint::new(self.path, self.line_of(at), why)
    }

    fn line_of(&self, at: usize) -> usize {
        1 + self.text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
    }

    fn missing_doc(&self) -> Option<Complaint> {
        let has_doc = self.text.lines().any(|line| line.starts_with("//!"));
        (!has_doc).then(|| {
            Complaint::new(
                self.path,
                1,
                "no module documentation (`//!`) says what lives here",
            )
        })
    }

    /// A file that is one table may be longer where it says so: `// tidy: long, <reason>`.
    fn file_length(&self) -> Option<Complaint> {
        let lines = self.text.lines().count();
        let excused = self.text.lines().any(|line| {
            line.strip_prefix("// tidy: long, ")
                .is_some_and(|reason| !reason.trim().is_empty())
        });
        (lines > MAX_FILE_LINES && !excused).then(|| {
            let why = format!("{lines} lines: a file has at most {MAX_FILE_LINES}");
            Complaint::new(self.path, MAX_FILE_LINES + 1, why)
        })
    }

    fn function_lengths(&self) -> Vec<Complaint> {
        let code = &self.masked.code;
        let mut found = Vec::new();
        for at in words(code, b"fn") {
            let name: Vec<u8> = code[at + 2..]
                .iter()
                .copied()
                .skip_while(u8::is_ascii_whitespace)
                .collect();
            let name: String = name
                .iter()
                .take_while(|byte| is_word(**byte))
                .map(|byte| *byte as char)
                .collect();
            let Some(body) = body_after(code, at) else {
                continue;
            };
            let lines = 1 + self.line_of(body.end - 1) - self.line_of(at);
            if !name.is_empty() && lines > MAX_FUNCTION_LINES && !self.is_excused(at) {
                let why = format!("`{name}` has {lines} lines: a function has at most {MAX_FUNCTION_LINES}");
                found.push(self.complain(at, why));
            }
        }
        found
    }

    /// A function that is one table carries `#[expect(clippy::too_many_lines, reason = "…")]`, or lies in an item or a
    /// file that does.
    fn is_excused(&self, function: usize) -> bool {
        let code = &self.masked.code;
        attributes(code).any(|attribute| {
            let inside = squeeze(&code[attribute.clone()]);
            let excuses = inside.contains("expect(clippy::too_many_lines,reason=");
            let scope = if inside.starts_with("#![") {
                Some(0..code.len())
            } else {
                item_after(code, attribute.end)
            };
            excuses && scope.is_some_and(|scope| scope.contains(&function))
        })
    }

    fn notes(&self) -> Vec<Complaint> {
        // Split, so that this file does not complain of itself.
        let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
        let mut found = Vec::new();
        for mark in marks {
            for at in words(&self.masked.comments, mark.as_bytes()) {
                found.push(self.complain(at, format!("`{mark}`: do it, or file an issue")));
            }
        }
        for (word, why) in [
            ("todo", "`todo!`: unfinished code"),
            ("unimplemented", "`unimplemented!`: unfinished code"),
        ] {
            for at in words(&self.masked.code, word.as_bytes()) {
                if self.masked.code[at + word.len()..].starts_with(b"!") {
                    found.push(self.complain(at, why));
                }
            }
        }
        found
    }

    /// `.unwrap()` in the sources of a crate, outside test items.
    fn unwraps(&self) -> Vec<Complaint> {
        let mut parts = self.path.components().map(|part| part.as_os_str());
        let is_crate_source = parts.next().is_some_and(|part| part == "crates")
            && parts.nth(1).is_some_and(|part| part == "src");
        if !is_crate_source {
            return Vec::new();
        }
        let tests = self.test_items();
        words(&self.masked.code, b"unwrap")
            .filter(|at| {
                self.masked.code[..*at].ends_with(b".") && self.masked.code[*at..].starts_with(b"unwrap()")
            })
            .filter(|at| !tests.iter().any(|item| item.contains(at)))
            .map(|at| {
                self.complain(
                    at,
                    "`.unwrap()` outside tests: handle it, or `expect` with the invariant",
                )
            })
            .collect()
    }

    /// Where items stand that are compiled for tests only.
    fn test_items(&self) -> Vec<Range<usize>> {
        let code = &self.masked.code;
        attributes(code)
            .filter(|attribute| is_test_only(&squeeze(&code[attribute.clone()])))
            .filter_map(|attribute| item_after(code, attribute.end))
            .collect()
    }

    /// The files and folders of `#[cfg(test)] mod name;`.
    fn test_modules(&self) -> Vec<PathBuf> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let stem = self.path.file_stem().unwrap_or_default();
        let folder = if ["mod", "lib", "main"].iter().any(|name| stem == *name) {
            folder.to_owned()
        } else {
            folder.join(stem)
        };
        let mut found = Vec::new();
        for item in self.test_items() {
            let text = String::from_utf8_lossy(&self.masked.code[item]).into_owned();
            let declared = text
                .trim()
                .trim_end_matches(';')
                .rsplit_once("mod ")
                .map(|(_, name)| name.trim());
            if let Some(name) = declared.filter(|name| name.bytes().all(is_word)) {
                found.push(folder.join(name));
                found.push(folder.join(format!("{name}.rs")));
            }
        }
        found
    }
}

fn is_test_only(attribute: &str) -> bool {
    ["#[cfg(test)]", "#[cfg(all(test,", "#[test]"]
        .iter()
        .any(|start| attribute.starts_with(start))
}

/// Where a word stands by itself.
fn words<'a>(text: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    text.windows(word.len())
        .enumerate()
        .filter(move |(at, window)| {
            let before = at.checked_sub(1).map(|before| text[before]);
            let after = text.get(at + word.len()).copied();
            *window == word && !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
        .map(|(at, _)| at)
}

/// Every attribute, `#[…]` or `#![…]`, from its mark to its closing bracket.
fn attributes(code: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    (0..code.len()).filter_map(move |at| {
        let bracket = match &code[at..] {
            [b'#', b'[', ..] => at + 1,
            [b'#', b'!', b'[', ..] => at + 2,
            _ => return None,
        };
        Some(at..closing(code, bracket)?)
    })
}

/// The item that follows an attribute: up to its body's end or its semicolon.
fn item_after(code: &[u8], at: usize) -> Option<Range<usize>> {
    let body = body_after(code, at);
    let end = body
        .map(|body| body.end)
        .or_else(|| Some(at + code[at..].iter().position(|byte| *byte == b';')? + 1))?;
    Some(at..end)
}

/// The braces that follow `at`, outside any other brackets; `None` where a semicolon ends the item before.
fn body_after(code: &[u8], at: usize) -> Option<Range<usize>> {
    let mut at = at;
    loop {
        match *code.get(at)? {
            b'{' => return Some(at..closing(code, at)?),
            b'(' | b'[' => at = closing(code, at)?,
            b';' => return None,
            _ => at += 1,
        }
    }
}

/// One past the bracket that closes the one at `open`.
fn closing(code: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code[open..].iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(open + offset + 1);
        }
    }
    None
}

fn squeeze(code: &[u8]) -> String {
    code.iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| *byte as char)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Complaints of one file at `crates/a/src/lib.rs`, without the path.
    fn complaints(text: &str) -> Vec<String> {
        check(&[(PathBuf::from("crates/a/src/lib.rs"), text.to_owned())])
            .into_iter()
            .map(|complaint| format!("{}: {}", complaint.line.unwrap_or(0), complaint.why))
            .collect()
    }

    #[track_caller]
    fn assert_complaints(text: &str, expected: &[&str]) {
        let found = complaints(text);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found} / {expected}");
        }
    }

    fn function(lines: usize, before: &str) -> String {
        format!(
            "//! Doc.\n{before}fn long() {{\n{}}}\n",
            "    call(\"}\");\n".repeat(lines - 2)
        )
    }

    #[test]
    fn functions_and_files_have_limits() {
        assert_complaints(&function(80, ""), &[]);
        assert_complaints(&function(81, ""), &["2: `long` has 81 lines"]);
        assert_complaints(
            &function(81, "#[expect(clippy::too_many_lines, reason = \"a table\")]\n"),
            &[],
        );
        assert_complaints(
            &function(81, "#[expect(clippy::too_many_lines)]\n"),
            &["3: `long`"],
        );
        assert_complaints(
            &function(81, "#![expect(clippy::too_many_lines, reason = \"tables\")]\n"),
            &[],
        );
        let after = "#[expect(clippy::too_many_lines, reason = \"x\")]\nfn short() {}\n";
        assert_complaints(&function(81, after), &["4: `long`"]);
        let lines = "// x\n".repeat(600);
        assert_complaints(&format!("//! Doc.\n{lines}"), &["601: 601 lines"]);
        assert_complaints(&format!("//! Doc.\n// tidy: long, a table\n{lines}"), &[]);
        assert_complaints(&format!("//! Doc.\n// tidy: long, \n{lines}"), &["601: "]);
    }

    #[test]
    fn functions_without_a_body_have_no_length() {
        let gap = "\n".repeat(100);
        assert_complaints(
            &format!("//! Doc.\ntrait T {{ fn f(x: [u8; 3]) -> u8;{gap} }}"),
            &[],
        );
        assert_complaints(
            &format!("//! Doc.\ntype F = fn(u8) -> u8;{gap}struct S {{}}"),
            &[],
        );
    }

    #[test]
    fn modules_are_documented() {
        assert_complaints("use x;\n", &["1: no module documentation"]);
    }

    #[test]
    fn unwrap_is_for_tests() {
        assert_complaints("//! Doc.\nfn f() { x.unwrap() }", &["2: `.unwrap()`"]);
        assert_complaints(
            "//! Doc.\nfn f() { x.unwrap_or(1); y(\".unwrap()\") } // .unwrap()",
            &[],
        );
        assert_complaints("//! Doc.\n#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }", &[]);
        assert_complaints(
            "//! Doc.\n#[cfg(test)] mod tests { }\nfn f() { x.unwrap() }",
            &["3: "],
        );
        assert_complaints("//! Doc.\n#[cfg(not(test))] fn f() { x.unwrap() }", &["2: "]);
        let pair = [
            (
                PathBuf::from("crates/a/src/b.rs"),
                "//! Doc.\n#[cfg(test)]\nmod oracle;".to_owned(),
            ),
            (
                PathBuf::from("crates/a/src/b/oracle.rs"),
                "//! Doc.\nfn f() { x.unwrap() }".to_owned(),
            ),
            (
                PathBuf::from("crates/a/src/oracle.rs"),
                "//! Doc.\nfn f() { x.unwrap() }".to_owned(),
            ),
            (
                PathBuf::from("crates/a/tests/it/main.rs"),
                "//! Doc.\nfn f() { x.unwrap() }".to_owned(),
            ),
        ];
        let found = check(&pair);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].file, pair[2].0);
    }

    #[test]
    fn notes_are_not_left() {
        let note = concat!("// TO", "DO: later");
        assert_complaints(&format!("//! Doc.\nfn f() {{}} {note}"), &["2: "]);
        assert_complaints("//! Doc.\nfn f() { g(\"FIXME\"); todo() }", &[]);
        assert_complaints("//! Doc.\nfn f() { todo!() }", &["2: `todo!`"]);
    }
}
