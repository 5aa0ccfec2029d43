//! From the cells of one row to indicators and their context.

use std::borrow::Cow;
use std::fmt;

use perisai_model::{Context, Kind, Reason, RuleLanguage, Severity, Tlp};

use super::columns::{Columns, Role};
use crate::Options;
use crate::json::lenient::truth;
use crate::marking;
use crate::misp::{tags, types};
use crate::pattern::{Meaning, meaning};
use crate::sink::Sink;
use crate::text::has_bad_bytes;
use crate::time;
use crate::typed::{Found, of_any, of_kind, of_misp_type, why_none};
use crate::words::{NAME, PROSE, clip, quoted, tidy_tags};

/// A table on its way into a sink.
pub(super) struct Table<'a, 'b> {
    columns: &'a Columns,
    options: &'a Options,
    sink: &'a mut Sink<'b>,
    /// The marking above the first row, and that of the section.
    head: Option<Tlp>,
    tlp: Option<Tlp>,
    begun: bool,
}

/// What a row holds.
enum Content<'a> {
    Values(Vec<Found<'a>>),
    Rule(RuleLanguage, &'a str),
}

impl<'a, 'b> Table<'a, 'b> {
    pub(super) fn new(columns: &'a Columns, options: &'a Options, sink: &'a mut Sink<'b>) -> Self {
        Self {
            columns,
            options,
            sink,
            head: None,
            tlp: None,
            begun: false,
        }
    }

    /// A marking before the first row marks the table; one further down what follows, and no less than the head.
    pub(super) fn marking(&mut self, tlp: Option<Tlp>) {
        if tlp.is_some() {
            self.tlp = Tlp::stricter(self.head, tlp);
        }
        if !self.begun {
            self.head = self.tlp;
        }
    }

    pub(super) fn problem(&mut self, line: u64, why: fmt::Arguments<'_>) {
        self.begun = true;
        self.sink.problem(Some(line), why);
    }

    /// Takes one row.
    pub(super) fn row(&mut self, line: u64, cells: &[Cow<'_, str>]) {
        self.begun = true;
        if cells.iter().all(|cell| is_empty(cell)) {
            return;
        }
        if self.cell(cells, Role::Revoked).and_then(truth) == Some(true) {
            return self.sink.withhold(Reason::Revoked);
        }
        let not_for_detection = self.cell(cells, Role::ToIds).and_then(truth) == Some(false);
        let content = match self.content(line, cells) {
            Some(content) => content,
            None => return,
        };
        if not_for_detection && !self.options.include_no_ids {
            return self.sink.withhold(Reason::NotForDetection);
        }
        let context = self.context(cells);
        let context = self.sink.share_context(context);
        match content {
            Content::Rule(language, text) => self.sink.rule(language, text, context, Some(line)),
            Content::Values(found) => {
                for (kind, value) in found {
                    self.sink.indicator(kind, &value, context);
                }
            }
        }
    }

    /// The values of a row; `None` where there are none, which is then told.
    fn content<'c>(&mut self, line: u64, cells: &'c [Cow<'_, str>]) -> Option<Content<'c>> {
        if let Some(pattern) = self.cell(cells, Role::Pattern) {
            let language = self.cell(cells, Role::PatternType).map(normal);
            if language.is_some() || pattern.starts_with(['[', '(']) {
                return self.pattern(line, language.as_deref().unwrap_or("stix"), pattern);
            }
        }
        let kind_name = self.cell(cells, Role::Type).map(normal);
        let mut found = Vec::new();
        let (mut empty, mut has_url) = (true, false);
        for (at, cell) in cells.iter().enumerate() {
            let Role::Value(kind) = self.columns.role(at) else {
                continue;
            };
            if is_empty(cell) {
                continue;
            }
            empty = false;
            if has_bad_bytes(cell) {
                self.sink
                    .problem(Some(line), format_args!("{}: not valid UTF-8", quoted(cell)));
                continue;
            }
            let name = kind_name.as_deref().filter(|_| kind.is_none());
            if let (Some(name), true) = (name, self.columns.is_misp()) {
                if let Some(language) = types::rule(name) {
                    return Some(Content::Rule(language, cell));
                }
                if types::parts(name).is_none() {
                    self.not_covered(name, cells);
                    continue;
                }
            }
            match values(cell, kind, name) {
                Ok(values) => {
                    let is_url = cell.contains("://") || values.iter().any(|(kind, _)| *kind == Kind::Url);
                    if is_url && !std::mem::replace(&mut has_url, true) {
                        found.retain(is_no_host);
                    }
                    found.extend(
                        values
                            .into_iter()
                            .filter(|one| is_url || !has_url || is_no_host(one)),
                    );
                }
                Err(why) => self
                    .sink
                    .problem(Some(line), format_args!("{}: {why}", quoted(cell))),
            }
        }
        if empty {
            self.sink
                .problem(Some(line), format_args!("a row without a value"));
        }
        (!found.is_empty()).then_some(Content::Values(found))
    }

    /// What a pattern means; `None` where it cannot be used, which is then told.
    fn pattern<'c>(&mut self, line: u64, language: &str, text: &'c str) -> Option<Content<'c>> {
        let language = match language {
            "stix" => RuleLanguage::StixPattern,
            "sigma" => RuleLanguage::Sigma,
            "yara" => RuleLanguage::Yara,
            "snort" => RuleLanguage::Snort,
            "suricata" => RuleLanguage::Suricata,
            other => {
                self.sink.withhold_type(other);
                return None;
            }
        };
        if language != RuleLanguage::StixPattern {
            return Some(Content::Rule(language, text));
        }
        let (good, wrong) = match meaning(text) {
            Ok(Meaning::Pattern) => return Some(Content::Rule(language, text)),
            Ok(Meaning::Values { good, wrong }) => (good, wrong),
            Err(why) => (Vec::new(), vec![format!("pattern: {why}")]),
        };
        for why in wrong {
            self.sink.problem(Some(line), format_args!("{why}"));
        }
        let good = good.into_iter().map(|(kind, value)| (kind, Cow::Owned(value)));
        let good: Vec<_> = good.collect();
        (!good.is_empty()).then_some(Content::Values(good))
    }

    fn not_covered(&mut self, name: &str, cells: &[Cow<'_, str>]) {
        if self.cell(cells, Role::ToIds).and_then(truth) == Some(true) {
            self.sink.withhold_type(name);
        }
    }

    fn cell<'c>(&self, cells: &'c [Cow<'_, str>], role: Role) -> Option<&'c str> {
        let at = self.columns.roles.iter().position(|other| *other == role)?;
        cells.get(at).map(|cell| &**cell).filter(|cell| !is_empty(cell))
    }

    fn context(&self, cells: &[Cow<'_, str>]) -> Context {
        let mut context = self.sink.bare_context();
        context.tlp = self.tlp;
        let mut prose: Vec<Cow<'_, str>> = Vec::new();
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !is_empty(cell)) {
            let role = self.columns.role(at);
            if !matches!(role, Role::Value(_) | Role::Tlp) {
                // Wherever a partner writes it, it counts.
                context.tlp = Tlp::stricter(context.tlp, marking::in_text(cell));
            }
            match role {
                Role::Description => prose.push(Cow::Borrowed(cell)),
                Role::Other | Role::Marking if !is_marking(role, cell, &mut context) => {
                    prose.push(match self.columns.names.get(at) {
                        Some(name) => Cow::Owned(format!("{name}: {cell}")),
                        None => Cow::Borrowed(cell),
                    })
                }
                role => set(&mut context, role, cell),
            }
        }
        context.description = clip(&prose.join("; "), PROSE);
        tidy_tags(&mut context.tags);
        context
    }
}

/// False for a host: that of a listed URL is often somebody else's.
fn is_no_host((kind, _): &Found<'_>) -> bool {
    !matches!(kind, Kind::Domain | Kind::Ipv4 | Kind::Ipv6)
}

/// Whether a cell of a column of markings is one; then it is taken.
fn is_marking(role: Role, cell: &str, context: &mut Context) -> bool {
    let mut own = Context::default();
    if role == Role::Marking {
        marking::apply(cell, &mut own);
    }
    context.tlp = Tlp::stricter(context.tlp, own.tlp);
    context.pap = context.pap.max(own.pap);
    own.tlp.is_some() || own.pap.is_some()
}

/// Sets the field of a context that a column stands for; the first of several columns wins.
fn set(context: &mut Context, role: Role, cell: &str) {
    let keep = |field: &mut Option<String>, limit| {
        if field.is_none() {
            *field = clip(cell, limit);
        }
    };
    match role {
        Role::Id => keep(&mut context.id, NAME),
        Role::Name => keep(&mut context.name, NAME),
        Role::Author => keep(&mut context.author, NAME),
        Role::Reference if cell.starts_with("http") => keep(&mut context.reference, PROSE),
        Role::Tags => {
            for tag in cell.split([',', ';']) {
                tags::apply(tag, context);
            }
        }
        Role::Confidence => {
            let number = cell.trim_end_matches('%').trim().parse().ok();
            context.confidence = number.filter(|number| *number <= 100);
        }
        Role::Severity => context.severity = severity(cell),
        Role::ValidFrom => context.valid_from = time::parse(cell),
        Role::ValidUntil => context.valid_until = time::parse(cell),
        Role::Tlp => {
            let mut own = Context::default();
            marking::apply(cell, &mut own);
            context.pap = context.pap.max(own.pap);
            context.tlp = Tlp::stricter(context.tlp, own.tlp.or(Some(Tlp::Red)));
        }

        _ => {}
    }
}

/// A severity's name, or MISP's number of a threat level.
fn severity(cell: &str) -> Option<Severity> {
    cell.parse().ok().or_else(|| tags::threat_level(cell))
}

/// The values of a cell.
fn values<'c>(cell: &'c str, kind: Option<Kind>, name: Option<&str>) -> Result<Vec<Found<'c>>, String> {
    if let Some("stixfile" | "file") = name {
        let digest = of_any(cell).filter(|(kind, _)| is_digest(*kind));
        return match digest {
            Some(found) => Ok(vec![found]),
            None => values(cell, None, Some("filename")),
        };
    }
    if let Some((found, wrong)) = name.and_then(|name| of_misp_type(name, cell)) {
        return match wrong.into_iter().next() {
            Some(why) if found.is_empty() => Err(why),
            _ => Ok(found),
        };
    }
    let kind = kind.or_else(|| name.and_then(kind_of_name));
    match kind {
        Some(kind) => of_kind(kind, cell).map(|found| vec![found]),
        None => of_any(cell)
            .map(|found| vec![found])
            .ok_or_else(|| why_none(cell).to_owned()),
    }
}

/// The name of a type as it is looked up: people write `User-Agent`, `user_agent` and `user agent`.
fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['_', ' '], "-")
}

