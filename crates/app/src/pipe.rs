//! What can pause: standard input, named pipes, devices. A thread of its own reads ahead, so that a quiet writer holds
//! up neither what came before nor the end of the hunt.

use std::cell::RefCell;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How much is read at a time: what a pipe holds on Linux.
const PIECE: usize = 64 << 10;
/// How many pieces are read ahead.
const AHEAD: usize = 16;
/// A writer that gives nothing for so long pauses.
const QUIET: Duration = Duration::from_millis(100);
/// What has come is passed on after so long even while more comes, but too little to fill a block.
const LONGEST: Duration = Duration::from_millis(400);
/// How often the wish to end is looked at.
const TICK: Duration = Duration::from_millis(50);

/// The reading end of a pipe.
pub(crate) struct Pipe<'a> {
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// Gives used pieces back to be filled again.
    spent: Sender<Vec<u8>>,
    ends: &'a dyn Fn() -> bool,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    piece: Vec<u8>,
    at: usize,
    error: Option<io::Error>,
    ended: bool,
    /// When the first of what was not passed on yet came.
    since: Option<Instant>,
    /// The writer was found to pause, and nothing has come since.
    paused: bool,
}

impl<'a> Pipe<'a> {
    /// Opens a pipe; `None` is standard input. Once `ends` says so, its reading fails.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn open(path: Option<PathBuf>, ends: &'a dyn Fn() -> bool) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(AHEAD);
        let (spent, used) = channel();
        // Nobody waits for this thread: where nothing more comes it ends with the program.
        thread::Builder::new().spawn(move || {
            // Opening a named pipe waits for its writer, too.
            let outcome = match path {
                None => feed(&mut io::stdin().lock(), &sender, &used),
                Some(path) => std::fs::File::open(path).and_then(|mut file| feed(&mut file, &sender, &used)),
            };
            if let Err(error) = outcome {
                let _ = sender.send(Err(error));
            }
        })?;
        Ok(Self {
            pieces,
            spent,
            ends,
            state: RefCell::default(),
        })
    }

    /// Waits a moment for more, and tells whether none came. True as well where it comes in drops, from time to time.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut state = self.state.borrow_mut();
        if state.at < state.piece.len() || state.ended || state.error.is_some() {
            return false;
        }
        let waited = state.since.map_or(Duration::ZERO, |since| since.elapsed());
        if waited < LONGEST {
            let wait = if state.paused {
                Duration::ZERO
            } else {
                QUIET.min(LONGEST - waited)
            };
            if self.receive(&mut state, wait) {
                return false;
            }
            state.paused = true;
        }
        state.since = None;
        true
    }

    /// Takes the next piece, the end, or an error; false where none came in time.
    fn receive(&self, state: &mut State, wait: Duration) -> bool {
        match self.pieces.recv_timeout(wait) {
            Ok(Ok(piece)) => {
                let spent = std::mem::replace(&mut state.piece, piece);
                let _ = self.spent.send(spent);
                state.at = 0;
                state.paused = false;
                state.since.get_or_insert_with(Instant::now);
            }
            Ok(Err(error)) => state.error = Some(error),
            Err(RecvTimeoutError::Disconnected) => state.ended = true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
        true
    }
}

/// What a reader fails with whose reading is to end.
pub(crate) fn ended() -> io::Error {
    io::Error::other("interrupted")
}

/// Reads to the end, or until nobody wants more.
fn feed(
    from: &mut dyn Read,
    to: &SyncSender<io::Result<Vec<u8>>>,
    used: &Receiver<Vec<u8>>,
) -> io::Result<()> {
    loop {
        let mut piece = used.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let read = match from.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            outcome => outcome?,
        };
        piece.truncate(read);
        if read == 0 || to.send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
}

impl Read for &Pipe<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        loop {
            if (self.ends)() {
                return Err(ended());
            }
            if state.at < state.piece.len() {
                let length = buf.len().min(state.piece.len() - state.at);
                buf[..length].copy_from_slice(&state.piece[state.at..state.at + length]);
                state.at += length;
                return Ok(length);
            }
            if let Some(error) = state.error.take() {
                state.ended = true;
                return Err(error);
            }
            if state.ended {
                return Ok(0);
            }
            self.receive(&mut state, TICK);
        }
    }
}
