//! Snort and Suricata rules, one a line: kept with their language, not run.

use std::io::{self, BufRead};

use perisai_model::{ContextId, RuleLanguage};

use crate::lines::{Line, each_line};
use crate::sink::Sink;
use crate::text::is_comment;
use crate::words::quoted;

/// The longest rule that is read, its continued lines together.
const RULE: usize = 256 * 1024;

const ACTIONS: &[&str] = &[
    "activate",
    "alert",
    "block",
    "config",
    "drop",
    "dynamic",
    "log",
    "pass",
    "reject",
    "rejectboth",
    "rejectdst",
    "rejectsrc",
    "rewrite",
    "sdrop",
];

/// Protocols and keywords that Suricata has and Snort has not.
const SURICATA_PROTOCOLS: &[&str] = &[
    "dcerpc",
    "dhcp",
    "dns",
    "dnp3",
    "enip",
    "ftp",
    "ftp-data",
    "http1",
    "http2",
    "ike",
    "ikev2",
    "imap",
    "krb5",
    "modbus",
    "mqtt",
    "nfs",
    "ntp",
    "pgsql",
    "quic",
    "rdp",
    "rfb",
    "sip",
    "smb",
    "smtp",
    "snmp",
    "ssh",
    "tftp",
    "tls",
    "websocket",
];
const SURICATA_KEYWORDS: &[&str] = &[
    "app-layer-event:",
    "dns.",
    "dns_query",
    "file.",
    "flowbits.",
    "http.",
    "ja3.",
    "ja3s.",
    "ja4.",
    "ssh.",
    "tls.",
    "tls_",
    "quic.",
    "krb5.",
    "smb.",
    "bsize:",
    "dataset:",
    "xbits:",
    "hostbits:",
    "iprep:",
    "target:",
];

/// The language of a line where it is a rule: an action, a protocol, two ends with an arrow between, options in
/// parentheses.
pub(crate) fn language(line: &str) -> Option<RuleLanguage> {
    let line = line.trim();
    let (head, options) = line.split_once('(')?;
    if !line.ends_with(')') || !(options.contains("msg:") || options.contains("sid:")) {
        return None;
    }
    let mut words = head.split_whitespace();
    let action = words.next()?;
    if !ACTIONS.contains(&action) {
        return None;
    }
    let protocol = words.next().unwrap_or_default();
    if words.next().is_some() && !["->", "<>", "<-", "=>"].iter().any(|arrow| head.contains(arrow)) {
        return None;
    }
    let suricata = SURICATA_PROTOCOLS.contains(&protocol)
        || action.starts_with("reject") && action.len() > "reject".len()
        || options.split(';').map(str::trim_start).any(|option| {
            SURICATA_KEYWORDS
                .iter()
                .any(|keyword| option.starts_with(keyword))
        });
    Some(if suricata {
        RuleLanguage::Suricata
    } else {
        RuleLanguage::Snort
    })
}

/// The value of an option of a rule, without quotes and escapes.
pub(crate) fn option(rule: &str, name: &str) -> Option<String> {
    let (_, mut rest) = rule.split_once('(')?;
    loop {
        let here = rest.trim_start();
        let value = here
            .strip_prefix(name)
            .and_then(|after| after.trim_start().strip_prefix(':'));
        if let Some(value) = value {
            let value = value[..option_end(value)].trim();
            let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            return Some(bare.unwrap_or(value).replace("\\\"", "\"").replace("\\;", ";"));
        }
        let end = option_end(here);
        rest = here.get(end + 1..)?;
    }
}

/// Where the option at the start of a text ends: at the first `;` that is neither escaped nor quoted.
fn option_end(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let ends = |byte: u8| {
        let plain = !std::mem::replace(&mut escaped, false);
        match byte {
            b'\\' => escaped = plain,
            b'"' if plain => quoted = !quoted,
            b';' => return plain && !quoted,
            _ => {}
        }
        false
    };
    text.bytes().position(ends).unwrap_or(text.len())
}

/// Reads a file of rules.
pub(crate) fn read(input: &mut dyn BufRead, sink: &mut Sink<'_>) -> io::Result<()> {
    let bare = sink.bare_context();
    let mut file = File {
        context: sink.add_context(bare),
        sink,
        open: None,
    };
    let outcome = each_line(input, RULE, |line| file.line(line));
    file.close();
    outcome
}

struct File<'a, 'b> {
    sink: &'a mut Sink<'b>,
    context: ContextId,
    /// A rule that goes on in the next line, and the line on which it starts.
    open: Option<(u64, String)>,
}

impl File<'_, '_> {
    fn line(&mut self, line: Line<'_>) {
        let bytes = line.bytes.trim_ascii();
        if self.open.is_none() && is_comment(bytes) {
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let (part, goes_on) = match text.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (&*text, false),
        };
        let (_, rule) = self.open.get_or_insert_with(|| (line.number, String::new()));
        let room = RULE.saturating_sub(rule.len());
        if line.cut || part.len() > room {
            self.sink.problem(
                Some(line.number),
                format_args!("a rule of more than {RULE} bytes"),
            );
            self.open = None;
            return;
        }
        rule.push_str(part);
        if !goes_on {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some((line, rule)) = self.open.take() else {
            return;
        };
        match language(&rule) {
            Some(language) => self.sink.rule(language, rule, self.context, Some(line)),
            None => self.sink.problem(
                Some(line),
                format_args!("not a Snort or Suricata rule: {}", quoted(&rule)),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use perisai_model::{Intel, Place};

    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let check = |line: &str, expected| assert_eq!(language(line), expected, "{line}");
        check(
            r#"alert tcp $HOME_NET any -> $EXTERNAL_NET 80 (msg:"x"; content:"y"; sid:1;)"#,
            Some(RuleLanguage::Snort),
        );
        check(r#"alert http (msg:"x"; sid:1;)"#, Some(RuleLanguage::Snort));
        check(
            r#"alert dns any any -> any any (msg:"x"; dns.query; content:"evil"; sid:1;)"#,
            Some(RuleLanguage::Suricata),
        );
        check(
            r#"drop http any any -> any any (msg:"x"; http.host; content:"evil"; sid:1;)"#,
            Some(RuleLanguage::Suricata),
        );
        check("alert (see below) msg: x", None);
        check("alert tcp any any any any (sid:1;)", None);
        check("evil.example", None);
    }

    #[test]
    fn a_file_of_rules() {
        let text = "# alert tcp any any -> any any (sid:9;)\n\
            alert tcp any any -> \\\n  any any (msg:\"a\"; sid:1;)\n\
            nonsense\n\
            alert tls any any -> any any (msg:\"b\"; sid:2;)\n";
        let place = Place::file("x.rules");
        let mut intel = Intel::default();
        let mut sink = Sink::new(&place, &mut intel);
        read(&mut text.as_bytes(), &mut sink).unwrap();
        let rules: Vec<_> = intel
            .rules
            .iter()
            .map(|rule| (rule.language, rule.place.to_string()))
            .collect();
        assert_eq!(
            rules,
            [
                (RuleLanguage::Snort, "x.rules:2".to_owned()),
                (RuleLanguage::Suricata, "x.rules:5".to_owned())
            ]
        );
        assert_eq!(
            intel.problems[0].to_string(),
            "x.rules:4: not a Snort or Suricata rule: `nonsense`"
        );
    }
}
