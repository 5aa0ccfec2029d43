//! What is worth telling of the sources of intelligence although nothing failed: files that hold none, entries that
//! were left out, rules that nobody checked.

use std::path::Path;

use perisai_intel::Format;
use perisai_model::{Place, Withheld};

use crate::intel::Loaded;

/// How many names one note tells.
const NAMED: usize = 10;

/// Beginnings of names of files that come with any collection, in lower case.
const ABOUT: &[&str] = &[
    "authors",
    "changelog",
    "changes",
    "citation",
    "code_of_conduct",
    "codeowners",
    "contributing",
    "copying",
    "dockerfile",
    "licence",
    "license",
    "makefile",
    "notice",
    "readme",
    "requirements",
    "security",
];

/// Endings of files that are pictures, programs or prose about the rest, in lower case.
const ASIDE: &[&str] = &[
    "adoc", "bat", "c", "cfg", "css", "gif", "go", "ico", "ini", "ipynb", "jpeg", "jpg", "js", "lock", "md",
    "mp4", "png", "ps1", "py", "rb", "rs", "rst", "sh", "svg", "toml", "ts", "ttf", "webp", "woff", "woff2",
];

/// Folders in which tools keep what is theirs.
const TOOLS: &[&str] = &[".circleci", ".git", ".github", ".gitlab", ".idea", ".vscode"];

/// What to tell of the sources of a hunt: files of folders and archives that might be intelligence and are not known.
pub(crate) fn of_sources(sources: &[Loaded]) -> Vec<String> {
    let unknown = sources.iter().filter(|source| is_unknown(source));
    let what = (
        "holds no intelligence that is known",
        "hold no intelligence that is known",
    );
    named(unknown, what).into_iter().collect()
}

/// The same, and what only one who checks intelligence wants to know.
pub(crate) fn of_lint(sources: &[Loaded]) -> Vec<String> {
    let mut notes = of_sources(sources);
    let idle = sources.iter().filter(|source| is_idle(source));
    notes.extend(named(
        idle,
        ("holds nothing to look for", "hold nothing to look for"),
    ));
    let lists = sources
        .iter()
        .filter(|source| source.format == Format::Warninglist);
    notes.extend(named(
        lists,
        (
            "is a warninglist, for --warninglists",
            "are warninglists, for --warninglists",
        ),
    ));
    if cfg!(not(feature = "yara")) {
        let yara = sources.iter().filter(|source| source.format == Format::Yara);
        let what = "of YARA rules: not checked, as this program is built without YARA";
        notes.extend(named(yara, (what, what)));
    }
    let left_out = sources.iter().filter(|source| source.withheld.total() > 0);
    notes.extend(left_out.map(|source| format!("{}: left out: {}", source.place, source.withheld)));
    notes
}

/// Why there is nothing to look for, where the sources say.
pub(crate) fn why_nothing(sources: &[Loaded], withheld: &Withheld) -> String {
    let mut why = Vec::new();
    if withheld.total() > 0 {
        why.push(format!("left out: {withheld}"));
    }
    why.extend(of_sources(sources));
    let yara = sources.iter().filter(|source| source.format == Format::Yara);
    if cfg!(not(feature = "yara")) && yara.count() > 0 {
        why.push("YARA rules need a program that is built with YARA".to_owned());
    }
    why.iter().map(|part| format!("; {part}")).collect()
}

fn named<'a>(sources: impl Iterator<Item = &'a Loaded>, (one, many): (&str, &str)) -> Option<String> {
    let names: Vec<_> = sources.map(|source| source.place.to_string()).collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    match names.len() {
        0 => None,
        1 => Some(format!("1 file {one}: {shown}")),
        count => Some(format!("{count} files {many}: {shown}{more}")),
    }
}

/// Of no known format, and neither told as a problem nor clearly something else.
fn is_unknown(source: &Loaded) -> bool {
    source.format == Format::Unknown && source.problems == 0 && !is_aside(&source.place)
}

/// Of a known format that could hold something, and holds nothing.
fn is_idle(source: &Loaded) -> bool {
    let holds = matches!(
        source.format,
        Format::Text | Format::Csv | Format::Stix | Format::Misp | Format::NetworkRules
    );
    let told = source.indicators + source.rules + source.problems > 0 || source.withheld.total() > 0;
    holds && !told
}

/// A read-me, a licence, a script, a picture, or something that a tool keeps for itself.
fn is_aside(place: &Place) -> bool {
    let path = place.member.as_deref().unwrap_or(&place.path);
    let path = Path::new(path.rsplit('!').next().unwrap_or(path));
    let tools = |part: std::path::Component<'_>| {
        part.as_os_str()
            .to_str()
            .is_some_and(|part| TOOLS.contains(&part))
    };
    let hidden = path.components().any(tools);
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_ascii_lowercase());
    let name = name.as_deref().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    hidden
        || name.starts_with('.')
        || ABOUT.iter().any(|about| name.starts_with(about))
        || ending.is_some_and(|ending| ASIDE.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asides() {
        let check = |path: &str, expected| assert_eq!(is_aside(&Place::file(path)), expected, "{path}");
        check("intel/README.md", true);
        check("intel/LICENSE", true);
        check("intel/logo.PNG", true);
        check("./rules/.github/labels.yml", true);
        check("intel/.gitignore", true);
        check("/tmp/.x/feed.xml", false);
        check("intel/feed.xml", false);
        check("intel/pulse.json", false);
        check("intel/hashes", false);
        check("../intel/notes.txt", false);
    }
}
