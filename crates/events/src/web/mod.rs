//! Web servers, load balancers and proxies: the common and combined log formats of Apache and nginx, their error
//! logs, those of HAProxy and of AWS' balancers, Squid's own.

mod balancer;
pub(crate) mod combined;
mod errors;
pub(crate) mod squid;

use perisai_model::Event;

/// Adds what a request's target says of itself: `cs-host`, `c-uri-extension`, path and query.
fn push_target(event: &mut Event, target: &str) {
    event.push_str("c-uri", target);
    // A URL in the query is not what was asked for.
    let whole = target
        .split_once("://")
        .filter(|_| !target.starts_with(['/', '?']));
    let (host, path) = match whole {
        Some((_, rest)) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        // `CONNECT host:port`
        None if !target.starts_with('/') && target.contains(':') => (target, ""),
        None => ("", target),
    };
    let (stem, query) = path
        .split_once('?')
        .map_or((path, None), |(stem, query)| (stem, Some(query)));
    if !host.is_empty() {
        let host = host.rsplit('@').next().unwrap_or(host);
        let bare = match host.rsplit_once(':') {
            Some((bare, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => bare,
            _ => host,
        };
        event.push_str("cs-host", bare);
        event.push_str("r-dns", bare);
    }
    event.push_str("cs-uri-stem", stem);
    if let Some(query) = query {
        event.push_str("cs-uri-query", query);
        event.push_str("c-uri-query", query);
    }
    // Many rules look for path and query in the query field.
    event.push_str("cs-uri-query", path);
    let name = stem.rsplit('/').next().unwrap_or_default();
    if let Some((_, extension)) = name.rsplit_once('.') {
        event.push_str("c-uri-extension", extension);
    }
}
