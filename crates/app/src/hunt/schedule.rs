//! Reads and searches all inputs with several threads.
//!
//! Each thread takes the next input and reads it. While some thread has no input left to read, the readers give it
//! blocks to search, as many as the queue holds, and search the others themselves. So many small files are searched
//! side by side, and one large one is, too.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use perisai_detect::Detector;
use perisai_events::{Block, Sink, Stream};
use perisai_model::Problem;

use super::order::{Message, Order, Output};
use super::search::{Searcher, Seen};
use super::{HuntError, Progress, Settings};
use crate::files::Input;

/// So many findings may be held back before threads that are ahead wait.
const AHEAD: usize = 100_000;

/// Findings wait no longer than this before they are written out: somebody may be watching.
const FLUSH: Duration = Duration::from_millis(100);

/// Searches all inputs; gives what kinds of events went by.
pub(super) fn search_all(
    settings: &Settings,
    detector: &Detector,
    inputs: &[Input],
    progress: &Progress,
    output: &mut Output<'_>,
) -> Result<Seen, HuntError> {
    let threads = match settings.threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        some => some,
    };
    let shared = Shared::new(settings, inputs, progress, threads);
    let seen = Mutex::new(Seen::default());
    let (sender, receiver) = sync_channel(4 * threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (shared, seen, sender) = (&shared, &seen, sender.clone());
            scope.spawn(move || {
                let mut worker = Worker {
                    shared,
                    sender,
                    searcher: Searcher::new(detector, settings),
                };
                worker.work();
                worker.searcher.add_seen(&mut lock(seen));
            });
        }
        drop(sender);
        let mut order = Order::new(output);
        loop {
            let good = match receiver.recv_timeout(FLUSH) {
                Ok(message) => order.take(message) && order.flush(FLUSH),
                Err(RecvTimeoutError::Timeout) => order.flush(Duration::ZERO),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if !good {
                shared.stop.store(true, Ordering::Relaxed);
            }
            shared.advance(order.state());
        }
        order.outcome()
    })?;
    Ok(seen.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// What the threads share.
struct Shared<'a> {
    settings: &'a Settings,
    inputs: &'a [Input],
    progress: &'a Progress,
    threads: usize,
    state: Mutex<State>,
    changed: Condvar,
    stop: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The next input to be read.
    next: usize,
    /// How many threads read one.
    readers: usize,
    queue: VecDeque<Job>,
    buffers: Vec<Vec<u8>>,
    /// The input whose findings are being written, and how many findings of later ones are held back.
    written: (usize, usize),
}

/// A block to be searched.
struct Job {
    input: usize,
    seq: u64,
    block: Block,
}

enum Task {
    Search(Job),
    Read(usize),
}

impl<'a> Shared<'a> {
    fn new(settings: &'a Settings, inputs: &'a [Input], progress: &'a Progress, threads: usize) -> Self {
        let (state, changed, stop) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        Self {
            settings,
            inputs,
            progress,
            threads,
            state,
            changed,
            stop,
        }
    }

    /// The next thing to do; waits while others may still bring some. `None` when all is done.
    fn task(&self) -> Option<Task> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(Task::Search(job));
            }
            if state.next < self.inputs.len() && !self.is_ending() {
                let input = state.next;
                state.next += 1;
                state.readers += 1;
                return Some(Task::Read(input));
            }
            if state.readers == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the output failed, or the user wants no more.
    fn is_ending(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.settings.stop.is_set()
    }

    fn end_reading(&self) {
        lock(&self.state).readers -= 1;
        self.changed.notify_all();
    }

    /// Gives a block to another thread, if one has nothing to read; else gives it back.
    fn offer(&self, job: Job) -> Option<Job> {
        let mut state = lock(&self.state);
        let idle = self.threads - state.readers.min(self.threads);
        if state.queue.len() >= 2 * idle {
            return Some(job);
        }
        state.queue.push_back(job);
        drop(state);
        self.changed.notify_one();
        None
    }

    fn buffer(&self) -> Vec<u8> {
        lock(&self.state).buffers.pop().unwrap_or_default()
    }

    fn reuse(&self, buffer: Vec<u8>) {
        let mut state = lock(&self.state);
        if state.buffers.len() < 4 * self.threads {
            state.buffers.push(buffer);
        }
    }

    /// Tells how far the output is.
    fn advance(&self, written: (usize, usize)) {
        let mut state = lock(&self.state);
        if state.written != written {
            state.written = written;
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Waits while too much is held back for an earlier input. That input's own thread never waits, so it ends.
    fn wait_for_turn(&self, input: usize) {
        let mut state = lock(&self.state);
        while state.written.1 > AHEAD && input > state.written.0 && !self.is_ending() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// One thread.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    sender: SyncSender<Message>,
    searcher: Searcher<'a>,
}

impl Worker<'_> {
    fn work(&mut self) {
        while let Some(task) = self.shared.task() {
            match task {
                Task::Search(job) => self.search(job),
                Task::Read(input) => self.read(input),
            }
        }
    }

    fn search(&mut self, Job { input, seq, block }: Job) {
        self.shared.wait_for_turn(input);
        let found = Box::new(self.searcher.search(&block));
        self.shared.progress.add_searched(block.bytes.len() as u64);
        self.shared.reuse(block.bytes);
        self.send(Message::Block { input, seq, found });
    }

    fn read(&mut self, input: usize) {
        let shared = self.shared;
        let mut reading = Reading {
            worker: self,
            input,
            blocks: 0,
            files: 0,
            streams: Vec::new(),
            problems: Vec::new(),
        };
        shared.inputs[input].read(
            &shared.settings.read,
            &|bytes| shared.progress.add_read(bytes),
            &|| shared.is_ending(),
            &mut reading,
        );
        if !shared.is_ending() {
            shared.progress.add_input();
        }
        let Reading {
            blocks,
            files,
            streams,
            problems,
            ..
        } = reading;
        self.send(Message::End {
            input,
            blocks,
            files,
            streams,
            problems,
        });
        shared.end_reading();
    }

    fn send(&self, message: Message) {
        // The receiver is gone only when a panic unwinds through it.
        let _ = self.sender.send(message);
    }
}

/// Takes an input's blocks while it is read.
struct Reading<'a, 'b> {
    worker: &'b mut Worker<'a>,
    input: usize,
    blocks: u64,
    files: u64,
    /// Streams that may have a problem to tell once all their blocks have been searched.
    streams: Vec<Arc<Stream>>,
    problems: Vec<Problem>,
}

impl Sink for Reading<'_, '_> {
    fn buffer(&mut self) -> Vec<u8> {
        self.worker.shared.buffer()
    }

    fn stream(&mut self, stream: &Arc<Stream>) {
        self.files += 1;
        // Only few formats have any; an archive may have a million members.
        if stream.tells_problems() {
            self.streams.push(Arc::clone(stream));
        }
    }

    fn block(&mut self, block: Block) -> ControlFlow<()> {
        if self.worker.shared.is_ending() {
            return ControlFlow::Break(());
        }
        let job = Job {
            input: self.input,
            seq: self.blocks,
            block,
        };
        self.blocks += 1;
        if let Some(job) = self.worker.shared.offer(job) {
            self.worker.search(job);
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        // What ends because it was to end is not broken.
        if !self.worker.shared.is_ending() {
            self.problems.push(problem);
        }
    }
}

/// What a mutex here guards is whole at any time, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
