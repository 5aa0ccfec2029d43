//! YARA rules on the files themselves: each file, and each member of an archive, is looked at as a whole.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use perisai_events::{Block, Sink};
use perisai_model::{Context, Finding, Intel, Place, Problem, Rule, RuleLanguage};
use perisai_yara::{FileFacts, Limits, Rules, Scanner, Watch, cache_key};

use super::kept::{Again, Kept};
use super::order::Output;
use super::{HuntError, Settings};
use crate::files::Input;

/// What a file may cost.
pub(super) const LIMITS: Limits = Limits::DEFAULT;

/// Compiles the YARA rules, or takes them from the folder in which an earlier hunt left them. `None` where there are
/// none.
pub(crate) fn compile(intel: &Intel, cache: Option<&Path>, problems: &mut Vec<Problem>) -> Option<Rules> {
    let rules = intel
        .rules
        .iter()
        .filter(|rule| rule.language == RuleLanguage::Yara);
    let rules: Vec<(&Rule, &Context)> = rules.map(|rule| (rule, intel.context(rule.context))).collect();
    if rules.is_empty() {
        return None;
    }
    let file = cache.map(|folder| folder.join(format!("{}.yara", cache_key(&rules))));
    let stored = file.as_ref().and_then(|file| std::fs::read(file).ok());
    let (compiled, refused) = match stored.and_then(|bytes| Rules::from_cache(&bytes, &rules).ok()) {
        Some(known) => known,
        None => {
            let (compiled, refused, bytes) = Rules::compile_for_cache(&rules);
            if let (Some(file), Some(bytes)) = (file, bytes) {
                // Without a cache the next hunt compiles again: slower, and nothing else.
                let _ = store(&file, &bytes);
            }
            (compiled, refused)
        }
    };
    problems.extend(refused);
    Some(compiled)
}

/// Writes the cache, which holds machine code, for this user's eyes and hands only.
fn store(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    let part = file.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&part, bytes)?;
    std::fs::rename(&part, file)
}

/// Where compiled rules are kept between hunts: the user's cache folder.
pub(super) fn cache_folder() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("perisai"))
}

/// Looks at all inputs, one after the other; findings come in their order. Of what can be read only once, that is
/// looked at which was kept.
pub(super) fn search_all(
    rules: &Rules,
    settings: &Settings,
    inputs: &[Input],
    kept: &Kept,
    output: &mut Output<'_>,
) -> Result<(), HuntError> {
    let (start, stop) = (Instant::now(), &settings.stop);
    let (clock, ends) = (|| start.elapsed(), || stop.is_set());
    let watch = Watch {
        clock: &clock,
        ends: &ends,
    };
    let mut scanner = Scanner::new(rules, LIMITS, watch);
    for (number, input) in inputs.iter().enumerate() {
        if stop.is_set() {
            break;
        }
        let (findings, problems) = search(&mut scanner, settings, input, kept.take(number));
        findings.iter().try_for_each(|finding| output.finding(finding))?;
        output.problems(problems)?;
    }
    Ok(())
}

/// Looks at one input, or at what was kept of it.
fn search(
    scanner: &mut Scanner<'_>,
    settings: &Settings,
    input: &Input,
    again: Option<Again>,
) -> (Vec<Finding>, Vec<Problem>) {
    let most = again.as_ref().and_then(|again| again.most);
    let mut files = Files {
        scanner,
        is_cut: most.is_some(),
        findings: Vec::new(),
        problems: Vec::new(),
    };
    match again {
        Some(again) => input.read_again(again, &settings.read, &mut files),
        None => input.read(&settings.read, &|_| {}, &|| settings.stop.is_set(), &mut files),
    }
    let Files {
        findings,
        mut problems,
        ..
    } = files;
    problems.extend(most.map(|most| {
        let why = format!(
            "over {most} bytes that can be read only once: YARA rules were looked for only in what ends before; \
             give it as a file"
        );
        Problem::new(input.place.clone(), why)
    }));
    (findings, problems)
}

