//! URLs whose host and path stand in fields of their own, as in the web logs of Zeek, Suricata and IIS.

use perisai_model::Event;
use perisai_values::url;

use super::Matcher;

/// Fields that name the server that was asked, as many logs call them; in lower case.
const HOSTS: &[&str] = &[
    "host",
    "hostname",
    "http_host",
    "cs-host",
    "cs(host)",
    "cs_host",
    "domain",
    "dhost",
    "destinationhostname",
    "vhost",
    "virtual_host",
    "server_name",
    "authority",
    ":authority",
    "request_host",
];
/// Fields that name what it was asked for.
const PATHS: &[&str] = &[
    "uri",
    "url",
    "path",
    "original",
    "request",
    "request_uri",
    "uri_path",
    "http_path",
    "cs-uri-stem",
    "cs_uri_stem",
    "cs-uri",
    "target",
    ":path",
];
/// Fields that hold what stands behind the `?` of a path.
const QUERIES: &[&str] = &[
    "cs-uri-query",
    "cs_uri_query",
    "query",
    "query_string",
    "uri_query",
];
/// Fields that hold the server's port.
const PORTS: &[&str] = &[
    "resp_p",
    "http_port",
    "dest_port",
    "s-port",
    "server_port",
    "port",
    "dpt",
];

/// So many of each are tried.
const MOST: usize = 4;

impl Matcher {
    /// The listed URLs that an event's fields make together: which, and the URL as it was put together.
    #[must_use]
    pub fn urls_in_fields(&self, event: &Event) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        for host in fields(event, HOSTS) {
            let name = host.split(':').next().unwrap_or_default();
            let Ok(canonical) = url::canonical_host(name) else {
                continue;
            };
            let ports = fields(event, PORTS).map(|port| format!(":{port}"));
            for port in std::iter::once(String::new()).chain(ports) {
                for path in fields(event, PATHS).filter(|path| path.starts_with('/')) {
                    let query = match fields(event, QUERIES).next() {
                        Some(query) if !path.contains('?') => format!("?{}", query.trim_start_matches('?')),
                        _ => String::new(),
                    };
                    let text = format!("http://{host}{port}{path}{query}");
                    let start = "http://".len();
                    self.urls.walk(
                        text.as_bytes(),
                        start,
                        start + name.len(),
                        &canonical,
                        |end, indicator| found.push((indicator, text[..end].to_owned())),
                    );
                }
            }
        }
        found.sort_unstable();
        found.dedup_by_key(|(indicator, _)| *indicator);
        found
    }
}

/// The texts of the fields of these names; what says nothing is left out.
fn fields<'a>(event: &'a Event, names: &'static [&str]) -> impl Iterator<Item = String> + use<'a> {
    let is_wanted = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        names.contains(&last.as_str())
    };
    event
        .iter()
        .filter(move |(name, _)| is_wanted(name))
        .filter_map(|(_, value)| value.text())
        .filter(|text| !matches!(text.as_ref(), "" | "-"))
        .map(std::borrow::Cow::into_owned)
        .take(MOST)
}

#[cfg(test)]
mod tests {
    use perisai_model::{ContextId, Indicators, Kind};

    use super::*;

    fn check(listed: &[&str], fields: &[(&str, &str)], expected: &[&str]) {
        let mut indicators = Indicators::default();
        for url in listed {
            indicators.push(Kind::Url, url, ContextId(0));
        }
        let mut event = Event::default();
        for (name, value) in fields {
            event.push_str(name, value);
        }
        let found = Matcher::compile(indicators).urls_in_fields(&event);
        let found: Vec<_> = found.into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, expected, "{fields:?}");
    }

    #[test]
    fn fields_that_make_a_url() {
        let listed = &["https://evil.example/a", "evil.example:8080/b?c=1", "192.0.2.9/x"];
        check(
            listed,
            &[("host", "Evil.Example"), ("uri", "/a?q")],
            &["http://Evil.Example/a"],
        );
        check(
            listed,
            &[("http.hostname", "evil.example"), ("http.url", "/ab")],
            &[],
        );
        check(
            listed,
            &[
                ("cs-host", "evil.example"),
                ("s-port", "8080"),
                ("cs-uri-stem", "/b"),
                ("cs-uri-query", "c=1"),
            ],
            &["http://evil.example:8080/b?c=1"],
        );
        check(
            listed,
            &[("host", "evil.example:8080"), ("uri", "/b?c=1")],
            &["http://evil.example:8080/b?c=1"],
        );
        check(
            listed,
            &[("host", "192.0.2.9"), ("uri", "/x")],
            &["http://192.0.2.9/x"],
        );
        check(listed, &[("host", "a.example"), ("uri", "/a")], &[]);
        check(listed, &[("host", "evil.example"), ("uri", "é/a")], &[]);
    }
}
