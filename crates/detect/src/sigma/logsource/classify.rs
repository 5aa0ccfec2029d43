//! Which logs an event belongs to: by its channel on Windows, else by its format and by fields that only one kind of
//! log has.

use std::ops::RangeInclusive;

use perisai_model::Event;

use super::derive::Derive;
use super::table::{ALIASES, ANY, ANY_WINDOWS, DEFENDER, LINUX_SYSMON, REGISTRY_PARTS, SECURITY, SYSMON};
use crate::sigma::field::{FieldId, Fields};
use crate::sigma::scratch::View;

/// Knows the fields that tell logs apart, and those that stand for others.
#[derive(Debug)]
pub(in crate::sigma) struct Classifier {
    event_id: FieldId,
    event_type: FieldId,
    operation_type: FieldId,
    winlog_id: FieldId,
    event_code: FieldId,
    channel: FieldId,
    provider: FieldId,
    uri: FieldId,
    path: [FieldId; 3],
    eve_type: FieldId,
    record_type: FieldId,
    program: [FieldId; 6],
    /// What only a syslog header gives together.
    header: [FieldId; 2],
    message: [FieldId; 4],
    names: [FieldId; 7],
    os: [FieldId; 4],
    executable: FieldId,
    clouds: Vec<Cloud>,
    aliases: Vec<Aliases>,
    derive: Derive,
}

/// A kind of log that is told by fields: the first must hold one of the texts (none: any), the others be there.
#[derive(Debug)]
struct Cloud {
    key: &'static str,
    field: FieldId,
    texts: &'static [&'static str],
    others: Vec<FieldId>,
}

#[derive(Debug)]
struct Aliases {
    log: &'static str,
    id: i64,
    pairs: Vec<(FieldId, FieldId)>,
}

/// Key, field, texts of which one must be in it, other fields that must be there. A key may stand several times.
const CLOUDS: &[(&str, &str, &[&str], &[&str])] = &[
    ("aws", "eventSource", &[".amazonaws.com"], &["eventName"]),
    ("azure", "operationName", &[], &["category"]),
    ("azure", "OperationName", &[], &["Category"]),
    ("azure", "OperationNameValue", &[], &[]),
    ("azure", "ResultType", &[], &["AppDisplayName"]),
    ("azure", "properties.message", &[], &[]),
    ("azure", "riskEventType", &[], &[]),
    ("azure", "ActivityDisplayName", &[], &[]),
    ("gcp", "protoPayload.methodName", &[], &[]),
    ("gcp", "protoPayload.serviceName", &[], &[]),
    ("gcp", "data.protoPayload.methodName", &[], &[]),
    ("gcp", "data.protoPayload.serviceName", &[], &[]),
    ("gcp", "gcp.audit.method_name", &[], &[]),
    ("google_workspace", "eventService", &["admin.googleapis.com"], &[]),
    (
        "google_workspace",
        "protoPayload.serviceName",
        &["login.googleapis.com"],
        &[],
    ),
    ("m365", "Workload", &[], &["Operation"]),
    ("m365", "eventSource", &["securitycompliancecenter"], &[]),
    ("okta", "eventType", &[], &["actor.alternateId"]),
    ("okta", "eventType", &[], &["outcome.result"]),
    ("okta", "eventType", &[], &["legacyEventType"]),
    ("okta", "debugContext.debugData.requestUri", &[], &[]),
    ("onelogin", "event_type_id", &[], &[]),
    ("github", "action", &[], &["actor", "_document_id"]),
    ("github", "action", &[], &["actor", "org"]),
    ("github", "action", &[], &["actor", "repo"]),
    ("bitbucket", "auditType.action", &[], &[]),
    ("kubernetes", "verb", &[], &["objectRef.resource"]),
    ("kubernetes", "verb", &[], &["requestURI"]),
    ("opencanary", "logtype", &[], &["node_id"]),
    ("rpc_firewall", "InterfaceUuid", &[], &[]),
    ("duo", "event_type", &[], &["reason"]),
    ("fortigate", "logid", &[], &["devid"]),
    ("fortigate", "cfgpath", &[], &[]),
    ("fortigate", "logid", &[], &["devname"]),
    ("process/ecs", "process.command_line", &[], &[]),
    (
        "process/ecs",
        "process.executable",
        &[],
        &["process.parent.executable"],
    ),
    ("file/ecs", "file.path", &[], &["process.executable"]),
    ("dns", "dns.question.name", &[], &[]),
    ("web", "url.path", &[], &["http.request.method"]),
    ("web", "url.original", &[], &["http.request.method"]),
    ("proxy", "url.full", &[], &["http.request.method"]),
    ("proxy", "url.original", &[], &["http.request.method"]),
    ("firewall", "destination.port", &[], &["source.ip"]),
    ("firewall", "dst_ip", &[], &["src_ip", "dst_port"]),
];

