//! Which logs a rule is about, and which logs an event belongs to.

mod classify;
mod derive;
mod table;

use rsigma_parser::LogSource;

pub(super) use classify::Classifier;
use table::{ANY, ANY_WINDOWS, LINUX_SYSMON, Log, OTHERS, WINDOWS_CATEGORIES, WINDOWS_SERVICES};

/// A log that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Target {
    /// The log's key (see [`table`]).
    pub(super) key: String,
    /// The event ids that count there; empty: all.
    pub(super) ids: Vec<i64>,
}

/// The logs that a rule with this log source is about, sorted; empty where the log source is not known here.
pub(super) fn targets(source: &LogSource) -> Vec<Target> {
    let word = |word: &Option<String>| word.as_deref().unwrap_or_default().trim().to_lowercase();
    let (product, category, service) = (
        word(&source.product),
        word(&source.category),
        word(&source.service),
    );
    if product.is_empty() && category.is_empty() && service.is_empty() {
        return vec![target(&(ANY, &[]))];
    }
    let mut found = match product.as_str() {
        "windows" => windows(&category, &service),
        _ => other(&product, &category, &service),
    };
    if product.is_empty() && found.is_empty() {
        found = windows(&category, &service);
        if category == "process_creation" || category == "file_event" || category == "network_connection" {
            found.extend(other("linux", &category, &service));
            found.extend(other("macos", &category, &service));
        }
    }
    found.extend(named(&product, &category, &service));
    found.sort();
    found.dedup();
    found
}

fn target(&(key, ids): &Log) -> Target {
    Target {
        key: key.to_owned(),
        ids: ids.to_vec(),
    }
}

/// A Windows rule with a category and a service is about the part of the category that the service's channels hold.
fn windows(category: &str, service: &str) -> Vec<Target> {
    let channels = WINDOWS_SERVICES
        .iter()
        .find(|(name, _)| *name == service)
        .map(|(_, channels)| *channels);
    let logs = WINDOWS_CATEGORIES
        .iter()
        .find(|(name, _)| *name == category)
        .map(|(_, logs)| *logs);
    match (logs, channels) {
        _ if category.is_empty() && service.is_empty() => vec![Target {
            key: ANY_WINDOWS.to_owned(),
            ids: Vec::new(),
        }],
        (Some(logs), None) if service.is_empty() => logs.iter().map(target).collect(),
        (None, Some(channels)) if category.is_empty() => {
            channels.iter().map(|channel| target(&(*channel, &[]))).collect()
        }
        (Some(logs), Some(channels)) => logs
            .iter()
            .filter(|(key, _)| channels.contains(key) || key.contains('#'))
            .map(target)
            .collect(),
        _ => Vec::new(),
    }
}

fn other(product: &str, category: &str, service: &str) -> Vec<Target> {
    if product == "zeek" && !service.is_empty() {
        return [format!("zeek/{service}"), "zeek/?".to_owned()]
            .map(|key| Target { key, ids: Vec::new() })
            .to_vec();
    }
    let fits = |known: &str, asked: &str| known == asked || (known == "*" && !asked.is_empty());
    OTHERS
        .iter()
        .find(|(one, two, three, _)| fits(one, product) && fits(two, category) && fits(three, service))
        .map(|(.., logs)| logs.iter().map(target).collect())
        .unwrap_or_default()
}

/// Events that name their own log source in these words, as some collectors have them do.
fn named(product: &str, category: &str, service: &str) -> Vec<Target> {
    if product.is_empty() || product == "windows" || category.contains("creation") {
        return Vec::new();
    }
    let mut names = vec![format!("named/{product}")];
    if !service.is_empty() {
        names = vec![format!("named/{product}.{service}"), format!("named/{service}")];
    }
    names
        .into_iter()
        .map(|key| Target { key, ids: Vec::new() })
        .collect()
}

/// A key as a person reads it.
pub(super) fn describe(target: &Target) -> String {
    let key = match target.key.as_str() {
        ANY => "any event".to_owned(),
        ANY_WINDOWS => "any Windows channel".to_owned(),
        "registry#create" => "registry keys made (Sysmon 12, Security 4657)".to_owned(),
        "registry#delete" => "registry keys or values deleted (Sysmon 12, Security 4657)".to_owned(),
        "registry#set" => "registry values set (Sysmon 13, Security 4657)".to_owned(),
        key if key.starts_with("named/") => format!("logs that say they are `{}`", &key["named/".len()..]),
        "process/windows" | "file/windows" | "process/linux" | "file/linux" | "process/macos"
        | "file/macos" => {
            format!("`{}` events in ECS names", target.key)
        }
        key if is_channel(key) => format!("channel `{key}`"),
        key => format!("`{key}` logs"),
    };
    if target.ids.is_empty() {
        return key;
    }
    let ids: Vec<_> = target.ids.iter().map(ToString::to_string).collect();
    format!("{key} event {}", ids.join("/"))
}

fn is_channel(key: &str) -> bool {
    key == LINUX_SYSMON
        || WINDOWS_SERVICES
            .iter()
            .any(|(_, channels)| channels.contains(&key))
        || WINDOWS_CATEGORIES
            .iter()
            .any(|(_, logs)| logs.iter().any(|(log, _)| *log == key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: [&str; 3], expected: &[(&str, &[i64])]) {
        let word = |word: &str| (!word.is_empty()).then(|| word.to_owned());
        let source = LogSource {
            product: word(words[0]),
            category: word(words[1]),
            service: word(words[2]),
            ..LogSource::default()
        };
        let found = targets(&source);
        let found: Vec<(&str, &[i64])> = found.iter().map(|target| (&*target.key, &*target.ids)).collect();
        assert_eq!(found, expected, "{words:?}");
    }

    #[test]
    fn words_mean_logs() {
        check(
            ["windows", "process_creation", ""],
            &[
                ("microsoft-windows-sysmon/operational", &[1]),
                ("process/windows", &[]),
                ("security", &[4688]),
            ],
        );
        check(["windows", "", "security"], &[("security", &[])]);
        check(
            ["windows", "", "taskscheduler"],
            &[("microsoft-windows-taskscheduler/operational", &[])],
        );
        check(
            ["windows", "process_creation", "sysmon"],
            &[("microsoft-windows-sysmon/operational", &[1])],
        );
        check(
            ["windows", "ps_script", ""],
            &[
                ("microsoft-windows-powershell/operational", &[4104]),
                ("powershellcore/operational", &[4104]),
            ],
        );
        check(["windows", "", ""], &[("windows", &[])]);
        check(["windows", "", "no-such-service"], &[]);
        check(
            ["zeek", "", "dns"],
            &[
                ("named/dns", &[]),
                ("named/zeek.dns", &[]),
                ("zeek/?", &[]),
                ("zeek/dns", &[]),
            ],
        );
        check(["", "webserver", ""], &[("web", &[])]);
        check(
            ["aws", "", "cloudtrail"],
            &[
                ("aws", &[]),
                ("named/aws.cloudtrail", &[]),
                ("named/cloudtrail", &[]),
            ],
        );
        check(["jvm", "application", ""], &[("named/jvm", &[])]);
        check(["", "no-such-category", ""], &[]);
        check(["", "", ""], &[("any", &[])]);
    }
}
