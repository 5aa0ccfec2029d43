//! Which host an event says it happened on.

use perisai_model::Event;

/// The names under which formats state the host that logged, the surer first.
const NAMES: [&str; 15] = [
    "Computer",
    "host.name",
    "host.hostname",
    "Hostname",
    "hostname",
    "_HOSTNAME",
    "host_name",
    "dvchost",
    "agent.hostname",
    "agent.name",
    "beat.hostname",
    "ComputerName",
    "computer_name",
    "node",
    // Not of Zeek: there it is the server that was asked for.
    "host",
];

/// The host that an event names as its own, where its format has one. For a forwarded event this is the host where it
/// happened, not the one that collected it.
#[must_use]
pub fn host(event: &Event) -> Option<&str> {
    NAMES
        .into_iter()
        .filter(|name| *name != "host" || event.format != "zeek")
        .filter_map(|name| event.get_str(name))
        .map(str::trim)
        .find(|host| !host.is_empty() && *host != "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_where_it_happened() {
        let mut event = Event::default();
        assert_eq!(host(&event), None);
        event.push_str("agent.name", "collector");
        assert_eq!(host(&event), Some("collector"));
        event.push_str("host.name", "ws1");
        event.push_str("Computer", "-");
        assert_eq!(host(&event), Some("ws1"));
    }
}