/// Programs under whose name services log.
const PROGRAMS: &[(&str, &str)] = &[
    ("sshd", "linux/sshd"),
    ("sshd-session", "linux/sshd"),
    ("sudo", "linux/sudo"),
    ("cron", "linux/cron"),
    ("crond", "linux/cron"),
    ("anacron", "linux/cron"),
    ("clamd", "linux/clamav"),
    ("clamav", "linux/clamav"),
    ("freshclam", "linux/clamav"),
    ("vsftpd", "linux/vsftpd"),
    ("guacd", "linux/guacamole"),
    ("guacamole", "linux/guacamole"),
    ("apache2", "linux/apache"),
    ("httpd", "linux/apache"),
    ("nginx", "linux/nginx"),
];

/// Providers that write to one channel only, for records that a collector stripped of it.
const PROVIDERS: &[(&str, &str)] = &[
    ("Microsoft-Windows-Sysmon", SYSMON),
    ("Microsoft-Windows-Security-Auditing", SECURITY),
    ("Microsoft-Windows-Windows Defender", DEFENDER),
    ("Linux-Sysmon", LINUX_SYSMON),
];

/// The channel of what other computers forwarded.
const COLLECTED: &str = "ForwardedEvents";

/// The ids of Windows' own events in the channel `Security`.
const AUDITED: RangeInclusive<i64> = 4608..=6424;

/// An id that no event has.
const NOBODYS: i64 = -1;

/// Programs that write to the log of authentication.
const AUTH: &[&str] = &[
    "sshd",
    "sshd-session",
    "sudo",
    "su",
    "login",
    "polkitd",
    "pkexec",
    "passwd",
    "systemd-logind",
];

impl Classifier {
    pub(in crate::sigma) fn new(fields: &mut Fields) -> Self {
        let clouds = CLOUDS
            .iter()
            .map(|&(key, field, texts, others)| Cloud {
                key,
                field: fields.intern(field),
                texts,
                others: others.iter().map(|name| fields.intern(name)).collect(),
            })
            .collect();
        let aliases = ALIASES
            .iter()
            .map(|&((log, id), pairs)| Aliases {
                log,
                id,
                pairs: pairs
                    .iter()
                    .map(|(from, to)| (fields.intern(from), fields.intern(to)))
                    .collect(),
            })
            .collect();
        Self {
            event_id: fields.intern("EventID"),
            event_type: fields.intern("EventType"),
            operation_type: fields.intern("OperationType"),
            winlog_id: fields.intern("winlog.event_id"),
            event_code: fields.intern("event.code"),
            channel: fields.intern("Channel"),
            provider: fields.intern("Provider_Name"),
            uri: fields.intern("c-uri"),
            path: ["_path", "@stream", "@path"].map(|name| fields.intern(name)),
            eve_type: fields.intern("event_type"),
            record_type: fields.intern("type"),
            program: [
                "program",
                "appname",
                "app_name",
                "SYSLOG_IDENTIFIER",
                "process.name",
                "ident",
            ]
            .map(|name| fields.intern(name)),
            header: ["hostname", "appname"].map(|name| fields.intern(name)),
            message: ["message", "msg", "MESSAGE", "content"].map(|name| fields.intern(name)),
            names: [
                "logsource.product",
                "logsource.service",
                "logsource.category",
                "event.module",
                "event.dataset",
                "product",
                "sourcetype",
            ]
            .map(|name| fields.intern(name)),
            os: ["host.os.type", "host.os.family", "host.os.platform", "os"].map(|name| fields.intern(name)),
            executable: fields.intern("process.executable"),
            clouds,
            aliases,
            derive: Derive::new(fields),
        }
    }

