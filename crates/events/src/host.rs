//! Which host an event says it happened on, and who the client was.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use perisai_model::{Event, Value};

/// The names under which a computer states itself, the surer first.
const COMPUTERS: [&str; 18] = [
    "Computer",
    "host.name",
    "host.hostname",
    "Hostname",
    "hostname",
    "_HOSTNAME",
    "host_name",
    "agent.hostname",
    "agent.name",
    "beat.hostname",
    "ComputerName",
    "computer_name",
    "DeviceName",
    "MachineName",
    "hostIdentifier",
    "host_identifier",
    "node",
    "host",
];

/// The names under which a server or a firewall states itself, and tells of its clients.
const SERVERS: [&str; 6] = [
    "devname",
    // Of CEF; before the host in syslog's header, which may be a relay.
    "dvchost",
    "device_name",
    "server-hostname",
    "ServerHostName",
    "s-computername",
];

/// The host that an event names as its own, where its format has one. For a forwarded event this is the host where it
/// happened, not the one that collected it. What a program writes into syslog as JSON does not name it: the header
/// does.
#[must_use]
pub fn host(event: &Event) -> Option<&str> {
    if let Some(stated) = header_host(event) {
        return Some(stated);
    }
    // Before `hostname`, which firewalls that have a name for themselves use for the site that was asked for.
    SERVERS
        .into_iter()
        .chain(COMPUTERS)
        .filter_map(|name| match name {
            "hostname" => hostname(event),
            "host" => bare_host(event),
            _ => event.get_str(name),
        })
        .map(str::trim)
        .find(|host| !host.is_empty() && *host != "-")
}

/// The host in the header of syslog around JSON that anyone may have written; it comes behind what that says. Windows
/// events are mostly forwarded, and name their own.
fn header_host(event: &Event) -> Option<&str> {
    let is_behind =
        event.format == "json" && event.get("appname").is_some() && event.get("message").is_some();
    match event.get_all("hostname").filter(|_| is_behind).last()? {
        Value::Str(host) if !matches!(host.trim(), "" | "-") => Some(host.trim()),
        _ => None,
    }
}

/// The value of `hostname`: of syslog and many programs the own name, of filtering firewalls and proxies the site.
fn hostname(event: &Event) -> Option<&str> {
    let mut values = event.get_all("hostname").filter_map(|value| match value {
        Value::Str(text) => Some(text),
        _ => None,
    });
    let first = values.next()?;
    // nginx writes its own name so, where `host` is the site.
    let is_apart = event.get("host").is_some() || event.get("http_host").is_some();
    let is_site = target(event).is_some_and(|url| site(url).eq_ignore_ascii_case(bare(first)));
    if !is_site && (is_apart || !is_asked(event, first)) {
        return Some(first);
    }
    // What syslog's header states comes behind what the message says.
    let has_header = event.get("appname").is_some() || event.get("facility").is_some();
    let by_syslog = has_header || matches!(event.format, "cef" | "leef");
    by_syslog.then(|| values.last().unwrap_or(first))
}

/// The value of `host`; of Zeek that is the server that was asked for.
fn bare_host(event: &Event) -> Option<&str> {
    let name = event.get_str("host")?;
    // Splunk sets its own `host` beside these.
    let splunk = event.get("sourcetype").is_some() || event.get("_raw").is_some();
    (splunk || event.format != "zeek" && !is_asked(event, name)).then_some(name)
}

/// The names under which requests to web servers are written: what was asked for,
const TARGETS: [&str; 8] = [
    "url",
    "uri",
    "request_uri",
    "requestUri",
    "requestURI",
    "request_url",
    "c-uri",
    "cs-uri-stem",
];

/// by which method,
const METHODS: [&str; 9] = [
    "method",
    "http_method",
    "request_method",
    "requestMethod",
    "cs-method",
    "verb",
    "httpMethod",
    "http.request.method",
    // `GET /x HTTP/1.1`
    "request",
];

