//! Tar archives, streamed. A header that is damaged ends nothing: the next one is looked for, as GNU tar does, and what
//! lies between is searched as it stands.

mod headers;
mod sparse;
mod tape;

use std::io::{self, Read};
use std::ops::ControlFlow;

use jiff::Timestamp;
use tar::{EntryType, Header};

use self::headers::Described;
pub(crate) use self::headers::{detect, has_magic};
use self::tape::{Mark, Tape};
use crate::read::{Input, Member, Walk, explain};

/// The longest name that is read.
const LONG_NAME: u64 = 64 << 10;

/// The most bytes of a pax header that are read.
const PAX: u64 = 1 << 20;

pub(crate) fn read(walk: &mut Walk<'_>, member: &Member, reader: &mut dyn Read) -> ControlFlow<()> {
    let mut archive = Archive {
        tape: Tape::new(reader),
        next: Described::default(),
        is_told: false,
        amiss: Amiss::default(),
    };
    let flow = archive.read(walk, member);
    archive.amiss.tell(walk, member);
    flow
}

struct Archive<'r> {
    tape: Tape<'r>,
    /// What headers of their own say of the next member.
    next: Described,
    /// An error of the reader has been told with the member in which it was met.
    is_told: bool,
    amiss: Amiss,
}

/// What is amiss in an archive, told once.
#[derive(Default)]
struct Amiss {
    damaged: u64,
    damaged_first: String,
    stray: u64,
    stray_first: u64,
}

impl Amiss {
    fn tell(&self, walk: &mut Walk<'_>, member: &Member) {
        if self.damaged > 0 {
            let why = format!(
                "{} headers of the tar archive are damaged, the first that of {:?}: what is behind them is searched up to the next",
                self.damaged, self.damaged_first
            );
            walk.problem(member, why);
        }
        if self.stray > 0 {
            let why = format!(
                "{} bytes of the tar archive, the first at {}, belong to no member: searched as they stand, with lines of their own",
                self.stray, self.stray_first
            );
            walk.problem(member, why);
        }
    }
}

