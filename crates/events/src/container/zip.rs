//! Zip archives. The directory at the end is read where one can seek; where it is missing (a truncated file) the
//! members are read as they stand.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::rc::Rc;

use jiff::Timestamp;
use zip::read::ZipFile;

use super::{Meter, Metered, Peeked, peek};
use crate::read::{Input, Member, ReadSeek, Walk, explain};

/// The size of an end-of-directory record without its comment.
const RECORD: usize = 22;

/// How much is looked at in one go for that record.
const WINDOW: usize = 64 << 10;

/// A zip that can be sought in.
pub(crate) fn seekable(walk: &mut Walk<'_>, member: &Member, file: &mut dyn ReadSeek) -> ControlFlow<()> {
    let end = match end_of_archive(file).and_then(|end| file.rewind().map(|()| end)) {
        Ok(end) => end,
        Err(error) => {
            walk.problem(member, explain(&error));
            return ControlFlow::Continue(());
        }
    };
    let packed = Rc::new(std::cell::Cell::new(end));
    let meter = Meter::new(packed, Rc::clone(&walk.unpacked), &walk.options.limits);
    match zip::ZipArchive::new(Until { file, end, at: 0 }) {
        Ok(mut archive) => {
            for index in 0..archive.len() {
                let name = match archive.name_for_index(index) {
                    Some(Ok(name)) => name.into_owned(),
                    _ => format!("member {}", index + 1),
                };
                match archive.by_index(index) {
                    Ok(entry) => one(walk, member, entry, &meter)?,
                    Err(error) => walk.problem(&member.named(&name, None), error.to_string()),
                }
                if meter.spent() {
                    break;
                }
            }
            drop(archive);
            behind(walk, member, file, end)
        }
        Err(error) => {
            walk.problem(member, format!("{error}; its members are read as they stand"));
            match file.rewind() {
                Ok(()) => in_order(walk, member, file, &meter),
                Err(error) => {
                    walk.problem(member, explain(&error));
                    ControlFlow::Continue(())
                }
            }
        }
    }
}

/// What stands behind the archive is told, and searched as what it is; zeros are padding.
fn behind(walk: &mut Walk<'_>, member: &Member, file: &mut dyn ReadSeek, end: u64) -> ControlFlow<()> {
    let left = is_padding(file, end).and_then(|padding| {
        let size = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(end))?;
        Ok(if padding { 0 } else { size - end })
    });
    match left {
        Ok(0) => ControlFlow::Continue(()),
        Ok(left) => {
            let why = format!(
                "{left} bytes behind the end of the zip: searched as they stand, with lines of their own"
            );
            walk.problem(member, why);
            walk.input(member.inside(), Input::Stream(file))
        }
        Err(error) => {
            walk.problem(member, explain(&error));
            ControlFlow::Continue(())
        }
    }
}

/// Whether there is nothing but zeros from an offset on.
fn is_padding(file: &mut dyn ReadSeek, from: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = vec![0; WINDOW];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(true),
            read if bytes[..read].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

/// Where the archive ends: behind its last end-of-directory record and the comment of that; at the end of the file
/// where there is none.
fn end_of_archive(file: &mut dyn ReadSeek) -> io::Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut bytes = Vec::new();
    let mut stop = size;
    while stop > 0 {
        let start = stop.saturating_sub(WINDOW as u64);
        file.seek(SeekFrom::Start(start))?;
        bytes.clear();
        // A record that begins in this window may end in the one behind it.
        let held = stop - start + RECORD as u64;
        (&mut *file).take(held).read_to_end(&mut bytes)?;
        for at in memchr::memmem::rfind_iter(&bytes, b"PK\x05\x06") {
            let Some(record) = bytes.get(at..at + RECORD) else {
                continue;
            };
            let comment = u64::from(u16::from_le_bytes([record[20], record[21]]));
            let end = start + (at + RECORD) as u64 + comment;
            if end <= size {
                return Ok(end);
            }
        }
        stop = start;
    }
    Ok(size)
}

/// A file as if it ended earlier.
struct Until<'a> {
    file: &'a mut dyn ReadSeek,
    end: u64,
    at: u64,
}

impl Read for Until<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let length = buf.len().min(left);
        let read = self.file.read(&mut buf[..length])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Until<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::End(by) => SeekFrom::Start(
                self.end
                    .checked_add_signed(by)
                    .ok_or(io::ErrorKind::InvalidInput)?,
            ),
            other => other,
        };
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
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

/// The members as they stand. A file that has none is a log that only begins like a zip.
fn in_order(
    walk: &mut Walk<'_>,
    member: &Member,
    mut file: &mut dyn ReadSeek,
    meter: &Meter,
) -> ControlFlow<()> {
    let mut any = false;
    while !meter.spent() {
        match zip::read::read_zipfile_from_stream(&mut file) {
            Ok(Some(entry)) => one(walk, member, entry, meter)?,
            Err(error) if any => {
                walk.problem(member, format!("{error}; the rest is not searched"));
                break;
            }
            Ok(None) | Err(_) => break,
        }
        any = true;
    }
    if any || meter.spent() {
        return ControlFlow::Continue(());
    }
    as_it_stands(walk, member, file)
}

fn as_it_stands(walk: &mut Walk<'_>, member: &Member, file: &mut dyn ReadSeek) -> ControlFlow<()> {
    if let Err(error) = file.rewind() {
        walk.problem(member, explain(&error));
        return ControlFlow::Continue(());
    }
    walk.problem(
        member,
        "marked as a zip, and has no members: searched as it stands",
    );
    let head = peek(file, walk.quiet);
    walk.leaf(member, Peeked::new(head, file))
}

fn one<R: Read>(
    walk: &mut Walk<'_>,
    member: &Member,
    entry: ZipFile<'_, R>,
    meter: &Meter,
) -> ControlFlow<()> {
    if entry.is_dir() {
        return ControlFlow::Continue(());
    }
    let modified = entry.last_modified().and_then(|time| {
        let time = jiff::civil::date(i16::try_from(time.year()).ok()?, 1, 1)
            .with()
            .month(time.month() as i8)
            .day(time.day() as i8)
            .build()
            .ok()?
            .at(time.hour() as i8, time.minute() as i8, 0, 0);
        timestamp(time)
    });
    let name = String::from_utf8_lossy(entry.name_raw());
    let inside = member.named(&name, modified);
    let mut metered = Metered { inner: entry, meter };
    walk.input(inside, Input::Stream(&mut metered))
}

fn timestamp(time: jiff::civil::DateTime) -> Option<Timestamp> {
    // Zip times have no zone; a day's slack is what a file's own time needs to be good for.
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}
