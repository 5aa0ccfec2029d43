//! URLs whose host and path stand in fields of their own, as in the web logs of Zeek, Suricata and IIS.

use std::borrow::Cow;

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
    "requesthost",
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
    "cs-uri-path",
    "cs_uri_path",
    "uri_stem",
    "request_path",
    "requestpath",
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
        let [hosts, paths, queries, ports] = fields(event, [HOSTS, PATHS, QUERIES, PORTS]);
        for host in &hosts {
            let end = match host.find(']') {
                Some(bracket) => bracket + 1,
                None => host.find(':').unwrap_or(host.len()),
            };
            let Ok(canonical) = url::canonical_host(&host[..end]) else {
                continue;
            };
            let ports = ports.iter().map(|port| format!(":{port}"));
            for port in std::iter::once(String::new()).chain(ports) {
                for path in paths.iter().filter(|path| path.starts_with('/')) {
                    let query = match queries.first() {
                        Some(query) if !path.contains('?') => format!("?{}", query.trim_start_matches('?')),
                        _ => String::new(),
                    };
                    let text = format!("http://{host}{port}{path}{query}");
                    let start = "http://".len();
                    self.urls.walk(
                        text.as_bytes(),
                        start,
                        start + end,
                        &canonical,
                        |end, indicator| {
                            found.push((indicator, text[..end].to_owned()));
                        },
                    );
                }
            }
        }
        found.sort_unstable();
        found.dedup_by_key(|(indicator, _)| *indicator);
        found
    }
}

/// The texts of the fields of each of these names, the first few; what says nothing is left out.
fn fields(event: &Event, names: [&[&str]; 4]) -> [Vec<String>; 4] {
    let mut found = [const { Vec::new() }; 4];
    for (name, value) in event.iter() {
        let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let of = names.iter().position(|names| names.contains(&last.as_str()));
        let Some(found) = of.map(|of| &mut found[of]).filter(|found| found.len() < MOST) else {
            continue;
        };
        let text = value.text();
        found.extend(
            text.filter(|text| !matches!(text.as_ref(), "" | "-"))
                .map(Cow::into_owned),
        );
    }
    found
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