impl Archive<'_> {
    fn read(&mut self, walk: &mut Walk<'_>, member: &Member) -> ControlFlow<()> {
        loop {
            match self.tape.next() {
                Ok(None) => return ControlFlow::Continue(()),
                Ok(Some(Mark::Header(header))) => self.header(walk, member, &header)?,
                Ok(Some(Mark::Damaged(header))) => {
                    let name = self.name(&header);
                    self.damaged(walk, member, &header, &name)?;
                }
                Ok(Some(Mark::Stray)) => self.stray(walk, member)?,
                Err(error) => {
                    if !self.is_told {
                        let why = format!("tar archive: {}; the rest is not searched", explain(&error));
                        walk.problem(member, why);
                    }
                    return ControlFlow::Continue(());
                }
            }
        }
    }

    /// What a sound header stands before.
    fn header(&mut self, walk: &mut Walk<'_>, member: &Member, header: &Header) -> ControlFlow<()> {
        let kind = header.entry_type();
        let described = has_magic(header.as_bytes())
            && matches!(
                kind,
                EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader
            );
        let stated = headers::size(header);
        let size = if described {
            stated
        } else {
            self.next.size.or(stated)
        };
        let Some(size) = size else {
            let name = self.name(header);
            return self.damaged(walk, member, header, &name);
        };
        if described {
            let limit = if kind == EntryType::XHeader {
                PAX
            } else {
                LONG_NAME
            };
            if size <= limit {
                let mut bytes = Vec::new();
                let read = self.tape.data(size).read_to_end(&mut bytes);
                self.failed(walk, member, read.err());
                self.tape.pad(size);
                match kind {
                    EntryType::XHeader => self.next.pax(&bytes),
                    EntryType::GNULongName => self.next.name = Some(headers::name(&bytes)),
                    _ => {}
                }
                return ControlFlow::Continue(());
            }
            let why = format!(
                "tar archive: a header of {size} bytes that describes the next member: searched as a file"
            );
            walk.problem(member, why);
        }
        // What describes the next member does not describe the header behind which it stands.
        let described = if described {
            Described::default()
        } else {
            std::mem::take(&mut self.next)
        };
        let name = name_of(described.name.as_deref(), header);
        let inside = member.named(&name, modified(described.modified.or(header.mtime().ok())));
        if kind == EntryType::GNUSparse && has_magic(header.as_bytes()) {
            return self.sparse(walk, inside, header, size);
        }
        let mut data = self.tape.data(size);
        if is_searched(kind, size) {
            walk.input(inside.clone(), Input::Stream(&mut data))?;
            self.is_told |= data.has_failed();
        }
        let rest = io::copy(&mut data, &mut io::sink());
        self.failed(walk, &inside, rest.err());
        self.tape.pad(size);
        ControlFlow::Continue(())
    }

    /// A file with holes, which are filled with zeros.
    fn sparse(&mut self, walk: &mut Walk<'_>, inside: Member, header: &Header, size: u64) -> ControlFlow<()> {
        let map = match sparse::map(header, size, &mut self.tape) {
            Ok(map) => map,
            Err(error) => {
                self.failed(walk, &inside, Some(error));
                None
            }
        };
        if map.is_none() {
            walk.problem(
                &inside,
                "the map of its holes does not fit it: searched without them",
            );
        }
        let (map, budget) = (map.unwrap_or_default(), self.tape.holes);
        let mut data = self.tape.data(size);
        let mut filled = sparse::Filled::new(&mut data, map, budget);
        walk.input(inside.clone(), Input::Stream(&mut filled))?;
        self.is_told |= filled.has_failed();
        let rest = io::copy(&mut filled, &mut io::sink());
        self.tape.holes = filled.budget();
        self.failed(walk, &inside, rest.err());
        self.tape.pad(size);
        ControlFlow::Continue(())
    }

    /// What stands behind a header that is damaged: as much as it states, where that can be read, and no more than up
    /// to the next header.
    fn damaged(
        &mut self,
        walk: &mut Walk<'_>,
        member: &Member,
        header: &Header,
        name: &str,
    ) -> ControlFlow<()> {
        if self.amiss.damaged == 0 {
            name.clone_into(&mut self.amiss.damaged_first);
        }
        self.amiss.damaged += 1;
        let stated = headers::size(header).filter(|size| *size > 0);
        let inside = member.named(name, modified(header.mtime().ok()));
        let mut data = self.tape.up_to_header(stated.unwrap_or(u64::MAX), false);
        walk.input(inside.clone(), Input::Stream(&mut data))?;
        self.is_told |= data.has_failed();
        let rest = io::copy(&mut data, &mut io::sink());
        self.failed(walk, &inside, rest.err());
        ControlFlow::Continue(())
    }

    /// What is no header, up to the next one.
    fn stray(&mut self, walk: &mut Walk<'_>, member: &Member) -> ControlFlow<()> {
        let from = self.tape.at();
        let mut data = self.tape.up_to_header(u64::MAX, true);
        walk.input(member.inside(), Input::Stream(&mut data))?;
        self.is_told |= data.has_failed();
        let rest = io::copy(&mut data, &mut io::sink());
        self.failed(walk, member, rest.err());
        if self.amiss.stray == 0 {
            self.amiss.stray_first = from;
        }
        self.amiss.stray += self.tape.at() - from;
        ControlFlow::Continue(())
    }

    /// Tells an error that nobody has met before.
    fn failed(&mut self, walk: &mut Walk<'_>, inside: &Member, error: Option<io::Error>) {
        if let Some(error) = error.filter(|_| !self.is_told) {
            walk.problem(inside, explain(&error));
            self.is_told = true;
        }
    }

    fn name(&mut self, header: &Header) -> String {
        let described = std::mem::take(&mut self.next);
        name_of(described.name.as_deref(), header)
    }
}

/// The name of a member: that which describes it, else its own.
fn name_of(described: Option<&[u8]>, header: &Header) -> String {
    let own = header.path_bytes();
    String::from_utf8_lossy(described.unwrap_or(&own)).into_owned()
}

fn modified(seconds: Option<u64>) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(seconds?).ok()?).ok()
}

/// Whether a member is searched. One of a kind that nobody knows is a file (POSIX `pax`, typeflag); and what should
/// have no data, a folder or a link, may have some, or headers where programs take that data for none.
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
