//! What Linux's packet filter logs: a prefix of the administrator's, then `IN=… OUT=… SRC=… DST=…` and flags.

use memchr::memmem;
use perisai_model::Event;

use crate::block::Stream;
use crate::{kv, names};

/// Words of a prefix that say what became of the packet.
const ACTIONS: [(&str, &str); 8] = [
    ("ACCEPT", "accept"),
    ("ALLOW", "accept"),
    ("DROP", "drop"),
    ("REJECT", "reject"),
    ("BLOCK", "block"),
    ("DENY", "deny"),
    ("DENIED", "deny"),
    ("AUDIT", "audit"),
];

pub(super) fn fields(message: &str, _: &Stream, event: &mut Event) -> bool {
    let Some(start) = memmem::find(message.as_bytes(), b"IN=") else {
        return false;
    };
    let has = |name: &[u8]| memmem::find(message.as_bytes(), name).is_some();
    if !(has(b" SRC=") && has(b" DST=")) {
        return false;
    }
    let (prefix, pairs) = message.split_at(start);
    let upper = prefix.to_ascii_uppercase();
    if let Some((_, action)) = ACTIONS.iter().find(|(word, _)| upper.contains(word)) {
        event.push_str("action", action);
    }
    for word in kv::pairs(pairs) {
        match word.value {
            Some(value) if !value.is_empty() => event.push_str(word.key, &value),
            Some(_) => {}
            None => event.push_str("flags", word.key),
        }
    }
    names::add(event, names::FIREWALL);
    true
}

#[cfg(test)]
mod tests {
    use crate::format::tests::check_fields;
    use crate::syslog::SYSLOG;

    #[test]
    fn packets_become_fields() {
        check_fields(
            &SYSLOG,
            "Jan  1 00:00:05 fw1 kernel: [1.5] FW-ACCEPT IN=eth1 OUT= SRC=10.0.0.1 DST=192.0.2.1 DF PROTO=TCP SPT=5 DPT=443",
            Some(concat!(
                r#"{"action":"accept","IN":"eth1","SRC":"10.0.0.1","DST":"192.0.2.1","flags":"DF","PROTO":"TCP","SPT":"5","#,
                r#""DPT":"443","src_ip":"10.0.0.1","dst_ip":"192.0.2.1","src_port":"5","dst_port":"443","#,
                r#""protocol":"TCP","hostname":"fw1","appname":"kernel","#,
                r#""message":"[1.5] FW-ACCEPT IN=eth1 OUT= SRC=10.0.0.1 DST=192.0.2.1 DF PROTO=TCP SPT=5 DPT=443"}"#
            )),
        );
    }
}