    /// Names the logs of an event through `each`, and gives its event id where it has exactly one. The view gets the
    /// fields that stand for others.
    pub(in crate::sigma) fn classify(
        &self,
        event: &Event,
        view: &mut View,
        key: &mut String,
        each: &mut dyn FnMut(&str),
    ) -> Option<i64> {
        each(ANY);
        key.clear();
        let provider = || view.text(self.provider).and_then(channel_of);
        // A collector may write its own channel into what was forwarded to it.
        let channel = view
            .text(self.channel)
            .filter(|channel| !channel.eq_ignore_ascii_case(COLLECTED));
        let provider = || provider().or(view.text(self.channel));
        if let Some(channel) = channel.or_else(provider) {
            key.extend(channel.chars().map(|letter| letter.to_ascii_lowercase()));
        }
        if !key.is_empty() {
            view.alias(self.winlog_id, self.event_id);
            view.alias(self.event_code, self.event_id);
            if view.has(self.event_id) || matches!(event.format, "evtx" | "winxml") {
                return self.windows(view, key, each);
            }
        }
        self.by_format(event, view, key, each);
        self.by_fields(event, view, key, each);
        None
    }

    fn windows(&self, view: &mut View, channel: &str, each: &mut dyn FnMut(&str)) -> Option<i64> {
        let id = self.own_id(view, channel);
        each(ANY_WINDOWS);
        each(channel);
        if let Some(part) = self.registry_part(view, channel, id) {
            each(REGISTRY_PARTS[part]);
        }
        if channel == SYSMON && id == Some(22) {
            each("dns");
        }
        if channel == LINUX_SYSMON {
            each("linux");
        }
        self.derive.windows(view, channel, id);
        self.alias(view, channel, id.unwrap_or_default());
        id
    }

    /// The event id; one that is of no rule where another provider than the channel's own wrote it.
    fn own_id(&self, view: &View, channel: &str) -> Option<i64> {
        let id = single_id(view, self.event_id)?;
        let own = PROVIDERS.iter().find(|(_, of)| *of == channel);
        let provider = view
            .text(self.provider)
            // One with blanks is what people read instead of the name, in their language.
            .filter(|name| !name.is_empty() && !name.trim().contains(' '));
        let (Some((own, _)), Some(provider)) = (own, provider) else {
            return Some(id);
        };
        // Others may write to this channel, with ids of their own.
        let is_shared = channel == SECURITY && !AUDITED.contains(&id);
        Some(if is_shared || provider.trim().eq_ignore_ascii_case(own) {
            id
        } else {
            NOBODYS
        })
    }

    fn registry_part(&self, view: &View, channel: &str, id: Option<i64>) -> Option<usize> {
        match (channel, id?) {
            (SYSMON, 12) => {
                let what = view.text(self.event_type)?;
                Some(usize::from(what.starts_with("Delete")))
            }
            (SYSMON, 13) => Some(2),
            (SECURITY, 4657) => match view.text(self.operation_type)? {
                "%%1904" | "%%1905" => Some(2),
                "%%1906" => Some(1),
                _ => None,
            },
            _ => None,
        }
    }

