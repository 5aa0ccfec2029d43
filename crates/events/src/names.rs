//! The names under which Sigma rules look for what each format calls otherwise. Every table adds second names; what the
//! log says stays as it is.

use perisai_model::{Event, Value};

/// Pairs of a format's own name and Sigma's.
pub(crate) type Names = &'static [(&'static str, &'static str)];

pub(crate) const FIREWALL: Names = &[
    ("SRC", "src_ip"),
    ("DST", "dst_ip"),
    ("SPT", "src_port"),
    ("DPT", "dst_port"),
    ("PROTO", "protocol"),
    ("srcip", "src_ip"),
    ("dstip", "dst_ip"),
    ("srcport", "src_port"),
    ("dstport", "dst_port"),
];

pub(crate) const ZEEK: Names = &[
    ("id.orig_h", "src_ip"),
    ("id.orig_p", "src_port"),
    ("id.resp_h", "dst_ip"),
    ("id.resp_p", "dst_port"),
    ("qtype_name", "record_type"),
    ("answers", "answer"),
    ("method", "cs-method"),
    ("uri", "c-uri"),
    ("uri", "cs-uri-query"),
    ("host", "cs-host"),
    ("user_agent", "c-useragent"),
    ("user_agent", "cs-user-agent"),
    ("referrer", "cs-referer"),
    ("status_code", "sc-status"),
];

/// For the queries of AdGuard Home.
pub(crate) const ADGUARD: Names = &[("QH", "query"), ("QT", "record_type"), ("IP", "src_ip")];

pub(crate) const EVE: Names = &[
    ("dest_ip", "dst_ip"),
    ("dest_port", "dst_port"),
    ("dns.rrname", "query"),
    ("dns.query.rrname", "query"),
    ("dns.queries.rrname", "query"),
    ("dns.rrtype", "record_type"),
    ("dns.query.rrtype", "record_type"),
    ("dns.queries.rrtype", "record_type"),
    ("dns.answers.rdata", "answer"),
    ("http.http_method", "cs-method"),
    ("http.url", "c-uri"),
    ("http.url", "cs-uri-query"),
    ("http.hostname", "cs-host"),
    ("http.http_user_agent", "c-useragent"),
    ("http.http_user_agent", "cs-user-agent"),
    ("http.http_refer", "cs-referer"),
    ("http.status", "sc-status"),
];

/// For CEF and LEEF.
pub(crate) const DEVICE: Names = &[
    ("src", "src_ip"),
    ("dst", "dst_ip"),
    ("spt", "src_port"),
    ("dpt", "dst_port"),
    ("srcPort", "src_port"),
    ("dstPort", "dst_port"),
    ("request", "c-uri"),
    ("url", "c-uri"),
    ("requestMethod", "cs-method"),
    ("requestClientApplication", "c-useragent"),
    ("dhost", "cs-host"),
    ("act", "action"),
];

/// For W3C logs; IIS and CloudFront write header fields with brackets.
pub(crate) const W3C: Names = &[
    ("cs(User-Agent)", "cs-user-agent"),
    ("cs(User-Agent)", "c-useragent"),
    ("cs(Referer)", "cs-referer"),
    ("cs(Cookie)", "cs-cookie"),
    ("cs(Host)", "cs-host"),
    ("cs-uri", "c-uri"),
    ("s-ip", "dst_ip"),
    ("s-port", "dst_port"),
    ("c-ip", "src_ip"),
    // Of Windows' firewall.
    ("src-ip", "src_ip"),
    ("dst-ip", "dst_ip"),
    ("src-port", "src_port"),
    ("dst-port", "dst_port"),
];

/// For structured data in syslog: of NXLog, and of Juniper's and Check Point's firewalls.
pub(crate) const STRUCTURED: Names = &[
    ("SourceName", "Provider_Name"),
    ("source-address", "src_ip"),
    ("destination-address", "dst_ip"),
    ("source-port", "src_port"),
    ("destination-port", "dst_port"),
    ("src", "src_ip"),
    ("dst", "dst_ip"),
    ("s_port", "src_port"),
    ("service", "dst_port"),
    ("proto", "protocol"),
];

/// Adds the second names; one that the log itself has stays alone.
pub(crate) fn add(event: &mut Event, names: Names) {
    let mut found: Vec<(usize, Copied)> = Vec::new();
    let mut taken = 0_u64;
    for (name, value) in event.iter() {
        for (at, (from, to)) in names.iter().enumerate() {
            if name == *to {
                taken |= 1 << at;
            } else if name == *from
                && let Some(value) = Copied::of(value)
            {
                found.push((at, value));
            }
        }
    }
    found.sort_by_key(|(at, _)| *at);
    for (at, value) in found {
        if taken & 1 << at == 0 {
            event.push(names[at].1, value.value());
        }
    }
}

/// Offers the values of one name under a second, if that one is not taken.
pub(crate) fn copy(event: &mut Event, from: &str, to: &str) {
    if event.get(from).is_none() || event.get(to).is_some() {
        return;
    }
    let values: Vec<Copied> = event.get_all(from).filter_map(Copied::of).collect();
    for value in values {
        event.push(to, value.value());
    }
}

/// A value that is no part of an event.
enum Copied {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

impl Copied {
    fn of(value: Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Str(text) => Self::Text(text.to_owned()),
            Value::Int(number) => Self::Int(number),
            Value::Float(number) => Self::Float(number),
            Value::Bool(truth) => Self::Bool(truth),
            Value::Null => return None,
        })
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Str(text),
            Self::Int(number) => Value::Int(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Bool(truth) => Value::Bool(*truth),
        }
    }
}
