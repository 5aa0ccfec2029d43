//! The headers of a zip (APPNOTE 6.3, section 4.3): members, the directory, the records at its end. Nothing is unpacked
//! here.

use std::io::{self, Read, SeekFrom};
use std::ops::Range;

use jiff::Timestamp;

use crate::container::fill;
use crate::read::ReadSeek;

pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// The sizes of the headers without what varies.
pub(super) const LOCAL_SIZE: usize = 30;
const CENTRAL_SIZE: usize = 46;
const END_SIZE: usize = 22;
const END_64_SIZE: usize = 56;
const LOCATOR_64_SIZE: usize = 20;

/// How much is looked at in one go for a record.
const WINDOW: usize = 64 << 10;

/// A member, by its header or by the directory.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) modified: Option<Timestamp>,
    pub(super) flags: u16,
    pub(super) method: u16,
    /// Where its header begins.
    pub(super) start: u64,
    /// Where its data stands. Up to the end of where it could, where the size is stated behind the data only.
    pub(super) data: Range<u64>,
    /// Its checksum and its size unpacked, unless they are stated behind the data only.
    pub(super) stated: Option<(u32, u64)>,
}

impl Part {
    /// A directory's entry, which has nothing to search.
    pub(super) fn is_folder(&self) -> bool {
        // An empty stream of deflate takes two bytes.
        self.name.ends_with('/') && self.data.end - self.data.start <= 2
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// The directory of a zip.
pub(super) struct Directory {
    /// Where it stands.
    pub(super) at: Range<u64>,
    /// How many members its end record counts; `None` where it cannot say.
    counted: Option<u64>,
    pub(super) parts: Vec<Part>,
    /// Entries that lead to no member.
    pub(super) lost: Vec<String>,
    /// The records behind it.
    pub(super) records: Vec<Range<u64>>,
}

impl Directory {
    /// What its end record counts, where it has other members.
    pub(super) fn miscounted(&self) -> Option<u64> {
        let entries = (self.parts.len() + self.lost.len()) as u64;
        self.counted
            .filter(|counted| *counted != entries && *counted != entries & 0xffff)
    }

    /// The directory of a zip that ends at an offset, however many members its end record counts; `None` where there is
    /// none.
    pub(super) fn find(file: &mut dyn ReadSeek, end: u64) -> io::Result<Option<Self>> {
        let Some(at) = last_record(file, end)? else {
            return Ok(None);
        };
        let record: [u8; END_SIZE] = bytes_at(file, at)?;
        let mut counted = Some(u64::from(u16_at(&record, 10)));
        let mut size = u64::from(u32_at(&record, 12));
        let mut stated = u64::from(u32_at(&record, 16));
        let mut dir_end = at;
        let wide = record_64(file, at)?;
        let before = wide.iter().flat_map(|(start, _)| {
            [
                *start..start + END_64_SIZE as u64,
                at - LOCATOR_64_SIZE as u64..at,
            ]
        });
        let records: Vec<_> = before.chain(std::iter::once(at..end)).collect();
        if let Some((start, record)) = wide {
            counted = Some(u64_at(&record, 32));
            (size, stated) = (u64_at(&record, 40), u64_at(&record, 48));
            dir_end = start;
        } else if counted == Some(0xffff) {
            counted = None;
        }
        // Where it ends at the record it may stand further back than stated: something stands before the zip.
        let mut start = None;
        for candidate in [dir_end.checked_sub(size), Some(stated)].into_iter().flatten() {
            if start.is_none() && has_magic(file, candidate, dir_end, CENTRAL)? {
                start = Some(candidate);
            }
        }
        let Some(start) = start else {
            let empty = Self {
                at: dir_end..dir_end,
                counted,
                parts: Vec::new(),
                lost: Vec::new(),
                records,
            };
            return Ok(Some(empty).filter(|empty| empty.counted == Some(0)));
        };
        let mut directory = Self {
            at: start..start,
            counted,
            parts: Vec::new(),
            lost: Vec::new(),
            records,
        };
        directory.read(file, start.saturating_sub(stated), dir_end)?;
        Ok(Some(directory))
    }

    /// Reads its entries one behind the other. `shift` is what stands before the zip.
    fn read(&mut self, file: &mut dyn ReadSeek, shift: u64, end: u64) -> io::Result<()> {
        while let Some((entry, length)) = Entry::read(file, self.at.end, end)? {
            self.at.end += length;
            match entry.part(file, shift)? {
                Some(part) => self.parts.push(part),
                None => self.lost.push(entry.name),
            }
        }
        Ok(())
    }
}

/// An entry of the directory.
struct Entry {
    name: String,
    modified: Option<Timestamp>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
}

impl Entry {
    /// The entry at an offset, and how long it is.
    fn read(file: &mut dyn ReadSeek, at: u64, end: u64) -> io::Result<Option<(Self, u64)>> {
        let Some(length) = entry_length(file, at, end)? else {
            return Ok(None);
        };
        let header: [u8; CENTRAL_SIZE] = bytes_at(file, at)?;
        let name_length = usize::from(u16_at(&header, 28));
        let mut varying = vec![0; name_length + usize::from(u16_at(&header, 30))];
        fill(file, &mut varying, 0);
        let (name, extra) = varying.split_at(name_length);
        let [size, packed, offset] = wide(
            extra,
            [u32_at(&header, 24), u32_at(&header, 20), u32_at(&header, 42)],
        );
        let entry = Self {
            name: String::from_utf8_lossy(name).into_owned(),
            modified: modified(u16_at(&header, 14), u16_at(&header, 12)),
            flags: u16_at(&header, 8),
            method: u16_at(&header, 10),
            crc: u32_at(&header, 16),
            packed,
            size,
            offset,
        };
        Ok(Some((entry, length)))
    }

    /// The member that it stands for; `None` where there is no header of one.
    fn part(&self, file: &mut dyn ReadSeek, shift: u64) -> io::Result<Option<Part>> {
        for start in [self.offset.saturating_add(shift), self.offset] {
            if has_magic(file, start, u64::MAX, LOCAL)? {
                let header: [u8; LOCAL_SIZE] = bytes_at(file, start)?;
                let data = start + local_length(&header);
                // Encrypted is what both say is.
                let encrypted = self.flags & u16_at(&header, 6) & 1;
                return Ok(Some(Part {
                    name: self.name.clone(),
                    modified: self.modified,
                    flags: self.flags & !1 | encrypted,
                    method: self.method,
                    start,
                    data: data..data.saturating_add(self.packed),
                    stated: Some((self.crc, self.size)),
                }));
            }
        }
        Ok(None)
    }
}

/// The member whose header stands at an offset; its data ends at `end` where it does not say how long it is.
pub(super) fn part_at(file: &mut dyn ReadSeek, start: u64, end: u64) -> io::Result<Part> {
    let header: [u8; LOCAL_SIZE] = bytes_at(file, start)?;
    let name_length = usize::from(u16_at(&header, 26));
    let mut varying = vec![0; name_length + usize::from(u16_at(&header, 28))];
    fill(file, &mut varying, 0);
    let (name, extra) = varying.split_at(name_length);
    let [size, packed] = wide(extra, [u32_at(&header, 22), u32_at(&header, 18)]);
    let data = (start + local_length(&header)).min(end);
    let flags = u16_at(&header, 6);
    // The sizes stand behind the data; some programs state them here all the same.
    let unknown = flags & 8 != 0 && packed == 0;
    Ok(Part {
        name: String::from_utf8_lossy(name).into_owned(),
        modified: modified(u16_at(&header, 12), u16_at(&header, 10)),
        flags,
        method: u16_at(&header, 8),
        start,
        data: data..if unknown {
            end
        } else {
            data.saturating_add(packed).min(end)
        },
        stated: (!unknown).then(|| (u32_at(&header, 14), size)),
    })
}

/// What stands at a place outside of the members and the directory.
pub(super) enum Mark {
    /// The header of a member.
    Member,
    /// A part of some directory, so long.
    Record(u64),
}

/// What the bytes at an offset are, if they are anything of a zip.
pub(super) fn mark_at(file: &mut dyn ReadSeek, at: u64, end: u64) -> io::Result<Option<Mark>> {
    let mut bytes = [0; END_64_SIZE];
    let read = read_at(file, at, &mut bytes)?;
    let left = usize::try_from(end - at).unwrap_or(usize::MAX);
    let bytes = &bytes[..read.min(left)];
    let fixed = |length: usize| (bytes.len() >= length).then_some(length as u64);
    let record = match bytes.get(..4) {
        Some(LOCAL) => return Ok(is_member(bytes, end - at).then_some(Mark::Member)),
        Some(CENTRAL) => entry_length(file, at, end)?,
        Some(END) => fixed(END_SIZE)
            .map(|length| length + u64::from(u16_at(bytes, 20)))
            .filter(|length| *length <= end - at),
        Some(END_64) => fixed(END_64_SIZE),
        Some(LOCATOR_64) => fixed(LOCATOR_64_SIZE),
        _ => None,
    };
    Ok(record.map(Mark::Record))
}

/// Whether a header is one that some program may have written: its magic alone may stand in any data.
fn is_member(header: &[u8], left: u64) -> bool {
    let methods = [0..=10, 12..=12, 14..=14, 16..=16, 18..=20, 93..=99];
    header.len() >= LOCAL_SIZE
        && header[4] <= 63
        && methods.iter().any(|methods| methods.contains(&u16_at(header, 8)))
        && (1..=4096).contains(&u16_at(header, 26))
        && local_length(header) <= left
}

/// How long what a program writes behind the data is: a checksum and the two sizes, which must be those of the data.
pub(super) fn descriptor_length(
    file: &mut dyn ReadSeek,
    at: u64,
    packed: u64,
    (crc, size): (u32, u64),
) -> io::Result<u64> {
    let mut bytes = [0; 24];
    let read = read_at(file, at, &mut bytes)?;
    let bytes = &bytes[..read];
    let magic = if bytes.starts_with(DESCRIPTOR) { 4 } else { 0 };
    let short: Vec<u8> = [crc.to_le_bytes(), low(packed), low(size)].concat();
    let long = [&crc.to_le_bytes()[..], &packed.to_le_bytes(), &size.to_le_bytes()].concat();
    let found = [long, short]
        .into_iter()
        .find(|wanted| bytes[magic.min(read)..].starts_with(wanted));
    Ok(found.map_or(0, |found| (magic + found.len()) as u64))
}

/// Where data ends that is as long as what is stated behind it says, and what that states. No more than `budget` bytes
/// are looked at in all.
pub(super) fn described(
    file: &mut dyn ReadSeek,
    data: Range<u64>,
    budget: &mut u64,
) -> io::Result<Option<(u64, (u32, u64))>> {
    let end = data.end.min(data.start.saturating_add(*budget));
    let short = |at: u64, bytes: &[u8]| u64::from(u32_at(bytes, 8)) == at - data.start;
    let long = |at: u64, bytes: &[u8]| bytes.len() >= 24 && u64_at(bytes, 8) == at - data.start;
    let sound = |at: u64, bytes: &[u8]| short(at, bytes) || long(at, bytes);
    let found = find(file, data.start..end, (DESCRIPTOR, 16), &sound)?;
    *budget = budget.saturating_sub(found.unwrap_or(end) - data.start);
    let Some(at) = found else { return Ok(None) };
    let bytes: [u8; 24] = bytes_at(file, at)?;
    let size = if long(at, &bytes) {
        u64_at(&bytes, 16)
    } else {
        u64::from(u32_at(&bytes, 12))
    };
    Ok(Some((at, (u32_at(&bytes, 4), size))))
}

/// Where the next header stands that some program may have written.
pub(super) fn next_member(file: &mut dyn ReadSeek, range: Range<u64>) -> io::Result<Option<u64>> {
    let end = range.end;
    let sound = |at: u64, header: &[u8]| is_member(header, end - at);
    find(file, range, (LOCAL, LOCAL_SIZE), &sound)
}

/// Where a magic stands next at the head of so many bytes that are sound. Nothing is read twice but these.
fn find(
    file: &mut dyn ReadSeek,
    range: Range<u64>,
    (magic, length): (&[u8], usize),
    sound: &dyn Fn(u64, &[u8]) -> bool,
) -> io::Result<Option<u64>> {
    let (mut at, mut window) = (range.start, 256);
    let mut bytes = Vec::new();
    while at < range.end {
        let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        bytes.resize(window.min(left), 0);
        let read = read_at(file, at, &mut bytes)?;
        let found = memchr::memmem::find_iter(&bytes[..read], magic)
            .find(|found| found + length <= read && sound(at + *found as u64, &bytes[*found..read]));
        if let Some(found) = found {
            return Ok(Some(at + found as u64));
        }
        if read < length {
            break;
        }
        at += (read + 1 - length) as u64;
        // Things may stand close together: a window is no more than a few times what lies between two.
        window = (window * 4).min(WINDOW);
    }
    Ok(None)
}

/// Where the archive ends: behind its last end-of-directory record and the comment of that; at the end of the file
/// where there is none.
pub(super) fn end_of_archive(file: &mut dyn ReadSeek) -> io::Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut bytes = Vec::new();
    let mut stop = size;
    while stop > 0 {
        let start = stop.saturating_sub(WINDOW as u64);
        file.seek(SeekFrom::Start(start))?;
        bytes.clear();
        // A record that begins in this window may end in the one behind it.
        let held = stop - start + END_SIZE as u64;
        (&mut *file).take(held).read_to_end(&mut bytes)?;
        if let Some((_, end)) = last_end(&bytes, start, size) {
            return Ok(end);
        }
        stop = start;
    }
    Ok(size)
}

/// Whether a file that begins as something else ends in a zip: one that unpacks itself, say.
pub(super) fn ends_in_zip(file: &mut dyn ReadSeek) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    let directory = Directory::find(file, size)?;
    Ok(directory.is_some_and(|directory| !directory.parts.is_empty()))
}

