//! Knows what this crate wrote: a report that lies among logs is no log.

use perisai_model::Severity;

use crate::stix::FOUND;

/// How a page begins that is a report.
const HTML: &[u8] = b"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-";

/// How a layer of the ATT&CK Navigator begins that is one.
const NAVIGATOR: &[u8] = b"{\"name\":\"Perisai hunt\",\"versions\":";

/// Whether a file that begins so is a report of findings, of any format.
#[must_use]
pub fn is_report(head: &[u8]) -> bool {
    is_jsonl(head)
        || head.starts_with(csv_header().as_bytes())
        || head.starts_with(HTML)
        || head.starts_with(NAVIGATOR)
        || is_stix(head)
        || is_text(head)
}

/// A bundle whose indicators are described as those of a hunt.
fn is_stix(head: &[u8]) -> bool {
    let objects = head.strip_prefix(b"{\"type\":\"bundle\",\"objects\":[\n");
    let described = format!("\"description\":\"{FOUND}\"");
    objects.is_some_and(|objects| memchr::memmem::find(objects, described.as_bytes()).is_some())
}

/// A summary: its first sentence counts findings, files and rules, and what follows it begins with a severity.
fn is_text(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    let Some(first) = lines.next().and_then(|line| std::str::from_utf8(line).ok()) else {
        return false;
    };
    let words: Vec<_> = first.split(' ').collect();
    let counts = matches!(
        words[..],
        [
            _,
            "finding" | "findings",
            "in",
            _,
            "of",
            _,
            "file" | "files,",
            "by",
            _,
            ..
        ] | [
            _,
            "finding" | "findings",
            "in",
            _,
            "file," | "files,",
            "by",
            _,
            ..
        ]
    );
    let is_severity = |line: &[u8]| {
        Severity::ALL
            .iter()
            .any(|one| line.starts_with(one.as_str().to_uppercase().as_bytes()))
    };
    // The sentence may go on for a line or two.
    let blank = lines.by_ref().take(4).any(<[u8]>::is_empty);
    counts && blank && lines.next().is_some_and(is_severity)
}

/// The columns as `csv` writes them.
fn csv_header() -> String {
    format!("\"{}\"", crate::csv::HEADER.join("\",\""))
}

/// `{"v":1,"id":"…","time":`: a finding's first fields, with an id that is a UUID.
fn is_jsonl(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"{\"v\":1,\"id\":\"") else {
        return false;
    };
    let Some((id, rest)) = rest.split_at_checked(36) else {
        return false;
    };
    let is_id = std::str::from_utf8(id).is_ok_and(|id| uuid::Uuid::try_parse(id).is_ok());
    is_id && rest.starts_with(b"\",\"time\":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reports_are_known() {
        let check = |head: &str, expected: bool| assert_eq!(is_report(head.as_bytes()), expected, "{head}");
        check(
            "{\"v\":1,\"id\":\"3f0c4b5e-8e0a-5d7e-9a55-6c7d3c0f1a2b\",\"time\":null",
            true,
        );
        check("{\"v\":1,\"id\":\"7\",\"time\":null", false);
        check(
            "{\"v\":1,\"id\":\"xf0c4b5e-8e0a-5d7e-9a55-6c7d3c0f1a2b\",\"time\":null",
            false,
        );
        check("{\"name\":\"Perisai hunt\",\"versions\":{", true);
        check("{\"name\":\"Other\",\"versions\":{", false);
        check("2 findings in 1 of 3 files, by 2 rules\n\nMEDIUM    x", true);
        check("1 finding in 1 file, by 1 indicator: 1 medium.\n\nHIGH  x", true);
        check("2 findings in 1 of 3 files, by 2 rules\nMEDIUM", false);
        check(
            "{\"type\":\"bundle\",\"objects\":[\n{\"description\":\"Found in logs by a hunt.\"}",
            true,
        );
        check(
            "{\"type\":\"bundle\",\"objects\":[\n{\"description\":\"x\"}",
            false,
        );
        check("\"id\",\"time\",\"time_text\",\"severity\"", false);
        check("<!doctype html>\n<html lang=\"en\">", false);
        check("", false);
    }
}
