//! From the cells of one row to indicators and their context.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use perisai_model::{Context, Kind, Reason, RuleLanguage, Severity, Tlp};

use super::columns::{Columns, Role};
use super::range;
use crate::Options;
use crate::json::lenient::truth;
use crate::marking;
use crate::misp::{tags, types};
use crate::pattern::{Meaning, meaning};
use crate::sink::Sink;
use crate::text::has_bad_bytes;
use crate::time;
use crate::type_words::{self, Refused, normal};
use crate::typed::{Found, of_any, of_kind, why_none};
use crate::words::{NAME, PROSE, clip, quoted, technique_tag, tidy_tags};

/// A table on its way into a sink.
pub(super) struct Table<'a, 'b> {
    columns: &'a Columns,
    options: &'a Options,
    sink: &'a mut Sink<'b>,
    /// The marking above the first row, and that of the section.
    head: Option<Tlp>,
    tlp: Option<Tlp>,
    begun: bool,
    /// It has been told which columns of values are left out.
    spare_told: bool,
    unknown: BTreeMap<String, UnknownType>,
}

/// How many types that are not known are told apart.
const UNKNOWN: usize = 64;

/// A word in the column of types that is not known.
struct UnknownType {
    line: u64,
    values: u64,
    taken: u64,
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
            spare_told: false,
            unknown: BTreeMap::new(),
        }
    }

    /// False before the first row.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Tells of what can be told only when all rows are read.
    pub(super) fn finish(&mut self) {
        for (word, UnknownType { line, values, taken }) in std::mem::take(&mut self.unknown) {
            let word = quoted(&word);
            let left = values - taken;
            self.sink.problem(
                Some(line),
                format_args!("the type {word} is not known: {taken} taken for what else they cannot be, {left} left out"),
            );
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
        if self.cell(cells, Role::Action).is_some_and(lets_pass) {
            return self.sink.withhold(Reason::Harmless);
        }
        let not_for_detection = self.cell(cells, Role::ToIds).and_then(truth) == Some(false);
        if !std::mem::replace(&mut self.spare_told, true) {
            self.spare_columns(line);
        }
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

    /// Tells of columns of values that are left out, once a table.
    fn spare_columns(&mut self, line: u64) {
        let numbers: Vec<_> = self.columns.spare.iter().map(|at| (at + 1).to_string()).collect();
        if !numbers.is_empty() {
            let numbers = numbers.join(", ");
            self.sink.problem(
                Some(line),
                format_args!(
                    "without headings one column gives the values; left out are those in column {numbers}"
                ),
            );
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
        let kind_name = self.cell(cells, Role::Type);
        let mut found = self.nets(line, cells);
        let (mut empty, mut has_url) = (found.is_empty(), false);
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !is_empty(cell)) {
            let Role::Value(kind) = self.columns.role(at) else {
                continue;
            };
            empty = false;
            if has_bad_bytes(cell) {
                self.sink
                    .problem(Some(line), format_args!("{}: not valid UTF-8", quoted(cell)));
                continue;
            }
            let name = kind_name.filter(|_| kind.is_none());
            if let (Some(name), true) = (name.map(normal), self.columns.is_misp()) {
                if let Some(language) = types::rule(&name) {
                    return Some(Content::Rule(language, cell));
                }
                if types::parts(&name).is_none() {
                    self.not_covered(&name, cells);
                    continue;
                }
            }
            let values = self.values(line, cell, kind, name);
            match values.map(|values| self.with_prefix(values, cells)) {
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
        if empty && self.cell(cells, Role::RangeStart).is_none() {
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

    /// The nets of a row that says where they start; what is wrong with them is told.
    fn nets<'c>(&mut self, line: u64, cells: &'c [Cow<'_, str>]) -> Vec<Found<'c>> {
        let Some(start) = self.cell(cells, Role::RangeStart) else {
            return Vec::new();
        };
        let (end, prefix) = (self.cell(cells, Role::RangeEnd), self.cell(cells, Role::Prefix));
        range::nets(start, end, prefix).unwrap_or_else(|why| {
            self.sink
                .problem(Some(line), format_args!("{}: {why}", quoted(start)));
            Vec::new()
        })
    }

    /// Of an address beside a column of netmasks, or of lengths of prefixes, the net.
    fn with_prefix<'c>(&self, mut values: Vec<Found<'c>>, cells: &[Cow<'_, str>]) -> Vec<Found<'c>> {
        if let ([found @ (Kind::Ipv4 | Kind::Ipv6, _)], Some(prefix)) =
            (values.as_mut_slice(), self.cell(cells, Role::Prefix))
            && let Ok(nets) = range::nets(&found.1, None, Some(prefix))
            && let Some(net) = nets.into_iter().next()
        {
            *found = net;
        }
        values
    }

    /// The values of a cell. What is told otherwise (by its type) is no error.
    fn values<'c>(
        &mut self,
        line: u64,
        cell: &'c str,
        kind: Option<Kind>,
        name: Option<&str>,
    ) -> Result<Vec<Found<'c>>, String> {
        if let Some(kind) = kind {
            return of_kind(kind, cell).map(|found| vec![found]);
        }
        let Some(name) = name else {
            let found = of_any(cell).map(|found| vec![found]);
            return found.ok_or_else(|| why_none(cell).to_owned());
        };
        let (outcome, is_known) = type_words::values(name, cell);
        if !is_known {
            self.not_known(line, name, outcome.is_ok());
        }
        match outcome {
            Ok(found) => Ok(found),
            Err(Refused::Wrong(why)) => Err(why),
            Err(Refused::NotSearched) => {
                self.sink.withhold_type(&normal(name));
                Ok(Vec::new())
            }
            Err(Refused::Unknown) => Ok(Vec::new()),
        }
    }

    fn not_known(&mut self, line: u64, name: &str, taken: bool) {
        let mut word = clip(name, NAME).unwrap_or_default();
        if self.unknown.len() >= UNKNOWN && !self.unknown.contains_key(&word) {
            "…".clone_into(&mut word);
        }
        let of_word = self.unknown.entry(word).or_insert(UnknownType {
            line,
            values: 0,
            taken: 0,
        });
        of_word.values += 1;
        of_word.taken += u64::from(taken);
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
                Role::Other | Role::Context | Role::Marking if !is_marking(role, cell, &mut context) => prose
                    .push(match self.columns.names.get(at) {
                        Some(name) => Cow::Owned(format!("{name}: {cell}")),
                        None => Cow::Borrowed(cell),
                    }),
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
                match technique_tag(tag) {
                    Some(tag) => context.tags.push(tag),
                    None => tags::apply(tag, context),
                }
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

/// True for what an action says of a value that is known to be good: an entry of a list of what is allowed.
fn lets_pass(action: &str) -> bool {
    matches!(
        type_words::key(action).as_str(),
        "allow"
            | "allowed"
            | "allowlist"
            | "permit"
            | "permitted"
            | "pass"
            | "whitelist"
            | "trust"
            | "trusted"
            | "ignore"
    )
}

fn is_empty(cell: &str) -> bool {
    matches!(
        cell.trim(),
        "" | "-" | "n/a" | "N/A" | "None" | "none" | "null" | "NULL"
    )
}