/// Takes each file whole.
struct Files<'a, 'r> {
    scanner: &'a mut Scanner<'r>,
    /// The input goes on where its reader fails: what is read then is not whole.
    is_cut: bool,
    findings: Vec<Finding>,
    problems: Vec<Problem>,
}

impl Sink for Files<'_, '_> {
    fn member(&mut self, place: &Place, reader: &mut dyn Read) -> Option<ControlFlow<()>> {
        let mut bytes = Vec::new();
        let outcome = reader.take(LIMITS.max_bytes as u64 + 1).read_to_end(&mut bytes);
        // Any other error of the reader was told by the search for values; what came before it is looked at.
        if outcome.is_err() && self.is_cut {
            return Some(ControlFlow::Break(()));
        }
        let path = place.member.as_deref().unwrap_or(&place.path);
        let scan = self.scanner.scan(&bytes, &FileFacts { path, owner: None });
        self.problems
            .extend(scan.incomplete.map(|why| Problem::new(place.clone(), why)));
        self.problems.extend(scan.set_aside.into_iter().map(|slow| {
            let why = format!("{}: not looked for in {place} and what comes after it", slow.why);
            Problem::new(slow.place, why)
        }));
        for hit in scan.hits {
            self.findings.push(Finding {
                time: None,
                time_text: None,
                rule: hit.rule,
                observable: None,
                line: Some(hit.matched.clone()),
                matched: hit.matched,
                place: place.clone(),
                flags: Vec::new(),
                host: None,
                client: None,
                event: None,
            });
        }
        Some(ControlFlow::Continue(()))
    }

    fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn block(&mut self, _block: Block) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// What an input itself has wrong was told when it was read for its lines.
    fn problem(&mut self, _problem: Problem) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a member of a tar.
    fn header(name: &str, size: usize) -> Vec<u8> {
        let mut header = vec![0; 512];
        let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, name);
        put(100, "0000644");
        put(124, &format!("{size:011o}"));
        put(136, "00000000000");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\0\x30\x30");
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        header
    }

    #[test]
    fn what_was_kept_is_looked_at_as_far_as_it_is_whole() {
        let rule = Rule {
            language: RuleLanguage::Yara,
            text: "rule evil { strings: $x = \"evil\" condition: $x }".into(),
            context: perisai_model::ContextId(0),
            place: Place::file("evil.yar"),
        };
        let (rules, _) = Rules::compile(&[(&rule, &Context::default())]);
        let watch = Watch {
            clock: &|| std::time::Duration::ZERO,
            ends: &|| false,
        };
        let input = Input {
            place: Place::file("-"),
            path: None,
            size: None,
            modified: None,
            found: false,
        };
        let check = |bytes: &[u8], most: usize, found: &[&str], is_told: bool| {
            let kept = Kept::new(std::slice::from_ref(&input), most);
            kept.add(0, bytes);
            let mut scanner = Scanner::new(&rules, LIMITS, watch);
            let (findings, problems) = search(&mut scanner, &Settings::default(), &input, kept.take(0));
            let places: Vec<_> = findings.iter().map(|one| one.place.to_string()).collect();
            assert_eq!(places, found);
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            let told = format!(
                "-: over {most} bytes that can be read only once: YARA rules were looked for only in what ends \
                 before; give it as a file"
            );
            assert_eq!(problems, if is_told { vec![told] } else { Vec::new() });
        };
        let plain = b"some evil text";
        check(plain, plain.len(), &["-"], false);
        check(plain, plain.len() - 1, &[], true);
        let mut tar = Vec::new();
        for name in ["a", "b"] {
            tar.extend(header(name, 600));
            tar.extend(plain);
            tar.resize(tar.len().next_multiple_of(512) + 512, b'x');
        }
        tar.resize(tar.len() + 1024, 0);
        check(&tar, tar.len(), &["-!a", "-!b"], false);
        check(&tar, tar.len() - 2000, &["-!a"], true);
    }
}
