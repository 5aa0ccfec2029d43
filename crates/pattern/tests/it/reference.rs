//! Runs cases here and in the reference (`tests/reference/verdicts.py`), and lists every disagreement.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use perisai_pattern::{DataError, EvaluateError, ObservedData, parse};
use serde_json::{Value, json};

/// A pattern and what it is matched against.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) version: &'static str,
    pub(crate) pattern: String,
    /// `observed-data` objects for 2.0, bundles for 2.1.
    pub(crate) observations: Value,
}

#[derive(Debug, Clone, PartialEq)]
enum Verdict {
    Match,
    NoMatch,
    Error(String),
}

/// Python with the reference installed. Without it the test is skipped, or fails where `PERISAI_REQUIRE_PEERS` says so.
pub(crate) fn python() -> Option<PathBuf> {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/venv/bin/python3");
    let python = PathBuf::from(std::env::var("PERISAI_PYTHON").unwrap_or(usual.to_owned()));
    let installed = python.exists()
        && Command::new(&python)
            .args(["-c", "import stix2matcher"])
            .status()
            .is_ok_and(|status| status.success());
    if installed {
        return Some(python);
    }
    assert!(
        std::env::var("PERISAI_REQUIRE_PEERS").is_err(),
        "no stix2-matcher in target/venv: `cargo xtask test` installs it"
    );
    eprintln!("skipped: no stix2-matcher in target/venv (`cargo xtask test` installs it)");
    None
}

/// What is said of a case.
#[derive(Debug)]
struct Answer {
    parses: bool,
    verdict: Verdict,
}

fn ask(python: &PathBuf, cases: &[Case]) -> Vec<Answer> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/verdicts.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let lines: String = cases.iter().fold(String::new(), |mut lines, case| {
        let line =
            json!({"version": case.version, "pattern": case.pattern, "observations": case.observations});
        writeln!(lines, "{line}").expect("writing to a string succeeds");
        lines
    });
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("python ends");
    writer
        .join()
        .expect("the writer ends")
        .expect("python reads all cases");
    let text = String::from_utf8(output.stdout).expect("answers are UTF-8");
    let answers: Vec<_> = text
        .lines()
        .map(|line| answer(&serde_json::from_str(line).expect("JSON")))
        .collect();
    assert_eq!(answers.len(), cases.len(), "one answer a case");
    answers
}

fn answer(line: &Value) -> Answer {
    Answer {
        parses: line["parses"].as_bool().expect("parses"),
        verdict: match line["verdict"].as_str().expect("verdict") {
            "match" => Verdict::Match,
            "no match" => Verdict::NoMatch,
            _ => Verdict::Error(line["why"].as_str().expect("why").to_owned()),
        },
    }
}

fn load(case: &Case) -> Result<Vec<ObservedData<'_>>, String> {
    let list = case.observations.as_array().expect("a list of observations");
    let loaded: Result<Vec<_>, _> = if case.version == "2.0" {
        list.iter().map(ObservedData::v20).collect()
    } else {
        let objects = list
            .iter()
            .flat_map(|bundle| bundle["objects"].as_array().into_iter().flatten());
        ObservedData::v21(objects).into_iter().collect()
    };
    loaded.map_err(|error| error.to_string())
}

/// Our answer, and the observations that matched.
fn own(case: &Case) -> (Answer, Vec<usize>) {
    let pattern = match parse(&case.pattern) {
        Ok(pattern) => pattern,
        Err(why) => {
            let verdict = Verdict::Error(why.to_string());
            return (
                Answer {
                    parses: false,
                    verdict,
                },
                Vec::new(),
            );
        }
    };
    let (verdict, matched) = match load(case).map(|observations| pattern.matches_strictly(&observations)) {
        Ok(Ok(Some(found))) => (Verdict::Match, found.observations),
        Ok(Ok(None)) => (Verdict::NoMatch, Vec::new()),
        Ok(Err(why)) => (Verdict::Error(why.to_string()), Vec::new()),
        Err(why) => (Verdict::Error(why), Vec::new()),
    };
    (
        Answer {
            parses: true,
            verdict,
        },
        matched,
    )
}

/// The same verdict. An error is as good as another, but what the reference's grammar refuses must not parse here;
/// the other way round is meant: we refuse early what the reference refuses whenever it matches.
fn agree(ours: &Answer, theirs: &Answer) -> bool {
    match (&ours.verdict, &theirs.verdict) {
        (Verdict::Error(_), Verdict::Error(_)) => theirs.parses || !ours.parses,
        (ours, theirs) => ours == theirs,
    }
}

