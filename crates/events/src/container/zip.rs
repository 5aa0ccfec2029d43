//! Zip archives. The directory at the end is read where one can seek; where it is missing (a truncated file) the
//! members are read as they stand.

use std::io::{Cursor, Read, SeekFrom};
use std::ops::ControlFlow;
use std::rc::Rc;

use jiff::Timestamp;
use zip::read::ZipFile;

use super::{Meter, Metered};
use crate::read::{Input, Member, ReadSeek, Walk, explain};

/// A zip that can be sought in.
pub(crate) fn seekable(walk: &mut Walk<'_>, member: &Member, file: &mut dyn ReadSeek) -> ControlFlow<()> {
    let size = match file
        .seek(SeekFrom::End(0))
        .and_then(|size| file.rewind().map(|()| size))
    {
        Ok(size) => size,
        Err(error) => {
            walk.problem(member, explain(&error));
            return ControlFlow::Continue(());
        }
    };
    let packed = Rc::new(std::cell::Cell::new(size));
    let meter = Meter::new(packed, Rc::clone(&walk.unpacked), &walk.options.limits);
    match zip::ZipArchive::new(&mut *file) {
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
            ControlFlow::Continue(())
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

fn in_order(
    walk: &mut Walk<'_>,
    member: &Member,
    mut reader: &mut dyn ReadSeek,
    meter: &Meter,
) -> ControlFlow<()> {
    loop {
        match zip::read::read_zipfile_from_stream(&mut reader) {
            Ok(Some(entry)) => one(walk, member, entry, meter)?,
            Ok(None) => break,
            Err(error) => {
                walk.problem(member, format!("{error}; the rest is not searched"));
                break;
            }
        }
        if meter.spent() {
            break;
        }
    }
    ControlFlow::Continue(())
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