    fn by_format(&self, event: &Event, view: &mut View, key: &mut String, each: &mut dyn FnMut(&str)) {
        let path = self.path.iter().find_map(|&id| view.text(id));
        match event.format {
            "zeek" => self.zeek(view, key, each),
            "eve" => self.eve(view, each),
            "web" => {
                each("web");
                self.alias(view, "web", 0);
            }
            "w3c" => {
                each("web");
                each("proxy");
                each("firewall");
                self.alias(view, "web", 0);
                self.alias(view, "proxy", 0);
                self.alias(view, "firewall", 0);
            }
            "squid" => {
                each("proxy");
                self.alias(view, "proxy", 0);
            }
            "auditd" => self.auditd(view, each),
            "syslog" | "journald" => self.syslog(view, key, each),
            "named" => {
                each("dns");
                self.syslog(view, key, each);
            }
            "windns" => each("dns"),
            "netfilter" => {
                each("firewall");
                self.syslog(view, key, each);
            }
            "cef" | "leef" => {
                each("firewall");
                each("antivirus");
                self.alias(view, "firewall", 0);
                if view.has(self.uri) {
                    each("proxy");
                }
            }
            "json" if path.is_some() && view.has(self.path[1]) => self.zeek(view, key, each),
            _ => {}
        }
        // Behind a syslog header a message of another format is still the program's.
        let own = matches!(
            event.format,
            "syslog" | "journald" | "named" | "netfilter" | "auditd"
        );
        if !own && self.header.iter().all(|&id| view.has(id)) {
            self.syslog(view, key, each);
        }
        self.derive.requests(view);
    }

    fn zeek(&self, view: &mut View, key: &mut String, each: &mut dyn FnMut(&str)) {
        key.clear();
        key.push_str("zeek/");
        let path = self.path.iter().find_map(|&id| view.text(id));
        key.push_str(path.unwrap_or("?"));
        each(key);
        match path {
            Some("http") => {
                each("web");
                each("proxy");
            }
            Some("dns") => each("dns"),
            Some("conn") => each("firewall"),
            _ => {}
        }
        self.alias(view, "zeek", 0);
    }

    fn eve(&self, view: &mut View, each: &mut dyn FnMut(&str)) {
        match view.text(self.eve_type) {
            Some("http") => {
                each("web");
                each("proxy");
            }
            Some("dns") => each("dns"),
            Some("flow" | "netflow" | "alert" | "drop") => each("firewall"),
            _ => {}
        }
        self.alias(view, "eve", 0);
    }

    fn auditd(&self, view: &mut View, each: &mut dyn FnMut(&str)) {
        each("auditd");
        if matches!(
            view.text(self.record_type),
            Some("EXECVE" | "SYSCALL" | "PROCTITLE")
        ) {
            each("auditd/exec");
        }
        if view.text(self.record_type) == Some("EXECVE") {
            self.derive.execve(view);
        }
        self.alias(view, "auditd", 0);
    }

    /// A line of a program that is not told may be any program's.
    fn syslog(&self, view: &View, key: &mut String, each: &mut dyn FnMut(&str)) {
        each("linux");
        each("linux/syslog");
        let program = self.program.iter().find_map(|&id| view.text(id));
        let Some(program) = program.map(|name| name.rsplit('/').next().unwrap_or(name)) else {
            each("linux/auth");
            PROGRAMS.iter().for_each(|(_, log)| each(log));
            return;
        };
        key.clear();
        key.extend(program.chars().map(|letter| letter.to_ascii_lowercase()));
        if AUTH.contains(&key.as_str()) {
            each("linux/auth");
        }
        if let Some((_, log)) = PROGRAMS.iter().find(|(name, _)| *name == key.as_str()) {
            each(log);
        }
        let message = self
            .message
            .iter()
            .find_map(|&id| view.text(id))
            .unwrap_or_default();
        if is_cisco(program) || is_cisco(message) {
            each("cisco");
        }
    }

