//! Knows what this crate wrote: a report that lies among logs is no log.

/// How a page begins that is a report.
const HTML: &[u8] = b"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-";

/// Whether a file that begins so is a report of findings: `jsonl`, `csv` or `html`.
#[must_use]
pub fn is_report(head: &[u8]) -> bool {
    is_jsonl(head) || head.starts_with(csv_header().as_bytes()) || head.starts_with(HTML)
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
        check("\"id\",\"time\",\"time_text\",\"severity\"", false);
        check("<!doctype html>\n<html lang=\"en\">", false);
        check("", false);
    }
}
