//! MISP warninglists: values that are known to be harmless, or known for what they are. Read on their own; they are
//! never indicators.

mod broad;
mod category;

use std::io::{self, BufRead, Read};

use perisai_model::{Place, Problem, Warninglist, WarninglistCategory, WarninglistType};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::input;
use crate::json::{self, lenient};
use crate::sink::Sink;
use crate::words::{NAME, clip, quoted};

/// The largest warninglist that is read; MISP's largest real ones have some tens of megabytes.
const FILE: u64 = 256 * 1024 * 1024;

/// How many sites a ranking may have so that to be in it means to be harmless. Further down, botnets, miners and
/// networks of advertisements get there by the number of their victims. The published rankings have up to 5,000
/// sites, or 10,000 and 20,000, and some a heading as one more.
const FEW_SITES: usize = 6_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    #[serde(deserialize_with = "lenient::text")]
    name: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    kind: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    category: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    matching_attributes: Vec<String>,
    list: Option<Vec<Box<RawValue>>>,
}

/// Reads a warninglist for what is wrong with it.
pub(crate) fn check(source: &mut dyn BufRead, sink: &mut Sink<'_>) {
    let mut problems = Vec::new();
    match read_warninglist(sink.place(), source, &mut problems) {
        Ok(list) => sink.warninglist(list),
        Err(problem) => problems.push(problem),
    }
    problems.into_iter().for_each(|problem| sink.tell(problem));
}

/// Reads a warninglist (`list.json`); entries that could not be used go to `problems`.
///
/// A list without a category is judged by its name: clouds, scanners, sinkholes and the like are known, the others
/// false positives.
///
/// # Errors
/// Where it is no warninglist, or its type is not known.
///
/// # Example
/// ```
/// use perisai_model::Place;
/// let json = br#"{"name": "Resolvers", "type": "cidr", "list": ["192.0.2.0/24"]}"#;
/// let mut problems = Vec::new();
/// let list = perisai_intel::read_warninglist(&Place::file("list.json"), &mut &json[..], &mut problems)?;
/// assert_eq!(list.entries, ["192.0.2.0/24"]);
/// # Ok::<(), perisai_model::Problem>(())
/// ```
pub fn read_warninglist(
    place: &Place,
    source: &mut dyn BufRead,
    problems: &mut Vec<Problem>,
) -> Result<Warninglist, Problem> {
    let problem = |why: String| Problem::new(place.clone(), why);
    let bytes = read_all(source).map_err(|error| problem(error.to_string()))?;
    let view: View =
        json::parse(&bytes, 1).map_err(|refused| Problem::new(place.line(refused.line), refused.why))?;
    let Some(list) = view.list else {
        return Err(problem("not a warninglist: it has no `list`".into()));
    };
    let said = view.name.as_deref().unwrap_or_default();
    let kind = view.kind.as_deref().unwrap_or("string");
    let kind = match list_type(kind) {
        Some(WarninglistType::Hostname | WarninglistType::String) if category::is_ranking(said) => {
            WarninglistType::Site
        }
        Some(kind) => kind,
        None => return Err(problem(format!("unknown type of warninglist {}", quoted(kind)))),
    };
    let category = match view.category.as_deref() {
        None | Some("") if kind == WarninglistType::Site && list.len() > FEW_SITES => {
            WarninglistCategory::Known
        }
        None | Some("") => category::by_name(said, &place.path),
        Some("false_positive" | "False positive") => WarninglistCategory::FalsePositive,
        Some("known" | "Known identifier" | "known_identifier") => WarninglistCategory::Known,
        Some(other) => {
            return Err(problem(format!(
                "unknown category of warninglist {}",
                quoted(other)
            )));
        }
    };
    let mut entries = Vec::with_capacity(list.len());
    let mut refused = broad::Refusals::default();
    let mut bad: u64 = 0;
    let mut sample = String::new();
    for raw in list {
        match serde_json::from_str::<String>(raw.get()) {
            Ok(entry) => match broad::why_refused(kind, &entry) {
                Some(why) => refused.add(&entry, why),
                None => entries.push(entry),
            },
            Err(_) => {
                bad += 1;
                if bad == 1 {
                    sample = quoted(raw.get());
                }
            }
        }
    }
    if bad > 0 {
        problems.push(problem(format!(
            "entries that are no strings: {bad}, the first is {sample}"
        )));
    }
    problems.extend(refused.told().map(problem));
    if kind == WarninglistType::Cidr && broad::cover_too_much(&entries) {
        return Err(problem(
            "its nets together hold more than a quarter of all addresses".into(),
        ));
    }
    Ok(Warninglist {
        place: place.clone(),
        name: clip(said, NAME).unwrap_or_else(|| place.to_string()),
        category,
        kind,
        matching_attributes: view.matching_attributes,
        entries,
    })
}