    fn by_fields(&self, event: &Event, view: &mut View, key: &mut String, each: &mut dyn FnMut(&str)) {
        if matches!(event.format, "zeek" | "eve" | "web" | "w3c" | "squid" | "auditd") {
            return;
        }
        let mut ecs = false;
        for cloud in &self.clouds {
            if !cloud.fits(view) {
                continue;
            }
            match cloud.key {
                "process/ecs" | "file/ecs" => self.endpoint(view, cloud.key, each),
                key => each(key),
            }
            ecs = true;
        }
        if ecs {
            self.alias(view, "ecs", 0);
            self.alias(view, "firewall", 0);
            self.derive.requests(view);
        }
        for &name in &self.names {
            let Some(text) = view.text(name) else { continue };
            key.clear();
            key.push_str("named/");
            key.extend(text.chars().map(|letter| letter.to_ascii_lowercase()));
            each(key);
            if let Some(dot) = key.find('.') {
                key.truncate(dot);
                each(key);
            }
        }
    }

    /// A process or file event in ECS names: of the system it names, or of those whose paths look like its own.
    fn endpoint(&self, view: &View, kind: &str, each: &mut dyn FnMut(&str)) {
        let process = kind == "process/ecs";
        let os = self
            .os
            .iter()
            .find_map(|&id| view.text(id))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let windows_path = view.text(self.executable).is_some_and(|path| path.contains('\\'));
        let unix_path = view
            .text(self.executable)
            .is_some_and(|path| path.starts_with('/'));
        if os == "windows" || (os.is_empty() && windows_path) {
            each(if process {
                "process/windows"
            } else {
                "file/windows"
            });
        }
        if os == "linux" || (os.is_empty() && unix_path) {
            each(if process { "process/linux" } else { "file/linux" });
        }
        if matches!(os.as_str(), "macos" | "darwin") || (os.is_empty() && unix_path) {
            each(if process { "process/macos" } else { "file/macos" });
        }
    }

    fn alias(&self, view: &mut View, log: &str, id: i64) {
        for aliases in &self.aliases {
            if aliases.log == log && (aliases.id == 0 || aliases.id == id) {
                for &(from, to) in &aliases.pairs {
                    view.alias(from, to);
                }
            }
        }
    }
}

impl Cloud {
    fn fits(&self, view: &View) -> bool {
        if !view.has(self.field) || !self.others.iter().all(|&id| view.has(id)) {
            return false;
        }
        self.texts.is_empty()
            || view
                .values(self.field)
                .any(|value| self.texts.iter().any(|text| value.lowered.contains(text)))
    }
}

fn channel_of(provider: &str) -> Option<&'static str> {
    PROVIDERS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(provider))
        .map(|(_, channel)| *channel)
}

/// The event id, where there is one and only one number.
fn single_id(view: &View, field: FieldId) -> Option<i64> {
    let mut values = view.values(field);
    let id = values.next()?.text?.trim().parse().ok()?;
    values.next().is_none().then_some(id)
}

/// `%FACILITY-SEVERITY-MNEMONIC`, with which Cisco's messages start.
fn is_cisco(text: &str) -> bool {
    text.split('%').skip(1).any(|rest| {
        let mut parts = rest.splitn(3, '-');
        let word = |part: Option<&str>| {
            part.is_some_and(|part| {
                part.bytes()
                    .next()
                    .is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            })
        };
        word(parts.next())
            && parts
                .next()
                .is_some_and(|part| matches!(part.as_bytes(), [b'0'..=b'7']))
            && word(parts.next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cisco_messages_are_told() {
        let check = |text: &str, expected| assert_eq!(is_cisco(text), expected, "{text}");
        check("%SYS-5-CONFIG_I: Configured from console", true);
        check("Jan 1 router: %PARSER-5-CFGLOG_LOGGEDCMD: User:x", true);
        check("100% of - 5 - things", false);
        check("%", false);
    }
}
