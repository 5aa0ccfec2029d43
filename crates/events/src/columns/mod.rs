//! Formats whose file states its columns: Zeek's own, CSV, W3C extended.

pub(crate) mod csv;
pub(crate) mod w3c;
pub(crate) mod zeek;

/// The most columns of a log.
const COLUMNS: usize = 1024;

/// The longest line of a header, in bytes; a longer one is none.
const LONGEST: usize = 16 << 10;

/// The lines at the start of a text that begin with `#`.
fn directives(text: &[u8]) -> impl Iterator<Item = &str> {
    text.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .take_while(|line| line.starts_with(b"#"))
        .filter(|line| line.len() <= LONGEST)
        .filter_map(|line| std::str::from_utf8(line).ok())
}