/// Where the end-of-directory record stands that ends at an offset with its comment.
fn last_record(file: &mut dyn ReadSeek, end: u64) -> io::Result<Option<u64>> {
    // Most have no comment.
    for reach in [END_SIZE, END_SIZE + usize::from(u16::MAX)] {
        let start = end.saturating_sub(reach as u64);
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(reach)];
        let read = read_at(file, start, &mut bytes)?;
        let found = memchr::memmem::rfind_iter(&bytes[..read], END).find(|at| {
            let comment = bytes.get(at + END_SIZE - 2..at + END_SIZE);
            comment.is_some_and(|length| at + END_SIZE + usize::from(u16_at(length, 0)) == bytes.len())
        });
        if let Some(at) = found {
            return Ok(Some(start + at as u64));
        }
    }
    Ok(None)
}

/// The last end-of-directory record in some bytes that fits the file, and where its comment ends.
fn last_end(bytes: &[u8], start: u64, size: u64) -> Option<(u64, u64)> {
    memchr::memmem::rfind_iter(bytes, END).find_map(|at| {
        let record = bytes.get(at..at + END_SIZE)?;
        let begin = start + at as u64;
        let end = begin + END_SIZE as u64 + u64::from(u16_at(record, 20));
        (end <= size).then_some((begin, end))
    })
}

