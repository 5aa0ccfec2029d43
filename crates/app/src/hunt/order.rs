//! Puts what the threads found back into the order of the inputs, and writes it. The same hunt gives the same output,
//! byte for byte, on any number of threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use perisai_events::Stream;

use perisai_model::{Finding, Place, Problem, Report};
use perisai_respond::Writer;

use super::open::OpenEvents;
use super::queue::Turn;
use super::search::Found;
use super::{HuntError, Progress, Settings};
use crate::stop::Grace;

/// What a thread has to tell.
pub(super) enum Message {
    /// A block was searched, or a part of it.
    Block {
        at: Turn,
        found: Box<Found>,
        /// Nothing more will come of it.
        whole: bool,
    },
    /// An input was read to its end.
    End { input: usize, end: End },
}

/// What is known of an input once it has been read.
#[derive(Default)]
pub(super) struct End {
    /// How many blocks it had.
    pub(super) blocks: u64,
    /// How many files were in it.
    pub(super) files: u64,
    /// What could not be read.
    pub(super) problems: Vec<Problem>,
    /// Those of its streams that may have a problem to tell when all blocks have been searched.
    streams: Vec<Arc<Stream>>,
}

impl End {
    /// Has the stream of a block asked for its problem, if it is of a kind that may have one. Live logs may turn out to
    /// be of such a kind later than at their beginning.
    pub(super) fn ask(&mut self, stream: &Arc<Stream>) {
        // Only few formats have any; an archive may have a million members.
        let is_last = |last: &Arc<Stream>| Arc::ptr_eq(last, stream);
        if stream.tells_problems() && !self.streams.last().is_some_and(is_last) {
            self.streams.push(Arc::clone(stream));
        }
    }
}

/// The way out: filters, counts and writes findings.
pub(super) struct Output<'a> {
    settings: &'a Settings,
    progress: &'a Progress,
    writer: &'a mut dyn Writer,
    report: Report,
    /// Events that may become part of something longer, in order.
    open: OpenEvents,
    /// How many more there were than can be held.
    left_open: usize,
    failed: Option<HuntError>,
    /// When the first finding came that was not written out yet.
    unwritten: Option<Instant>,
    /// How long findings are written after the wish to end.
    grace: Grace,
    /// How many findings came after that.
    left_out: u64,
}

/// So many events are held for what needs more than one.
const MOST_OPEN: usize = 1_000_000;

impl<'a> Output<'a> {
    pub(super) fn new(settings: &'a Settings, progress: &'a Progress, writer: &'a mut dyn Writer) -> Self {
        Self {
            settings,
            progress,
            writer,
            report: Report::default(),
            open: OpenEvents::default(),
            left_open: 0,
            failed: None,
            unwritten: None,
            grace: Grace::new(settings.stop.clone()),
            left_out: 0,
        }
    }

    /// Whether the user wants no more, and has waited for what was found.
    pub(super) fn is_over(&self) -> bool {
        self.grace.is_over()
    }

    /// Writes a finding, if it is bad enough and the limit allows.
    pub(super) fn finding(&mut self, finding: &Finding) -> Result<(), HuntError> {
        if self
            .settings
            .min_severity
            .is_some_and(|least| finding.rule.severity < least)
        {
            self.report.below_severity += 1;
            return Ok(());
        }
        if self
            .settings
            .limit
            .is_some_and(|limit| self.report.findings >= limit)
        {
            self.report.over_limit += 1;
            return Ok(());
        }
        if self.is_over() {
            self.left_out += 1;
            return Ok(());
        }
        self.report.findings += 1;
        self.progress.add_finding();
        self.unwritten.get_or_insert_with(Instant::now);
        self.writer.finding(finding).map_err(HuntError::Output)
    }

    /// Takes what could not be read.
    pub(super) fn problems(&mut self, problems: Vec<Problem>) -> Result<(), HuntError> {
        let first = problems.first().cloned();
        self.report.problems.extend(problems);
        match first {
            Some(problem) if self.settings.strict => Err(HuntError::Strict(problem)),
            _ => Ok(()),
        }
    }

    fn found(&mut self, found: Found) -> Result<(), HuntError> {
        self.report.bytes += found.bytes;
        self.report.lines += found.lines;
        self.report.records += found.records;
        self.report.untimed += found.untimed;
        for (list, count) in found.suppressed {
            *self.report.suppressed.entry(list).or_default() += count;
        }
        self.left_open += self.open.append(found.open, MOST_OPEN);
        found
            .findings
            .iter()
            .try_for_each(|finding| self.finding(finding))?;
        self.problems(found.problems)
    }

