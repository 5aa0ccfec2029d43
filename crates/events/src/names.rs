//! The names under which Sigma rules look for what each format calls otherwise. Every table adds second names; what the
//! log says stays as it is.

use perisai_model::Event;

use crate::known::copy;

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
];

/// Adds the second names.
pub(crate) fn add(event: &mut Event, names: Names) {
    for (from, to) in names {
        copy(event, from, to);
    }
}