/// The record of a big zip, and where it stands, before the end record at an offset.
fn record_64(file: &mut dyn ReadSeek, end: u64) -> io::Result<Option<(u64, [u8; END_64_SIZE])>> {
    let Some(at) = end.checked_sub(LOCATOR_64_SIZE as u64) else {
        return Ok(None);
    };
    if !has_magic(file, at, end, LOCATOR_64)? {
        return Ok(None);
    }
    let locator: [u8; LOCATOR_64_SIZE] = bytes_at(file, at)?;
    for start in [Some(u64_at(&locator, 8)), at.checked_sub(END_64_SIZE as u64)] {
        let start = start.filter(|start| start.saturating_add(END_64_SIZE as u64) <= at);
        if let Some(start) = start
            && has_magic(file, start, at, END_64)?
        {
            return Ok(Some((start, bytes_at(file, start)?)));
        }
    }
    Ok(None)
}

/// How long the directory's entry at an offset is.
fn entry_length(file: &mut dyn ReadSeek, at: u64, end: u64) -> io::Result<Option<u64>> {
    if !has_magic(file, at, end, CENTRAL)? {
        return Ok(None);
    }
    let header: [u8; CENTRAL_SIZE] = bytes_at(file, at)?;
    let varying: u64 = [28, 30, 32].map(|at| u64::from(u16_at(&header, at))).iter().sum();
    let length = CENTRAL_SIZE as u64 + varying;
    Ok((at.saturating_add(length) <= end).then_some(length))
}

