//! What firewalls of Palo Alto Networks send by syslog: a row of values with commas, whose second is when it arrived
//! and whose fourth is the type of the log.

use perisai_model::Event;

use crate::block::Stream;
use crate::columns::csv;
use crate::names;

/// The columns that have a name here, by position.
type Columns = &'static [(usize, &'static str)];

const CONNECTION: Columns = &[
    (2, "serial"),
    (3, "type"),
    (4, "subtype"),
    (6, "generated_time"),
    (7, "src_ip"),
    (8, "dst_ip"),
    (9, "nat_src_ip"),
    (10, "nat_dst_ip"),
    (11, "rule"),
    (12, "src_user"),
    (13, "dst_user"),
    (14, "app"),
    (16, "from"),
    (17, "to"),
    (24, "src_port"),
    (25, "dst_port"),
    (26, "nat_src_port"),
    (27, "nat_dst_port"),
    (29, "protocol"),
    (30, "action"),
];

/// Behind those of a connection.
const THREAT: Columns = &[
    (31, "misc"),
    (32, "threatid"),
    (33, "category"),
    (34, "severity"),
    (35, "direction"),
    (43, "filedigest"),
    (46, "user_agent"),
    (47, "filetype"),
    (49, "referer"),
    (50, "sender"),
    (51, "subject"),
    (52, "recipient"),
];

const SYSTEM: Columns = &[
    (2, "serial"),
    (3, "type"),
    (4, "subtype"),
    (6, "generated_time"),
    (8, "eventid"),
    (9, "object"),
    (12, "module"),
    (13, "severity"),
    (14, "opaque"),
];

/// Second names, for THREAT logs of the subtype `url`.
const URL: names::Names = &[("misc", "c-uri"), ("user_agent", "c-useragent")];

/// Where a type of log has what; `None` for the types that are not read.
fn columns(kind: &str) -> Option<[Columns; 2]> {
    match kind {
        "TRAFFIC" => Some([CONNECTION, &[]]),
        "THREAT" => Some([CONNECTION, THREAT]),
        "SYSTEM" => Some([SYSTEM, &[]]),
        _ => None,
    }
}

/// Whether a message is such a row: `1,2022/02/24 01:00:00,001801000000,TRAFFIC,…`.
pub(super) fn is_row(message: &str) -> bool {
    let mut cells = message.splitn(5, ',');
    let (first, time, _, kind) = (cells.next(), cells.next(), cells.next(), cells.next());
    first.is_some_and(|first| first.len() <= 2)
        && time.is_some_and(|time| time.len() == 19 && time.as_bytes()[4] == b'/')
        && kind.is_some_and(|kind| columns(kind).is_some())
}

pub(super) fn fields(message: &str, _: &Stream, event: &mut Event) -> bool {
    if !is_row(message) {
        return false;
    }
    let cells: Vec<_> = csv::cells(message, b',').collect();
    let Some(columns) = columns(&cells[3]) else {
        return false;
    };
    for (at, name) in columns.into_iter().flatten() {
        if let Some(value) = cells.get(*at).filter(|value| !value.is_empty()) {
            event.push_str(name, value);
        }
    }
    if event.get_str("subtype") == Some("url") {
        names::add(event, URL);
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::format::tests::{check_fields, never_panics};
    use crate::syslog::SYSLOG;

    #[test]
    fn rows_become_fields() {
        check_fields(
            &SYSLOG,
            concat!(
                "<14>Feb 24 01:00:00 PA-220 1,2022/02/24 01:00:00,0018,TRAFFIC,end,2560,2022/02/24 01:00:00,10.0.0.1,192.0.2.1,",
                "0.0.0.0,0.0.0.0,out,corp\\bob,,ssl,vsys1,trust,untrust,ae1,ae2,fwd,2022/02/24 01:00:00,5,1,51234,443,0,0,0x19,",
                "tcp,allow,900,500,400,10,2022/02/24 00:59:00,1,any,,9,0x0,10.0.0.0-10.255.255.255,XX"
            ),
            Some(concat!(
                r#"{"serial":"0018","type":"TRAFFIC","subtype":"end","generated_time":"2022/02/24 01:00:00","#,
                r#""src_ip":"10.0.0.1","dst_ip":"192.0.2.1","nat_src_ip":"0.0.0.0","nat_dst_ip":"0.0.0.0","rule":"out","#,
                r#""src_user":"corp\\bob","app":"ssl","from":"trust","to":"untrust","src_port":"51234","dst_port":"443","#,
                r#""nat_src_port":"0","nat_dst_port":"0","protocol":"tcp","action":"allow","hostname":"PA-220","#,
                r#""facility":1,"severity_code":6,"message":"1,2022/02/24 01:00:00,0018,TRAFFIC,end,2560,2022/02/24 01:00:00,"#,
                r#"10.0.0.1,192.0.2.1,0.0.0.0,0.0.0.0,out,corp\\bob,,ssl,vsys1,trust,untrust,ae1,ae2,fwd,2022/02/24 01:00:00,"#,
                r#"5,1,51234,443,0,0,0x19,tcp,allow,900,500,400,10,2022/02/24 00:59:00,1,any,,9,0x0,10.0.0.0-10.255.255.255,"#,
                r#"XX"}"#
            )),
        );
    }

    #[test]
    fn a_url_is_one_for_rules() {
        let row = concat!(
            "Feb 24 01:00:00 PA-220 1,2022/02/24 01:00:00,0018,THREAT,url,2560,2022/02/24 01:00:00,10.0.0.1,192.0.2.1,",
            "0.0.0.0,0.0.0.0,out,,,web-browsing,vsys1,trust,untrust,ae1,ae2,fwd,2022/02/24 01:00:00,5,1,51234,80,0,0,0x19,",
            "tcp,alert,\"evil.example/a,b\",(9999),malware,informational,client-to-server",
        );
        let event = crate::format::tests::first_event(row);
        assert_eq!(event.format, "paloalto");
        assert_eq!(event.get_str("c-uri"), Some("evil.example/a,b"));
        assert_eq!(event.get_str("hostname"), Some("PA-220"));
    }

    proptest! {
        #[test]
        fn hostile_rows(text in r#"[a0,"/ ]{0,60}"#) {
            never_panics(&SYSLOG, format!("<14>Feb 24 01:00:00 h 1,2022/02/24 01:00:00,0,THREAT,{text}").as_bytes());
            never_panics(&SYSLOG, format!("<14>Feb 24 01:00:00 h {text}").as_bytes());
        }
    }
}
