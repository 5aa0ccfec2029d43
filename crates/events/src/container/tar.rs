//! Tar archives, streamed.

use std::io::Read;
use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::read::{Input, Member, Walk, explain};

/// Whether this is the header of a tar archive: by its magic, or, for the oldest kind, by its checksum.
pub(crate) fn detect(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<512>() else {
        return false;
    };
    if &header[257..262] == b"ustar" {
        return true;
    }
    let field = String::from_utf8_lossy(&header[148..156]);
    let Ok(stated) = u32::from_str_radix(field.trim_matches([' ', '\0']), 8) else {
        return false;
    };
    let summed: u32 = (0..512)
        .map(|at| {
            if (148..156).contains(&at) {
                32
            } else {
                u32::from(header[at])
            }
        })
        .sum();
    header[0] != 0 && stated == summed
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
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let modified = entry.header().mtime().ok();
        let modified = modified.and_then(|seconds| Timestamp::from_second(i64::try_from(seconds).ok()?).ok());
        walk.input(member.named(&name, modified), Input::Stream(&mut entry))?;
    }
    ControlFlow::Continue(())
}