    /// Takes the events that may become part of something longer, and tells of those that could not be held.
    pub(super) fn take_open(&mut self) -> OpenEvents {
        if self.left_open > 0 {
            let why = format!(
                "{} events beyond the first {MOST_OPEN} were not looked at by correlations and sequences",
                self.left_open
            );
            self.report
                .problems
                .push(Problem::new(Place::file("correlations"), why));
        }
        std::mem::take(&mut self.open)
    }

    /// Adds the totals to a report.
    pub(super) fn finish(self, report: &mut Report) {
        let mine = self.report;
        report.files += mine.files;
        report.bytes += mine.bytes;
        report.lines += mine.lines;
        report.records += mine.records;
        report.findings += mine.findings;
        report.untimed += mine.untimed;
        report.below_severity += mine.below_severity;
        report.over_limit += mine.over_limit;
        report.suppressed = mine.suppressed;
        report.problems.extend(mine.problems);
        if self.left_out > 0 {
            let why = format!("{} more were found and not written: interrupted", self.left_out);
            report.problems.push(Problem::new(Place::file("findings"), why));
        }
    }
}

/// What was found in a block whose turn has not come, in order.
#[derive(Default)]
struct Early {
    parts: Vec<Found>,
    whole: bool,
}

/// Holds back what came too early.
pub(super) struct Order<'a, 'b> {
    output: &'b mut Output<'a>,
    /// The block that is to be written next.
    next: Turn,
    early: BTreeMap<Turn, Early>,
    /// Inputs that have been read.
    ended: BTreeMap<usize, End>,
    /// Findings, and events that may become part of one, that are held back.
    held: usize,
}

impl<'a, 'b> Order<'a, 'b> {
    pub(super) fn new(output: &'b mut Output<'a>) -> Self {
        Self {
            output,
            next: (0, 0),
            early: BTreeMap::new(),
            ended: BTreeMap::new(),
            held: 0,
        }
    }

    /// The block whose turn it is, and how many findings of others are held back.
    pub(super) fn state(&self) -> (Turn, usize) {
        (self.next, self.held)
    }

    /// Takes a message, and writes all whose turn has come. False once the output has failed.
    pub(super) fn take(&mut self, message: Message) -> bool {
        if self.output.failed.is_some() {
            return false;
        }
        match message {
            Message::Block { at, found, whole } => {
                self.held += found.weight();
                let early = self.early.entry(at).or_default();
                early.parts.push(*found);
                early.whole = whole;
            }
            Message::End { input, end } => {
                self.ended.insert(input, end);
            }
        }
        self.output.failed = self.release().err();
        self.output.failed.is_none()
    }

    /// Writes out findings that have waited for so long. False once the output has failed.
    pub(super) fn flush(&mut self, waited: Duration) -> bool {
        let output = &mut *self.output;
        if output.failed.is_none() && output.unwritten.is_some_and(|since| since.elapsed() >= waited) {
            output.unwritten = None;
            output.failed = output.writer.flush().map_err(HuntError::Output).err();
        }
        output.failed.is_none()
    }

    fn release(&mut self) -> Result<(), HuntError> {
        loop {
            if let Some(early) = self.early.get_mut(&self.next) {
                let (parts, whole) = (std::mem::take(&mut early.parts), early.whole);
                for found in parts {
                    self.held -= found.weight();
                    self.output.found(found)?;
                }
                if !whole {
                    return Ok(());
                }
                self.early.remove(&self.next);
                self.next.1 += 1;
                continue;
            }
            match self.ended.first_entry() {
                Some(first) if (*first.key(), first.get().blocks) == self.next => {
                    let end = first.remove();
                    self.next = (self.next.0 + 1, 0);
                    self.output.report.files += end.files;
                    self.output.problems(end.problems)?;
                    let streams = end.streams.iter();
                    self.output
                        .problems(streams.flat_map(|stream| stream.take_problems()).collect())?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// The error that ended the output, if one did.
    pub(super) fn outcome(self) -> Result<(), HuntError> {
        debug_assert!(
            self.output.failed.is_some() || self.early.is_empty(),
            "all blocks were released"
        );
        self.output.failed.take().map_or(Ok(()), Err)
    }
}