fn local_length(header: &[u8]) -> u64 {
    LOCAL_SIZE as u64 + u64::from(u16_at(header, 26)) + u64::from(u16_at(header, 28))
}

/// Numbers of which those that are too wide for 32 bits stand in the extra field, one behind the other.
fn wide<const N: usize>(extra: &[u8], numbers: [u32; N]) -> [u64; N] {
    let mut rest = extra;
    let mut found: &[u8] = &[];
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16_at(head, 2)).min(behind.len());
        if u16_at(head, 0) == 1 {
            found = &behind[..length];
            break;
        }
        rest = &behind[length..];
    }
    numbers.map(|number| {
        if number == u32::MAX
            && let Some((wide, rest)) = found.split_first_chunk::<8>()
        {
            found = rest;
            return u64::from_le_bytes(*wide);
        }
        u64::from(number)
    })
}

/// A time of MS-DOS. It has no zone; a day's slack is what a file's own time needs to be good for.
fn modified(date: u16, time: u16) -> Option<Timestamp> {
    let part = |number: u16, shift: u16, bits: u16| i8::try_from(number >> shift & ((1 << bits) - 1)).ok();
    let year = i16::try_from(date >> 9).ok()? + 1980;
    let date = jiff::civil::Date::new(year, part(date, 5, 4)?, part(date, 0, 5)?).ok()?;
    let time = jiff::civil::Time::new(part(time, 11, 5)?, part(time, 5, 6)?, 0, 0).ok()?;
    let time = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC);
    Some(time.ok()?.timestamp())
}

/// Whether a magic stands at an offset.
fn has_magic(file: &mut dyn ReadSeek, at: u64, end: u64, magic: &[u8]) -> io::Result<bool> {
    let mut bytes = [0; 4];
    Ok(at < end && read_at(file, at, &mut bytes)? == 4 && bytes == magic)
}

/// Bytes at an offset; zeros behind the end of the file.
fn bytes_at<const N: usize>(file: &mut dyn ReadSeek, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    read_at(file, at, &mut bytes)?;
    Ok(bytes)
}

/// Reads bytes at an offset, and leaves the file behind them.
pub(super) fn read_at(file: &mut dyn ReadSeek, at: u64, bytes: &mut [u8]) -> io::Result<usize> {
    // Some systems have no offsets so high.
    if i64::try_from(at).is_err() {
        return Ok(0);
    }
    file.seek(SeekFrom::Start(at))?;
    match fill(file, bytes, 0) {
        (_, Some(error)) => Err(error),
        (read, None) => Ok(read),
    }
}

fn low(number: u64) -> [u8; 4] {
    let bytes = number.to_le_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