/// Where we mean to differ, and why.
fn deviation(case: &Case, ours: &Answer, theirs: &Answer) -> Option<&'static str> {
    let pattern = &case.pattern;
    let Verdict::Error(why) = &theirs.verdict else {
        let Verdict::Error(own_why) = &ours.verdict else {
            let not_exists = pattern.contains("NOT EXISTS");
            return not_exists.then_some("the reference overlooks NOT before EXISTS");
        };
        let unsupported = own_why.contains("is not supported");
        return unsupported.then_some("fancy-regex has no conditionals and repeats no look-around");
    };
    if !theirs.parses {
        return [
            ("NOT EXISTS", "2.1", "stix2-patterns 2.0 has no NOT EXISTS"),
            ("EXISTS", "2.0", "EXISTS is of 2.1 only"),
            (
                "START",
                "2.0",
                "both forms of START are accepted in both versions",
            ),
            (
                "START",
                "2.1",
                "both forms of START are accepted in both versions",
            ),
        ]
        .into_iter()
        .find(|(word, version, _)| pattern.contains(word) && case.version == *version)
        .map(|(_, _, reason)| reason);
    }
    let six = pattern.contains("::") || case.observations.to_string().contains("::");
    [
        (
            "TypeError",
            pattern.contains("EXISTS"),
            "the reference cannot join EXISTS to another comparison",
        ),
        (
            "ValueError",
            pattern.contains("EXISTS"),
            "the reference cannot join EXISTS to another comparison",
        ),
        ("Invalid IPv4 address", six, "IPv6 nets are supported"),
        (
            "bad escape \\u",
            true,
            "the reference compiles every expression for bytes too, where \\u is none",
        ),
        (
            "look-behind requires fixed-width pattern",
            true,
            "a look-behind may have branches of different lengths",
        ),
        (
            "in the same lookbehind",
            true,
            "a reference may stand beside its group in a look-behind",
        ),
        ("OverflowError", true, "a span longer than all of time"),
        (
            "AssertionError",
            true,
            "an observation that ends before it begins",
        ),
        ("OutOfTime", true, "the reference ran out of time"),
    ]
    .into_iter()
    .find(|(error, applies, _)| *applies && why.contains(error))
    .map(|(_, _, reason)| reason)
}

/// Compares every case; each disagreement without a reason fails the test. Also has the reference match our matched
/// observations alone, so that a match for the wrong reason shows.
pub(crate) fn compare(name: &str, cases: &[Case]) {
    let Some(python) = python() else { return };
    let (mine, used): (Vec<_>, Vec<_>) = cases.iter().map(own).unzip();
    let theirs = ask(&python, cases);
    let (mut wrong, mut excused) = (String::new(), Vec::new());
    for ((case, ours), theirs) in cases.iter().zip(&mine).zip(&theirs) {
        if agree(ours, theirs) {
            continue;
        }
        match deviation(case, ours, theirs) {
            Some(reason) => excused.push(reason),
            None => complain(&mut wrong, case, &format!("ours {ours:?}, theirs {theirs:?}")),
        }
    }
    let narrowed: Vec<Case> = cases
        .iter()
        .zip(&used)
        .filter_map(|(case, used)| narrow(case, used))
        .collect();
    for (case, answer) in narrowed.iter().zip(ask(&python, &narrowed)) {
        if !agree(&own(case).0, &answer) && deviation(case, &own(case).0, &answer).is_none() {
            complain(&mut wrong, case, &format!("our binding alone: {answer:?}"));
        }
    }
    let count = |wanted: fn(&Verdict) -> bool| theirs.iter().filter(|answer| wanted(&answer.verdict)).count();
    let (matches, errors) = (
        count(|it| *it == Verdict::Match),
        count(|it| matches!(it, Verdict::Error(_))),
    );
    println!(
        "{name}: {} cases, {matches} match, {errors} errors, {} deviations",
        cases.len(),
        excused.len()
    );
    excused.sort_unstable();
    for reasons in excused.chunk_by(|one, other| one == other) {
        println!("  {} × {}", reasons.len(), reasons[0]);
    }
    assert!(wrong.is_empty(), "{name}: disagreements:\n{wrong}");
}

fn complain(wrong: &mut String, case: &Case, what: &str) {
    let data: String = case.observations.to_string().chars().take(1000).collect();
    writeln!(wrong, "{} {}\n  {what}\n  on {data}", case.version, case.pattern)
        .expect("writing to a string succeeds");
}

/// The cases of the reference's own tests, which come installed with it: whatever they call `match` with.
#[test]
fn own_tests_of_the_reference() {
    let Some(python) = python() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/own_cases.py");
    let output = Command::new(python).arg(script).output().expect("python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("cases are UTF-8");
    let case = |line: &str| {
        let case: Value = serde_json::from_str(line).expect("JSON");
        Case {
            version: if case["version"] == "2.0" { "2.0" } else { "2.1" },
            pattern: case["pattern"].as_str().expect("a pattern").to_owned(),
            observations: case["observations"].clone(),
        }
    };
    let cases: Vec<Case> = text.lines().map(case).collect();
    assert!(cases.len() > 700, "only {} cases were found", cases.len());
    compare("the reference's own tests", &cases);
}

/// The case with the observations of our match alone; only where that leaves some out.
fn narrow(case: &Case, used: &[usize]) -> Option<Case> {
    let list = case.observations.as_array().expect("a list of observations");
    if case.version != "2.0" || used.is_empty() || used.len() == list.len() {
        return None;
    }
    let kept: Vec<_> = used.iter().map(|&at| list[at].clone()).collect();
    Some(Case {
        observations: Value::Array(kept),
        ..case.clone()
    })
}

/// A data error is the caller's to ignore: lenient matching goes on.
#[test]
fn one_bad_value_hides_nothing() {
    let data = json!([{
        "first_observed": "2020-01-01T00:00:00Z", "last_observed": "2020-01-01T00:00:00Z", "number_observed": 1,
        "objects": {"0": {"type": "ipv4-addr", "value": "rubbish"}, "1": {"type": "ipv4-addr", "value": "10.0.0.1"}}
    }]);
    let case = Case {
        version: "2.0",
        pattern: "[ipv4-addr:value ISSUBSET '10.0.0.0/8']".into(),
        observations: data,
    };
    let pattern = parse(&case.pattern).unwrap();
    let observations = load(&case).unwrap();
    assert!(pattern.matches(&observations).unwrap().is_some());
    assert_eq!(
        pattern.matches_strictly(&observations),
        Err(EvaluateError::Data(DataError::Address))
    );
}
