//! Zip archives. The directory at the end is read where one can seek; what it does not list is read as it stands, and so
//! are all members where it is missing (a truncated file). Every byte is searched, in a member or as it stands: who can
//! write four bytes of a directory must not hide what other programs unpack.

mod gaps;
mod parts;
mod unpack;

use std::collections::HashSet;
use std::io::{self, Cursor, Read, SeekFrom};
use std::ops::ControlFlow;
use std::rc::Rc;

use self::gaps::Gaps;
use self::parts::Directory;
use super::{Meter, Peeked, peek};
use crate::read::{Input, Member, ReadSeek, Walk, explain};

/// A zip that can be sought in.
pub(crate) fn seekable(walk: &mut Walk<'_>, member: &Member, file: &mut dyn ReadSeek) -> ControlFlow<()> {
    search(walk, member, file).unwrap_or_else(|error| {
        walk.problem(member, explain(&error));
        ControlFlow::Continue(())
    })
}

/// Whether a file that begins as something else ends in a zip, as one does that unpacks itself. The file is left where
/// it stood, behind so many bytes.
pub(crate) fn ends_in_zip(file: &mut dyn ReadSeek, at: usize) -> bool {
    let found = parts::ends_in_zip(file).unwrap_or(false);
    file.seek(SeekFrom::Start(at as u64)).is_ok() && found
}

fn search(walk: &mut Walk<'_>, member: &Member, file: &mut dyn ReadSeek) -> io::Result<ControlFlow<()>> {
    let size = file.seek(SeekFrom::End(0))?;
    let end = parts::end_of_archive(file)?;
    let packed = Rc::new(std::cell::Cell::new(size));
    let meter = Meter::new(packed, Rc::clone(&walk.unpacked), &walk.options.limits);
    let mut gaps = Gaps::new(&meter, size);
    let Some(directory) = Directory::find(file, end)? else {
        if parts::next_member(file, 0..size)?.is_none() {
            return as_it_stands(walk, member, file);
        }
        walk.problem(
            member,
            "no directory at its end (truncated?): its members are read as they stand",
        );
        let flow = gaps.search(walk, member, file, 0..size)?;
        gaps.tell(walk, member, false);
        return Ok(flow);
    };
    if let Some(counted) = directory.miscounted() {
        let why = format!("its end record counts {counted} members, its directory lists others too");
        walk.problem(member, why);
    }
    if !directory.lost.is_empty() {
        let why = format!(
            "{} entries of its directory lead to no member, the first of them {:?}",
            directory.lost.len(),
            directory.lost[0]
        );
        walk.problem(member, why);
    }
    let mut taken = directory.records;
    taken.push(directory.at);
    let mut seen = HashSet::new();
    for part in directory.parts {
        // Entries may share their data.
        if part.is_folder() || !seen.insert((part.data.clone(), part.method, part.is_encrypted())) {
            taken.push(part.start..part.data.end);
            continue;
        }
        let (flow, end) = unpack::search(walk, member, file, &part, &meter)?;
        taken.push(part.start..end);
        if flow.is_break() || meter.spent() {
            return Ok(flow);
        }
    }
    let flow = gaps.search_between(walk, member, file, taken, end)?;
    gaps.tell(walk, member, true);
    if flow.is_break() || meter.spent() {
        return Ok(flow);
    }
    behind(walk, member, file, end..size)
}

/// What stands behind the archive is told, and searched as what it is; zeros are padding.
fn behind(
    walk: &mut Walk<'_>,
    member: &Member,
    file: &mut dyn ReadSeek,
    range: std::ops::Range<u64>,
) -> io::Result<ControlFlow<()>> {
    file.seek(SeekFrom::Start(range.start))?;
    if gaps::is_padding(file)? {
        return Ok(ControlFlow::Continue(()));
    }
    let why = format!(
        "{} bytes behind the end of the zip: searched as they stand, with lines of their own",
        range.end - range.start
    );
    walk.problem(member, why);
    file.seek(SeekFrom::Start(range.start))?;
    Ok(walk.input(member.inside(), Input::Stream(file)))
}

/// A zip inside an archive or from standard input: held in memory under the cap.
pub(crate) fn buffered(walk: &mut Walk<'_>, member: &Member, reader: &mut dyn Read) -> ControlFlow<()> {
    let cap = walk.options.limits.buffered;
    let mut held = Vec::new();
    let end = reader.take(cap.saturating_add(1)).read_to_end(&mut held);
    if let Err(error) = end {
        walk.problem(member, explain(&error));
    }
    if held.len() as u64 > cap {
        walk.problem(
            member,
            format!(
                "a zip of more than {cap} bytes that cannot be sought in: the part beyond is not searched"
            ),
        );
        held.truncate(usize::try_from(cap).unwrap_or(usize::MAX));
    }
    seekable(walk, member, &mut Cursor::new(held))
}

/// A log that only begins like a zip.
fn as_it_stands(
    walk: &mut Walk<'_>,
    member: &Member,
    file: &mut dyn ReadSeek,
) -> io::Result<ControlFlow<()>> {
    file.rewind()?;
    walk.problem(
        member,
        "marked as a zip, and has no members: searched as it stands",
    );
    let head = peek(file, walk.quiet);
    Ok(walk.leaf(member, Peeked::new(head, file)))
}