fn read_all(source: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = input::open(source);
    opened.stream.take(FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE {
        return Err(io::Error::other(format!(
            "a warninglist of more than {FILE} bytes"
        )));
    }
    Ok(bytes)
}

fn list_type(name: &str) -> Option<WarninglistType> {
    Some(match name {
        "string" => WarninglistType::String,
        "substring" => WarninglistType::Substring,
        "hostname" => WarninglistType::Hostname,
        "cidr" => WarninglistType::Cidr,
        "regex" => WarninglistType::Regex,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(json: &str) -> Result<(Warninglist, Vec<String>), String> {
        let mut problems = Vec::new();
        let list = read_warninglist(&Place::file("list.json"), &mut json.as_bytes(), &mut problems);
        let problems = problems.iter().map(ToString::to_string).collect();
        list.map(|list| (list, problems))
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_list_with_bad_entries() {
        let (list, problems) = load(
            r#"{"name": "Scanners", "category": "known", "type": "hostname", "version": 3,
                "matching_attributes": ["domain", "hostname"], "list": ["a.example", 7, null, "b.example"]}"#,
        )
        .unwrap();
        assert_eq!(list.entries, ["a.example", "b.example"]);
        assert_eq!(
            (list.category, list.kind),
            (WarninglistCategory::Known, WarninglistType::Hostname)
        );
        assert_eq!(list.matching_attributes, ["domain", "hostname"]);
        assert_eq!(
            problems,
            ["list.json: entries that are no strings: 2, the first is `7`"]
        );
    }

    #[test]
    fn entries_that_speak_of_everything_are_told() {
        let check = |kind: &str, entry: &str, expected: Option<&str>| {
            let json = serde_json::json!({"type": kind, "list": [entry, "good.example.net"]});
            let (list, problems) = load(&json.to_string()).unwrap();
            assert_eq!(list.entries.len(), 2 - expected.iter().len(), "{entry}");
            let expected = expected.map(|why| format!("list.json: `{entry}`: {why}"));
            assert_eq!(problems, Vec::from_iter(expected), "{entry}");
        };
        let any = Some("it matches values that have nothing in common");
        for entry in [
            ".*",
            "/./i",
            "",
            "^",
            "/[a-z]/",
            r"\.com$",
            "[0-9a-f]{32}",
            r"/^\d+\./",
            "exe",
            "/^HTTP/i",
            "(?s).+",
            "[^@]+@",
            r"\.(com|net)$",
            "^[a-z]+\\.top$",
            "^[^k]*$",
        ] {
            check("regex", entry, any);
        }
        check("regex", r"/^(soc|abuse)\@.*\..*$/i", None);
        check("regex", r"\.good\.net$", None);
        for entry in ["com", ".com", "co", "a", "://", "http", ".exe", "INFO", "@"] {
            check("substring", entry, any);
        }
        check("substring", "museum", Some("a top-level domain"));
        check("substring", ".museum", Some("a top-level domain"));
        check("substring", "0v.ro", None);
        check("substring", "mcafee.com", None);
        check("hostname", "com", Some("a top-level domain"));
        check("hostname", "*.ru.", Some("a top-level domain"));
        check("hostname", ".barclays", None);
        check("hostname", "localhost", None);
        check("string", "com", None);
        let wide = Some("a net wider than /8 (IPv4) or /16 (IPv6): it would match too much");
        for net in [
            "0.0.0.0/0",
            "128.0.0.0/1",
            "10.0.0.0/7",
            "::/0",
            "2000::/3",
            "0.0.0.0/0.0.0.0",
        ] {
            check("cidr", net, wide);
        }
        for net in [
            "224.0.0.0/4",
            "240.0.0.0/4",
            "10.0.0.0/8",
            "fe80::/10",
            "fc00::/7",
            "2002::/16",
        ] {
            check("cidr", net, None);
        }
    }

    #[test]
    fn nets_that_hold_much_together() {
        let nets = |many: u32| {
            (0..many)
                .map(|at| format!("\"{at}.0.0.0/8\""))
                .collect::<Vec<_>>()
                .join(",")
        };
        let load =
            |nets: &str| load(&format!(r#"{{"type": "cidr", "list": [{nets}]}}"#)).map(|(list, _)| list);
        assert!(load(&nets(60)).is_ok());
        assert_eq!(
            load(&nets(80)).unwrap_err(),
            "list.json: its nets together hold more than a quarter of all addresses"
        );
        // The same net many times is one.
        let same = vec!["\"10.0.0.0/8\""; 300].join(",");
        assert!(load(&same).is_ok());
        let six: Vec<_> = (0x2000..0x3000).map(|at| format!("\"{at:x}::/16\"")).collect();
        assert!(load(&six.join(",")).is_err());
    }

    #[test]
    fn its_own_category_wins_over_its_name() {
        let check = |category: &str, expected| {
            let (list, _) = load(&format!(r#"{{"name": "Sinkholes", {category} "list": []}}"#)).unwrap();
            assert_eq!(list.category, expected, "{category}");
        };
        check(
            r#""category": "false_positive","#,
            WarninglistCategory::FalsePositive,
        );
        check(r#""category": "known","#, WarninglistCategory::Known);
        check(r#""category": "","#, WarninglistCategory::Known);
        check("", WarninglistCategory::Known);
    }

    #[test]
    fn rankings_of_sites() {
        use WarninglistCategory::{FalsePositive, Known};
        let check = |name: &str, kind: &str, sites: usize, expected| {
            let sites = vec!["\"a.example\""; sites].join(",");
            let (list, _) = load(&format!(
                r#"{{"name": "{name}", "type": "{kind}", "list": [{sites}]}}"#
            ))
            .unwrap();
            assert_eq!((list.kind, list.category), expected, "{name}");
        };
        let (few, site) = (FEW_SITES, WarninglistType::Site);
        check("Top 1000 websites", "hostname", few, (site, FalsePositive));
        check("Top 5,000 domains", "string", few, (site, FalsePositive));
        check("Top 10K most-used sites", "string", few + 1, (site, Known));
        let bank = (WarninglistType::Hostname, FalsePositive);
        check("List of known bank domains", "hostname", few + 1, bank);
    }

    #[test]
    fn refusals() {
        let check = |json: &str, expected: &str| assert_eq!(load(json).unwrap_err(), expected);
        check(
            "{\"type\": \"string\"}",
            "list.json: not a warninglist: it has no `list`",
        );
        check(
            "{\"type\": \"fuzzy\", \"list\": []}",
            "list.json: unknown type of warninglist `fuzzy`",
        );
        check(
            "{\"list\": [], \"category\": \"x\"}",
            "list.json: unknown category of warninglist `x`",
        );
        check(
            "{\"list\": [\n\"a\"",
            "list.json:2: column 3: EOF while parsing a list",
        );
        let deep = format!("{{\"list\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(load(&deep).unwrap().1[0].starts_with("list.json: entries that are no strings: 1"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}\",:a-z]{0,60}|\\PC{0,40}") {
            let _ = load(&text);
        }
    }
}