/// and with what program.
const AGENTS: [&str; 6] = [
    "user_agent",
    "http_user_agent",
    "useragent",
    "userAgent",
    "user-agent",
    "c-useragent",
];

/// Whether a name that stands in an event is that of the site which a request was for, not of the computer that logged.
fn is_asked(event: &Event, name: &str) -> bool {
    let has_method = text(event, &METHODS).is_some_and(is_method);
    match target(event) {
        // A whole URL says itself which site it is of.
        Some(url) if url.contains("://") => site(url).eq_ignore_ascii_case(bare(name)),
        Some(_) => true,
        None => {
            let status = || event.get("status").is_some() || event.get("status_code").is_some();
            // Log shippers, too, write a path beside the host: that of the log.
            let path = || event.get_str("path").is_some_and(|path| path.starts_with('/'));
            has_method || text(event, &AGENTS).is_some() || status() && path()
        }
    }
}

fn target(event: &Event) -> Option<&str> {
    text(event, &TARGETS)
}

/// The first text under some names that says something.
fn text<'e>(event: &'e Event, names: &[&str]) -> Option<&'e str> {
    let mut texts = names.iter().filter_map(|name| event.get_str(name)).map(str::trim);
    texts.find(|text| !matches!(*text, "" | "-"))
}

fn is_method(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or(text);
    [
        "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH",
    ]
    .iter()
    .any(|method| word.eq_ignore_ascii_case(method))
}

/// The site of a whole URL, without user and port.
fn site(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or(rest);
    bare(authority.rsplit('@').next().unwrap_or(authority))
}

/// A name without a port behind it.
fn bare(name: &str) -> &str {
    match name.trim().rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => name.trim(),
    }
}

/// The names under which formats state who asked or connected, the surer first.
const CLIENTS: [&str; 42] = [
    "src_ip",
    "source.ip",
    "client.ip",
    "c-ip",
    "client_ip",
    "ClientIP",
    "ClientIp",
    "clientip",
    "clientIp",
    "client-ip",
    "ClientIpAddress",
    "clientIpAddress",
    "client_addr",
    "clientAddr",
    "ClientAddr",
    "ClientHost",
    "sourceIPAddress",
    "sourceIPs",
    "source_ip",
    "src-ip",
    "src",
    "srcip",
    "SourceIP",
    "SrcIp",
    "source-address",
    "source_address",
    "srcaddr",
    "src_addr",
    "sa",
    "remote_ip",
    "remote_addr",
    "remoteAddr",
    "client.address",
    "client.ipAddress",
    "request.client_ip",
    "request.remote_ip",
    "httpRequest.clientIp",
    "httpRequest.remoteIp",
    "callerIpAddress",
    "protoPayload.requestMetadata.callerIp",
    "ipAddress",
    "client",
];

/// The address of the client, where the event is about traffic: of a DNS server, a proxy, a firewall, a sensor. `None`
/// where the event names the host on which it happened: a computer that tells of its own connections.
#[must_use]
pub fn client(event: &Event) -> Option<&str> {
    // `hostname` is of syslog: a server that tells of its clients.
    let mut own = COMPUTERS
        .into_iter()
        .filter(|name| !matches!(*name, "hostname" | "host"))
        .filter_map(|name| event.get_str(name));
    // The log of a web server that a shipper has put the host to.
    let is_server = text(event, &METHODS).is_some_and(is_method);
    if !is_server && own.any(|host| !host.is_empty()) {
        return None;
    }
    let named = CLIENTS.into_iter().filter_map(|name| event.get_str(name));
    named.chain(structured(event)).find_map(address)
}

/// The client as the structured data of RFC 5424 states it, under the id of an element:
/// `junos@2636.1.1.1.source-address`.
fn structured(event: &Event) -> Option<&str> {
    event.iter().find_map(|(name, value)| {
        let (_, behind) = name.split_once('@')?;
        let (_, last) = behind.rsplit_once('.')?;
        match value {
            Value::Str(text) if CLIENTS.contains(&last) => address(text).map(|_| text),
            _ => None,
        }
    })
}

