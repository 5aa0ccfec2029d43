//! Reads and searches all inputs with several threads.
//!
//! Each thread takes the next input and reads it. While some thread has no input left to read, the readers give it
//! blocks to search, as many as the queue holds, and search the others themselves. So many small files are searched
//! side by side, and one large one is, too.

use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use perisai_detect::Detector;
use perisai_events::{Block, Layout, Sink, Stream};
use perisai_model::{Place, Problem};

use super::defect;
use super::kept::Kept;
use super::order::{End, Message, Order, Output};
use super::queue::{Bounds, Job, Queue, Task, lock};
use super::search::{Found, Searcher, Seen};
use super::{HuntError, Progress, Settings};
use crate::files::Input;

/// So many findings may be held back before threads that are ahead wait.
const AHEAD: usize = 30_000;

/// Findings wait no longer than this before they are written out: somebody may be watching.
const FLUSH: Duration = Duration::from_millis(100);

/// Searches all inputs; gives what kinds of events went by. What can be read only once is kept.
pub(super) fn search_all(
    settings: &Settings,
    detector: &Detector,
    inputs: &[Input],
    progress: &Progress,
    kept: &Kept,
    output: &mut Output<'_>,
) -> Result<Seen, HuntError> {
    let threads = match settings.threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        some => some,
    };
    let bounds = Bounds {
        inputs: inputs.len(),
        threads,
        ahead: AHEAD,
    };
    let shared = Shared {
        settings,
        detector,
        inputs,
        progress,
        kept,
        queue: Queue::new(bounds, settings.stop.clone()),
        buffers: Mutex::default(),
        most_buffers: 4 * threads,
        seen: Mutex::default(),
    };
    let (sender, receiver) = sync_channel(threads);
    thread::scope(|scope| {
        // Where the writing panics, the threads must not wait for it for ever: these two are dropped then.
        let (receiver, queue) = (receiver, FailOnDrop(&shared.queue));
        for _ in 0..threads {
            let (shared, sender) = (&shared, sender.clone());
            scope.spawn(move || Worker::new(shared, sender).work());
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
                queue.0.fail();
            }
            queue.0.advance(order.state());
        }
        order.outcome()
    })?;
    Ok(shared.seen.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Lets nobody wait for an output that is no more.
struct FailOnDrop<'a>(&'a Queue<Rest>);

impl Drop for FailOnDrop<'_> {
    fn drop(&mut self) {
        self.0.fail();
    }
}

/// What the threads share.
struct Shared<'a> {
    settings: &'a Settings,
    detector: &'a Detector,
    inputs: &'a [Input],
    progress: &'a Progress,
    kept: &'a Kept,
    queue: Queue<Rest>,
    /// Used ones, to be filled again.
    buffers: Mutex<Vec<Vec<u8>>>,
    most_buffers: usize,
    seen: Mutex<Seen>,
}

impl Shared<'_> {
    fn buffer(&self) -> Vec<u8> {
        lock(&self.buffers).pop().unwrap_or_default()
    }

    fn reuse(&self, buffer: Vec<u8>) {
        let mut buffers = lock(&self.buffers);
        if buffers.len() < self.most_buffers {
            buffers.push(buffer);
        }
    }
}

/// What is left to search of a block: from a place on.
struct Rest {
    block: Block,
    from: usize,
}

/// One thread.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    sender: SyncSender<Message>,
    searcher: Searcher<'a>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>, sender: SyncSender<Message>) -> Self {
        Self {
            shared,
            sender,
            searcher: Searcher::new(shared.detector, shared.settings),
        }
    }

    fn work(mut self) {
        while let Some(task) = self.shared.queue.task() {
            match task {
                Task::Search(job) => self.search(job),
                Task::Read(input) => self.read(input),
            }
        }
        self.searcher.add_seen(&mut lock(&self.shared.seen));
    }

    fn search(&mut self, mut job: Job<Rest>) {
        loop {
            let Job { at, block: rest } = job;
            let searcher = &mut self.searcher;
            let found = defect::caught(
                || beginning(&rest.block),
                || {
                    #[cfg(test)]
                    defect::on_purpose(&rest.block.bytes);
                    searcher.search(&rest.block, rest.from)
                },
            );
            let (found, from) = found.unwrap_or_else(|defect| {
                self.renew();
                let found = Found {
                    bytes: rest.block.bytes.len() as u64,
                    problems: vec![defect],
                    ..Found::default()
                };
                (found, None)
            });
            let (found, whole) = (Box::new(found), from.is_none());
            self.send(Message::Block { at, found, whole });
            let Some(from) = from else {
                self.shared.progress.add_searched(rest.block.bytes.len() as u64);
                return self.shared.reuse(rest.block.bytes);
            };
            let block = Rest { from, ..rest };
            match self.shared.queue.go_on(Job { at, block }) {
                Some(next) => job = next,
                None => return,
            }
        }
    }

    /// What was left in the middle of its work is whole no more.
    fn renew(&mut self) {
        self.searcher.add_seen(&mut lock(&self.shared.seen));
        self.searcher = Searcher::new(self.shared.detector, self.shared.settings);
    }

    fn read(&mut self, input: usize) {
        let shared = self.shared;
        let _ended = EndReading(&shared.queue);
        let mut reading = Reading {
            worker: self,
            input,
            end: End::default(),
        };
        let place = || shared.inputs[input].place.clone();
        let outcome = defect::caught(place, || {
            #[cfg(test)]
            defect::on_purpose(place().path.as_bytes());
            shared.inputs[input].read(
                &shared.settings.read,
                &|bytes| {
                    shared.progress.add_read(bytes.len() as u64);
                    shared.kept.add(input, bytes);
                },
                &|| shared.queue.is_ending(),
                &mut reading,
            );
        });
        let mut end = reading.end;
        end.problems.extend(outcome.err());
        if !shared.queue.is_ending() {
            shared.progress.add_input();
        }
        self.send(Message::End { input, end });
    }

    fn send(&self, message: Message) {
        // The receiver is gone only when a panic unwinds through it.
        let _ = self.sender.send(message);
    }
}

/// Where a block begins.
fn beginning(block: &Block) -> Place {
    match block.layout {
        Layout::Lines => block.stream.place.line(block.first),
        Layout::Records(_) => block.stream.place.record(block.first),
        Layout::EvtxChunk => block.stream.place.clone(),
    }
}

/// Tells that an input is read no more, however that ended.
struct EndReading<'a>(&'a Queue<Rest>);

impl Drop for EndReading<'_> {
    fn drop(&mut self) {
        self.0.end_reading();
    }
}

/// Takes an input's blocks while it is read.
struct Reading<'a, 'b> {
    worker: &'b mut Worker<'a>,
    input: usize,
    end: End,
}

impl Sink for Reading<'_, '_> {
    fn buffer(&mut self) -> Vec<u8> {
        self.worker.shared.buffer()
    }

    fn stream(&mut self, _stream: &Arc<Stream>) {
        self.end.files += 1;
    }

    fn block(&mut self, block: Block) -> ControlFlow<()> {
        let queue = &self.worker.shared.queue;
        if queue.is_ending() {
            return ControlFlow::Break(());
        }
        self.end.ask(&block.stream);
        let at = (self.input, self.end.blocks);
        self.end.blocks += 1;
        let block = Rest { block, from: 0 };
        if let Some(job) = queue.offer(Job { at, block }) {
            while let Some(earlier) = queue.before(at) {
                self.worker.search(earlier);
            }
            self.worker.search(job);
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        // What ends because it was to end is not broken.
        if !self.worker.shared.queue.is_ending() {
            self.end.problems.push(problem);
        }
    }
}