fn is_digest(kind: Kind) -> bool {
    matches!(kind, Kind::Md5 | Kind::Sha1 | Kind::Sha256 | Kind::Sha512)
}

/// The kind of a type's name as feeds write it (ThreatFox, OTX, CrowdStrike, STIX). Where it is not known the value
/// speaks for itself.
fn kind_of_name(name: &str) -> Option<Kind> {
    let name = name.replace([':', '.', '\''], "-");
    Some(match name.as_str() {
        "filehash-md5" | "md5-hash" | "hash-md5" | "file-hashes-md5" => Kind::Md5,
        "filehash-sha1" | "sha1-hash" | "hash-sha1" | "sha-1" => Kind::Sha1,
        "filehash-sha256" | "sha256-hash" | "hash-sha256" | "sha-256" => Kind::Sha256,
        "sha512-hash" | "hash-sha512" | "sha-512" => Kind::Sha512,
        "filehash-imphash" | "imp-hash" => Kind::Imphash,
        "ip" | "ip-address" | "ipaddress" | "ip-port" | "ipv4-addr" => Kind::Ipv4,
        "ipv6-addr" => Kind::Ipv6,
        "domain-name" | "fqdn" | "host" => Kind::Domain,
        "uri" => Kind::Url,
        "email-addr" | "emailaddress" | "e-mail" | "mail" | "sender" => Kind::EmailAddress,
        "filepath" => Kind::FilePath,
        "registry" | "registrykey" | "windows-registry-key" => Kind::RegistryKey,
        "process" | "processname" => Kind::ProcessName,
        "commandline" => Kind::CommandLine,
        "useragent" => Kind::UserAgent,
        "mac-addr" => Kind::Mac,
        "autonomous-system" | "as" => Kind::Asn,
        "cryptocurrency-wallet" | "bitcoinaddress" => Kind::Wallet,
        other => return other.parse().ok(),
    })
}

fn is_empty(cell: &str) -> bool {
    matches!(
        cell.trim(),
        "" | "-" | "n/a" | "N/A" | "None" | "none" | "null" | "NULL"
    )
}
