//! YARA rules on the files themselves: each file, and each member of an archive, is looked at as a whole.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use perisai_events::{Block, Sink};
use perisai_model::{Context, Finding, Intel, Place, Problem, Rule, RuleLanguage};
use perisai_yara::{FileFacts, Limits, Rules, Scanner, Watch, cache_key};

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

/// Looks at all inputs, one after the other; findings come in their order. Standard input has been read by then, and
/// is left out.
pub(super) fn search_all(
    rules: &Rules,
    settings: &Settings,
    inputs: &[Input],
    output: &mut Output<'_>,
) -> Result<(), HuntError> {
    let (start, stop) = (Instant::now(), &settings.stop);
    let (clock, ends) = (|| start.elapsed(), || stop.is_set());
    let watch = Watch {
        clock: &clock,
        ends: &ends,
    };
    let mut scanner = Scanner::new(rules, LIMITS, watch);
    for input in inputs.iter().filter(|input| input.size.is_some()) {
        if stop.is_set() {
            break;
        }
        let mut files = Files {
            scanner: &mut scanner,
            findings: Vec::new(),
            problems: Vec::new(),
        };
        input.read(&settings.read, &|_| {}, &ends, &mut files);
        let Files {
            findings, problems, ..
        } = files;
        findings.iter().try_for_each(|finding| output.finding(finding))?;
        // What an input itself has wrong was told when it was read for its lines.
        output.problems(problems)?;
    }
    Ok(())
}

/// Takes each file whole.
struct Files<'a, 'r> {
    scanner: &'a mut Scanner<'r>,
    findings: Vec<Finding>,
    problems: Vec<Problem>,
}

impl Sink for Files<'_, '_> {
    fn member(&mut self, place: &Place, reader: &mut dyn Read) -> Option<ControlFlow<()>> {
        let mut bytes = Vec::new();
        // An error of the reader was told by the search for values; what came before it is looked at.
        let _ = reader.take(LIMITS.max_bytes as u64 + 1).read_to_end(&mut bytes);
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

    fn problem(&mut self, _problem: Problem) {}
}
