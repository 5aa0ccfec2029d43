//! `cargo xtask docs`: the examples of the README and the book, run for real.
//!
//! A fenced block tagged `console` is a session. A line that begins with `$ ` is a command; it is run by `sh` in a new
//! folder that holds a copy of `examples/`, one folder a document, with the built `perisai` first on the path. A line
//! that begins with `> ` continues the command above it. A command succeeds, unless it ends with a comment
//! `# exits N`. The lines below it are what it writes, to standard output or error: a line `...` stands for any lines,
//! and `...` inside a line for any text. With no such line the output is free. Blocks with any other tag are not run.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run::{cargo, execute, root, target};

/// Builds the binary and runs every session.
pub(crate) fn run() -> Result<()> {
    // Built as the tests are, so that nothing is compiled twice.
    execute(&mut cargo(
        "build --workspace --exclude perisai-yara --bins --tests --profile test",
    ))?;
    let mut count = 0;
    for document in documents(&root())? {
        count += run_document(&document).with_context(|| document.display().to_string())?;
    }
    println!("{count} commands of the documents behave as written");
    Ok(())
}

/// The README, the book, and the tour of the examples.
fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![root.join("README.md"), root.join("examples/README.md")];
    for entry in fs::read_dir(root.join("docs")).context("cannot read docs/")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn run_document(document: &Path) -> Result<usize> {
    let text = fs::read_to_string(document)?;
    let examples = sessions(&text)?;
    if examples.is_empty() {
        return Ok(0);
    }
    let name = document
        .strip_prefix(root())
        .unwrap_or(document)
        .to_string_lossy()
        .replace('/', "-");
    let folder = target().join("documents").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    copy(&root().join("examples"), &folder.join("examples"))?;
    for example in &examples {
        run_example(example, &folder)
            .with_context(|| format!("line {}: `{}`", example.line, example.command))?;
    }
    Ok(examples.len())
}

fn run_example(example: &Example, folder: &Path) -> Result<()> {
    let mut path = OsString::from(target().join("debug"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("exec 2>&1\n{}", example.command))
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .context("cannot start sh")?;
    let written = String::from_utf8_lossy(&output.stdout);
    if output.status.code() != Some(example.exits) {
        bail!(
            "{} instead of exit status {}; it wrote:\n{written}",
            output.status,
            example.exits
        );
    }
    let lines: Vec<&str> = written.lines().map(str::trim_end).collect();
    let shown: Vec<&str> = example.output.iter().map(String::as_str).collect();
    if !shown.is_empty() && !lines_match(&shown, &lines) {
        bail!("it does not write what the document shows, but:\n{written}");
    }
    Ok(())
}

/// One command of a session.
#[derive(Debug, Default, PartialEq, Eq)]
struct Example {
    /// Counted from 1.
    line: usize,
    command: String,
    exits: i32,
    output: Vec<String>,
}

/// Every command of every session of a document.
fn sessions(document: &str) -> Result<Vec<Example>> {
    let mut found: Vec<Example> = Vec::new();
    let mut fence: Option<bool> = None;
    let mut in_command = false;
    for (number, line) in (1..).zip(document.lines()) {
        if let Some(tag) = line.strip_prefix("```") {
            fence = if fence.is_some() {
                None
            } else {
                Some(tag.trim() == "console")
            };
            in_command = false;
        } else if fence == Some(true) {
            if let Some(command) = line.strip_prefix("$ ") {
                found.push(Example {
                    line: number,
                    command: command.to_owned(),
                    ..Example::default()
                });
                in_command = true;
            } else if let Some(last) = found.last_mut().filter(|last| last.line < number) {
                match line.strip_prefix("> ").filter(|_| in_command) {
                    Some(more) => last.command.extend(["\n", more]),
                    None => {
                        last.output.push(line.trim_end().to_owned());
                        in_command = false;
                    }
                }
            }
        }
    }
    for example in &mut found {
        if let Some((_, code)) = example.command.rsplit_once("# exits ") {
            example.exits = code
                .trim()
                .parse()
                .with_context(|| format!("line {}: exits what?", example.line))?;
        }
    }
    Ok(found)
}

/// Compares line by line; `...` as a whole line stands for any number of lines, also none.
fn lines_match(shown: &[&str], written: &[&str]) -> bool {
    match shown.split_first() {
        None => written.is_empty(),
        Some((&"...", rest)) => (0..=written.len()).any(|skipped| lines_match(rest, &written[skipped..])),
        Some((first, rest)) => match written.split_first() {
            Some((line, below)) => line_matches(first, line) && lines_match(rest, below),
            None => false,
        },
    }
}

/// Compares one line; `...` inside stands for any text, also none.
fn line_matches(shown: &str, written: &str) -> bool {
    let mut parts = shown.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = written.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(middle) = last.replace(part) {
            let Some(at) = rest.find(middle) else {
                return false;
            };
            rest = &rest[at + middle.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_read() {
        let text = "\
```sh
$ not run
```
$ nor this
```console
$ one
out

$ two \\
> more # exits 3
> out
```
";
        let example = |line, command: &str, exits, output: &[&str]| Example {
            line,
            command: command.to_owned(),
            exits,
            output: output.iter().map(ToString::to_string).collect(),
        };
        let expected = [
            example(6, "one", 0, &["out", ""]),
            example(9, "two \\\nmore # exits 3", 3, &["> out"]),
        ];
        // A shown line that begins with `> ` would continue the command, were another line not between them.
        let text = text.replace("\n> out", "\n...\n> out");
        let mut found = sessions(&text).unwrap();
        assert_eq!(found[1].output.remove(0), "...");
        assert_eq!(found, expected);
        assert!(sessions("```console\n$ x # exits soon\n```").is_err());
    }

    #[test]
    fn output_is_compared() {
        let check = |shown: &str, written: &str, expected: bool| {
            let shown: Vec<&str> = shown.lines().collect();
            let written: Vec<&str> = written.lines().collect();
            assert_eq!(lines_match(&shown, &written), expected, "{shown:?} {written:?}");
        };
        check("a\nb", "a\nb", true);
        check("a\nb", "a\nb\nc", false);
        check("a\n...", "a\nb\nc", true);
        check("...\nc", "a\nb\nc", true);
        check("a\n...\nc", "a\nc", true);
        check("a\n...\nd", "a\nb\nc", false);
        check("took ... s, ... MB/s", "took 0.1 s, 900 MB/s", true);
        check("took ... s", "took 0.1 m", false);
        check("...x...", "axb", true);
        check("ab...ba", "aba", false);
        check("a", "", false);
    }
}