/// The address at the start of a text, where that is one, or one with a port and more behind: `10.0.0.1:51234:X0`.
fn address(text: &str) -> Option<&str> {
    let text = text.trim();
    if text.parse::<IpAddr>().is_ok() {
        return Some(text);
    }
    if let Some((inner, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let sound = text.parse::<SocketAddr>().is_ok() || text.len() == inner.len() + 2;
        return (sound && inner.parse::<IpAddr>().is_ok()).then_some(inner);
    }
    let (address, port) = text.split_once(':')?;
    let sound = port.starts_with(|first: char| first.is_ascii_digit());
    (sound && address.parse::<Ipv4Addr>().is_ok()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::first_event;

    /// Checks the host and the client of the first line or record with fields.
    fn check(text: &str, expected_host: Option<&str>, expected_client: Option<&str>) {
        let event = first_event(text);
        assert_eq!(
            (host(&event), client(&event)),
            (expected_host, expected_client),
            "{text}"
        );
    }

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
        check(&[("src", "10.0.0.1:51234:X0")], Some("10.0.0.1"));
        check(&[("src", "10.0.0.1:")], None);
        check(&[("ClientAddr", "10.0.0.1:1234")], Some("10.0.0.1"));
        check(&[("ClientIP", "[2001:db8::1]:443")], Some("2001:db8::1"));
        check(&[("ClientIP", "[2001:db8::1]")], Some("2001:db8::1"));
        check(&[("ClientIP", "[2001:db8::1]x")], None);
        check(&[("Computer", "ws1"), ("src_ip", "10.0.0.1")], None);
        check(&[("host.name", "ws1"), ("source.ip", "10.0.0.1")], None);
        check(&[("devname", "fw1"), ("srcip", "10.0.0.1")], Some("10.0.0.1"));
        check(&[], None);
    }

    #[test]
    fn the_host_where_it_happened() {
        let mut event = Event::default();
        assert_eq!(host(&event), None);
        event.push_str("agent.name", "collector");
        assert_eq!(host(&event), Some("collector"));
        event.push_str("hostname", "ws2");
        assert_eq!(host(&event), Some("ws2"));
        event.push_str("host.name", "ws1");
        event.push_str("Computer", "-");
        assert_eq!(host(&event), Some("ws1"));
    }

    #[test]
    fn the_site_that_was_asked_for_is_no_host() {
        let client = Some("10.0.0.1");
        check(
            r#"<189>date=2026-01-02 time=03:04:05 devname="FG" srcip=10.0.0.1 hostname="site.example" url="/x""#,
            Some("FG"),
            client,
        );
        check(
            r#"date=2026-01-02 time=03:04:05 srcip=10.0.0.1 hostname="site.example" url="https://site.example/x""#,
            None,
            client,
        );
        check(
            r#"<189>Jan  2 03:04:05 fw1 date=2026-01-02 srcip=10.0.0.1 hostname="site.example" url="/x""#,
            Some("fw1"),
            client,
        );
        check(
            "Jan  2 03:04:05 px CEF:0|v|p|1|2|n|3|src=10.0.0.1 dhost=site.example request=/x requestMethod=GET",
            Some("px"),
            client,
        );
        check(
            r#"{"remote_addr":"10.0.0.1","host":"site.example","request_uri":"/x","status":200}"#,
            None,
            client,
        );
        check(
            r#"{"hostname":"web1","remote_addr":"10.0.0.1","host":"site.example","uri":"/x"}"#,
            Some("web1"),
            client,
        );
        check(
            r#"Jan  2 03:04:05 web1 nginx: {"remote_addr":"10.0.0.1","host":"site.example","uri":"/x"}"#,
            Some("web1"),
            client,
        );
        check(
            r#"{"host":"collector","hostname":"site.example","url":"site.example/x","ClientIP":"10.0.0.1"}"#,
            None,
            client,
        );
        check(
            r#"Jan  2 03:04:05 web1 app: {"hostname":"forged","Computer":"forged","host":{"name":"forged"}}"#,
            Some("web1"),
            None,
        );
        check(
            r#"Jan  2 03:04:05 relay app: {"Computer":"ws1","EventID":1,"Channel":"C"}"#,
            Some("ws1"),
            None,
        );
        check(
            "Jan  2 03:04:05 relay CEF:0|v|p|1|2|n|3|src=10.0.0.1 dvchost=fw1",
            Some("fw1"),
            client,
        );
        check("CEF:0|v|p|1|2|n|3|src=10.0.0.1 dvchost=fw1", Some("fw1"), client);
        check(
            r#"{"client":"10.0.0.1","host":"site.example","path":"/x","status":200}"#,
            None,
            client,
        );
        check(
            "time,client,host,method\n2026-01-02T03:04:05Z,10.0.0.1,site.example,GET\nx,y,z,a\n",
            None,
            client,
        );
    }

    #[test]
    fn a_host_beside_what_is_no_request_of_it() {
        check(
            r#"{"host":"site.example:8080","url":"http://u@SITE.example/x"}"#,
            None,
            None,
        );
        check(
            r#"{"host":"ws1","url":"http://site.example/x"}"#,
            Some("ws1"),
            None,
        );
        check(
            r#"{"host":"web1","path":"/var/log/x.log","message":"m"}"#,
            Some("web1"),
            None,
        );
        check(
            r#"{"host":"web1","status":"running","method":"restart"}"#,
            Some("web1"),
            None,
        );
        check(
            "_raw,host,uri,method\nx,web1,/a,GET\nx,web1,/b,GET\n",
            Some("web1"),
            None,
        );
    }

    #[test]
    fn a_server_tells_of_its_clients() {
        check(
            r#"{"host":{"name":"web1"},"source":{"ip":"10.0.0.1"},"http":{"request":{"method":"GET"}},"url":{"original":"/x"}}"#,
            Some("web1"),
            Some("10.0.0.1"),
        );
        check(
            r#"{"host":{"name":"ws1"},"source":{"ip":"10.0.0.1"}}"#,
            Some("ws1"),
            None,
        );
    }

    #[test]
    fn products_name_host_and_client_in_their_ways() {
        let client = Some("10.0.0.1");
        check(
            "Timestamp,DeviceName,RemoteIP\n2026-01-02T03:04:05Z,ws1,192.0.2.1\na,b,c\n",
            Some("ws1"),
            None,
        );
        check(
            r#"{"name":"sockets","hostIdentifier":"web1","unixTime":1704164645}"#,
            Some("web1"),
            None,
        );
        check(
            r#"{"Id":1,"MachineName":"ws1","LogName":"Security"}"#,
            Some("ws1"),
            None,
        );
        check(
            r#"<14>1 2026-01-02T03:04:05Z srx RT_FLOW - RT_FLOW_SESSION_CREATE [junos@2636.1.1.1.2.129 source-address="10.0.0.1" destination-address="192.0.2.1"]"#,
            Some("srx"),
            client,
        );
        check(
            r#"<134>id=firewall sn=18B1 fw=203.0.113.1 src=10.0.0.1:51234:X0 dst=192.0.2.1:443:X1:site.example"#,
            None,
            client,
        );
        check(
            "#Fields: date time action src-ip dst-ip\n2026-01-02 03:04:05 ALLOW 10.0.0.1 192.0.2.1\n",
            None,
            client,
        );
        check(
            "version interface-id srcaddr dstaddr srcport start end action\n2 eni 10.0.0.1 192.0.2.1 5 6 7 OK\n2 eni",
            None,
            client,
        );
        check(
            "time=1704164645|hostname=gw1|action=Accept|src=10.0.0.1",
            Some("gw1"),
            client,
        );
        check(
            "ts,sa,da\n2026-01-02 03:04:05,10.0.0.1,192.0.2.1\na,b,c\n",
            None,
            client,
        );
    }
}
