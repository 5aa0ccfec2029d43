//! What the headers of a tar archive say (POSIX `ustar` and `pax`, GNU).

use std::ops::Range;

use tar::Header;

/// The size of a header, and of what data is padded to.
pub(super) const BLOCK: usize = 512;

/// Where a header has its checksum.
const CHECKSUM: Range<usize> = 148..156;

/// The magic of all but the oldest archives, and where in a header it stands.
pub(super) const MAGIC: &[u8] = b"ustar";
pub(super) const MAGIC_AT: usize = 257;

/// Whether this begins with the header of a tar archive: by its checksum. The magic alone says nothing: it may stand in
/// a log, at the place that its first lines leave it.
pub(crate) fn detect(head: &[u8]) -> bool {
    head.first_chunk::<BLOCK>().is_some_and(is_header)
}

/// Whether this has the magic of a tar archive, at least.
pub(crate) fn has_magic(head: &[u8]) -> bool {
    head.get(MAGIC_AT..).is_some_and(|magic| magic.starts_with(MAGIC))
}

pub(super) fn is_header(header: &[u8; BLOCK]) -> bool {
    let Some(stated) = octal(&header[CHECKSUM]) else {
        return false;
    };
    // Old programs sum signed characters.
    let sum = |value: fn(u8) -> i64| -> i64 {
        let [before, behind] = [&header[..CHECKSUM.start], &header[CHECKSUM.end..]];
        let sum: i64 = before.iter().chain(behind).map(|byte| value(*byte)).sum();
        sum + CHECKSUM.map(|_| value(b' ')).sum::<i64>()
    };
    header[0] != 0 && (stated == sum(i64::from) || stated == sum(|byte| i64::from(byte.cast_signed())))
}

fn octal(field: &[u8]) -> Option<i64> {
    let field = std::str::from_utf8(field).ok()?;
    i64::from_str_radix(field.trim_matches([' ', '\0']), 8).ok()
}

/// How many bytes of data stand behind a header; `None` where it cannot say, or says what cannot be.
pub(super) fn size(header: &Header) -> Option<u64> {
    let size = header.entry_size().ok()?;
    i64::try_from(size).is_ok().then_some(size)
}

/// A name that a NUL may end.
pub(super) fn name(bytes: &[u8]) -> Vec<u8> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    bytes[..end].to_vec()
}

/// What stands in headers of their own before the member that it is about.
#[derive(Default)]
pub(super) struct Described {
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// In seconds.
    pub(super) modified: Option<u64>,
}

impl Described {
    /// Reads a pax header (POSIX `pax`, extended header): `LENGTH KEY=VALUE\n`, one behind the other.
    pub(super) fn pax(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((record, behind)) = record(rest) {
            rest = behind;
            let Some(equals) = memchr::memchr(b'=', record) else {
                continue;
            };
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            let number = || {
                let text = std::str::from_utf8(value).ok()?;
                let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
                whole.parse::<i64>().ok()?.try_into().ok()
            };
            match key {
                b"path" => self.name = Some(name(value)),
                b"size" => self.size = number(),
                b"mtime" => self.modified = number(),
                _ => {}
            }
        }
    }
}

/// The record that these bytes begin with, without its length and its end, and what is behind it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = memchr::memchr(b' ', &bytes[..bytes.len().min(20)])?;
    let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
    let record = bytes.get(blank + 1..length)?;
    Some((record.strip_suffix(b"\n")?, &bytes[length..]))
}
