//! Tar archives, streamed.

use std::io::Read;
use std::ops::ControlFlow;

use jiff::Timestamp;
use tar::EntryType;

use crate::read::{Input, Member, Walk, explain};

/// Whether this is the header of a tar archive: by its checksum. The magic alone says nothing: it may stand in a log, at the
/// place that its first lines leave it.
pub(crate) fn detect(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<512>() else {
        return false;
    };
    let field = String::from_utf8_lossy(&header[CHECKSUM]);
    let Ok(stated) = i32::from_str_radix(field.trim_matches([' ', '\0']), 8) else {
        return false;
    };
    // Old programs sum signed characters.
    let sum = |value: fn(u8) -> i32| -> i32 {
        let bytes = header.iter().enumerate();
        bytes
            .map(|(at, &byte)| value(if CHECKSUM.contains(&at) { b' ' } else { byte }))
            .sum()
    };
    header[0] != 0 && (stated == sum(i32::from) || stated == sum(|byte| i32::from(byte.cast_signed())))
}

/// Where a header has its checksum (POSIX `ustar`).
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Whether this has the magic of a tar archive, at least.
pub(crate) fn has_magic(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

pub(crate) fn read(walk: &mut Walk<'_>, member: &Member, reader: &mut dyn Read) -> ControlFlow<()> {
    let mut archive = tar::Archive::new(reader);
    // Archives may be joined; and who can write zeros into one must not hide the members behind them.
    archive.set_ignore_zeros(true);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => {
            walk.problem(member, format!("tar archive: {}", explain(&error)));
            return ControlFlow::Continue(());
        }
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walk.problem(
                    member,
                    format!("tar archive: {}; the rest is not searched", explain(&error)),
                );
                break;
            }
        };
        if !is_searched(entry.header().entry_type(), entry.size()) {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let modified = entry.header().mtime().ok();
        let modified = modified.and_then(|seconds| Timestamp::from_second(i64::try_from(seconds).ok()?).ok());
        walk.input(member.named(&name, modified), Input::Stream(&mut entry))?;
    }
    ControlFlow::Continue(())
}

/// Whether a member is searched. One of a kind that nobody knows is a file (POSIX `pax`, typeflag); and what should have no
/// data, a folder or a link, may have some, or headers where programs take that data for none.
fn is_searched(kind: EntryType, size: u64) -> bool {
    match kind {
        EntryType::XGlobalHeader => false,
        EntryType::Directory
        | EntryType::Link
        | EntryType::Symlink
        | EntryType::Char
        | EntryType::Block
        | EntryType::Fifo => size > 0,
        _ => true,
    }
}
