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

/// The names under which formats state who asked or connected, the surer first.
const CLIENTS: [&str; 17] = [
    "src_ip",
    "source.ip",
    "client.ip",
    "c-ip",
    "client_ip",
    "ClientIP",
    "ClientIp",
    "clientip",
    "clientIp",
    "client_addr",
    "sourceIPAddress",
    "source_ip",
    "src",
    "srcip",
    "remote_ip",
    "remote_addr",
    "client.address",
];

/// The address of the client, where the event is about traffic: of a DNS server, a proxy, a firewall, a sensor. `None`
/// where the event names the host on which it happened: a computer that tells of its own connections.
#[must_use]
pub fn client(event: &Event) -> Option<&str> {
    // `hostname` is of syslog: a server that tells of its clients.
    let own = NAMES
        .into_iter()
        .filter(|name| *name != "hostname" && *name != "host");
    if own
        .filter_map(|name| event.get_str(name))
        .any(|host| !host.is_empty())
    {
        return None;
    }
    CLIENTS
        .into_iter()
        .filter_map(|name| event.get_str(name))
        .map(str::trim)
        .find(|client| client.parse::<std::net::IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_of_a_server() {
        let check = |fields: &[(&str, &str)], expected: Option<&str>| {
            let mut event = Event::default();
            for (name, value) in fields {
                event.push_str(name, value);
            }
            assert_eq!(client(&event), expected, "{fields:?}");
        };
        check(
            &[("src_ip", "10.0.0.1"), ("dst_ip", "203.0.113.1")],
            Some("10.0.0.1"),
        );
        check(
            &[("hostname", "dns1"), ("src_ip", "2001:db8::1")],
            Some("2001:db8::1"),
        );
        check(&[("client_ip", "-"), ("c-ip", "10.0.0.2")], Some("10.0.0.2"));
        check(&[("src", "somebody")], None);
        check(&[("Computer", "ws1"), ("src_ip", "10.0.0.1")], None);
        check(&[("host.name", "ws1"), ("source.ip", "10.0.0.1")], None);
        check(&[], None);
    }

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
