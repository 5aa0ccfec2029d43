//! What stands in a zip beside its directory and the members that this lists: other members, which are read as they
//! stand, and bytes of neither.

use std::io::{self, Read};
use std::ops::{ControlFlow, Range};

use super::parts::{self, Mark};
use super::unpack::{self, Region};
use crate::container::{Container, Meter, Peeked, peek};
use crate::read::{Input, Member, ReadSeek, Walk};

/// Searches the gaps, and counts what was in them.
pub(super) struct Gaps<'m> {
    meter: &'m Meter,
    /// How many more bytes may be looked at for the ends of members that do not state their size.
    budget: u64,
    members: u64,
    bytes: u64,
    first: u64,
}

impl<'m> Gaps<'m> {
    pub(super) fn new(meter: &'m Meter, size: u64) -> Self {
        Self {
            meter,
            budget: size.saturating_mul(4),
            members: 0,
            bytes: 0,
            first: 0,
        }
    }

    /// Searches what stands before an offset and in none of these ranges.
    pub(super) fn search_between(
        &mut self,
        walk: &mut Walk<'_>,
        member: &Member,
        file: &mut dyn ReadSeek,
        mut taken: Vec<Range<u64>>,
        end: u64,
    ) -> io::Result<ControlFlow<()>> {
        taken.sort_unstable_by_key(|range| range.start);
        taken.push(end..end);
        let mut at = 0;
        for range in taken {
            let gap = at..range.start.min(end);
            if gap.start < gap.end && self.search(walk, member, file, gap)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            at = at.max(range.end);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Searches one gap.
    pub(super) fn search(
        &mut self,
        walk: &mut Walk<'_>,
        member: &Member,
        file: &mut dyn ReadSeek,
        gap: Range<u64>,
    ) -> io::Result<ControlFlow<()>> {
        let mut at = gap.start;
        while at < gap.end && !self.meter.spent() {
            let flow = match parts::mark_at(file, at, gap.end)? {
                Some(Mark::Record(length)) => {
                    at += length;
                    continue;
                }
                Some(Mark::Member) => {
                    let (flow, end) = self.part(walk, member, file, at..gap.end)?;
                    at = end;
                    flow
                }
                None => {
                    let next = parts::next_member(file, at + 1..gap.end)?.unwrap_or(gap.end);
                    let flow = self.bytes(walk, member, file, at..next)?;
                    at = next;
                    flow
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Tells how much has been searched.
    pub(super) fn tell(&self, walk: &mut Walk<'_>, member: &Member, is_listed: bool) {
        if is_listed && self.members > 0 {
            let why = format!(
                "its directory does not list all members: {} more, read as they stand",
                self.members
            );
            walk.problem(member, why);
        }
        if self.bytes > 0 {
            let why = format!(
                "{} bytes of the zip, the first at {}, belong to no member: searched as they stand, with lines of their own",
                self.bytes, self.first
            );
            walk.problem(member, why);
        }
    }

    /// The member whose header stands at the start of a range; gives where it ends.
    fn part(
        &mut self,
        walk: &mut Walk<'_>,
        member: &Member,
        file: &mut dyn ReadSeek,
        range: Range<u64>,
    ) -> io::Result<(ControlFlow<()>, u64)> {
        let mut part = parts::part_at(file, range.start, range.end)?;
        if part.stated.is_none() && !part.ends_itself() {
            match parts::described(file, part.data.clone(), &mut self.budget)? {
                Some((end, stated)) => {
                    part.data.end = end;
                    part.stated = Some(stated);
                }
                None => {
                    let next = parts::next_member(file, part.data.clone())?;
                    part.data.end = next.unwrap_or(part.data.end);
                }
            }
        }
        if part.is_folder() {
            return Ok((ControlFlow::Continue(()), part.data.end));
        }
        self.members += 1;
        unpack::search(walk, member, file, &part, self.meter)
    }

    fn bytes(
        &mut self,
        walk: &mut Walk<'_>,
        member: &Member,
        file: &mut dyn ReadSeek,
        range: Range<u64>,
    ) -> io::Result<ControlFlow<()>> {
        let mut region = Region::new(file, range.clone())?;
        if is_padding(&mut region)? {
            return Ok(ControlFlow::Continue(()));
        }
        if self.bytes == 0 {
            self.first = range.start;
        }
        self.bytes += range.end - range.start;
        let mut region = Region::new(file, range)?;
        let head = peek(&mut region, walk.quiet);
        let is_zip = Container::detect(&head.bytes) == Some(Container::Zip);
        let mut bytes = Peeked::new(head, &mut region);
        Ok(if is_zip {
            // It has the magic of one, and has been looked through.
            walk.leaf(member, bytes)
        } else {
            walk.input(member.inside(), Input::Stream(&mut bytes))
        })
    }
}

/// Whether there is nothing but zeros to read.
pub(super) fn is_padding<R: Read + ?Sized>(reader: &mut R) -> io::Result<bool> {
    let mut bytes = vec![0; 16 << 10];
    loop {
        match reader.read(&mut bytes)? {
            0 => return Ok(true),
            read if bytes[..read].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}
