//! Who does what next: the inputs that have not been read yet, and the blocks that wait to be searched.
//!
//! What is found is written in the order of the inputs and their blocks, so what comes too early is held back. While
//! too much is, nothing is searched but the block whose turn it is: any thread that would wait takes it. A thread never
//! waits with that block in its hands, and whoever reads that block's input never waits before having given it out; so
//! the turn always moves on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::stop::Stop;

/// A place in the output: the number of an input, and of a block in it.
pub(super) type Turn = (usize, u64);

/// A block to be searched.
pub(super) struct Job<B> {
    pub(super) at: Turn,
    pub(super) block: B,
}

/// What a thread is to do.
pub(super) enum Task<B> {
    Search(Job<B>),
    /// Read the input of this number.
    Read(usize),
}

/// How much there is to do, and how much may be held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) inputs: usize,
    pub(super) threads: usize,
    /// So many findings may be held back before only the block whose turn it is is searched.
    pub(super) ahead: usize,
}

/// The tasks, shared by all threads.
pub(super) struct Queue<B> {
    bounds: Bounds,
    stop: Stop,
    failed: AtomicBool,
    state: Mutex<State<B>>,
    changed: Condvar,
}

struct State<B> {
    /// The next input to be read.
    next: usize,
    /// How many threads read one.
    readers: usize,
    jobs: BTreeMap<Turn, B>,
    /// The block that is to be written next, and how many findings of later ones are held back.
    written: (Turn, usize),
}

impl<B> State<B> {
    /// The earliest block that may be searched now.
    fn job(&mut self, full: bool) -> Option<Job<B>> {
        let first = self.jobs.first_entry()?;
        if full && *first.key() > self.written.0 {
            return None;
        }
        let (at, block) = first.remove_entry();
        Some(Job { at, block })
    }
}

impl<B> Queue<B> {
    pub(super) fn new(bounds: Bounds, stop: Stop) -> Self {
        let state = State {
            next: 0,
            readers: 0,
            jobs: BTreeMap::new(),
            written: ((0, 0), 0),
        };
        Self {
            bounds,
            stop,
            failed: AtomicBool::new(false),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// The next thing to do; waits while others may still bring some. `None` when all is done. Who gets an input to
    /// read calls [`Queue::end_reading`] behind it.
    pub(super) fn task(&self) -> Option<Task<B>> {
        let mut state = lock(&self.state);
        loop {
            let (ending, full) = (self.is_ending(), self.is_full(&state));
            if let Some(job) = state.job(full) {
                return Some(Task::Search(job));
            }
            let unread = state.next < self.bounds.inputs && !ending;
            if unread && !(full && state.next > state.written.0.0) {
                state.next += 1;
                state.readers += 1;
                return Some(Task::Read(state.next - 1));
            }
            if state.readers == 0 && state.jobs.is_empty() && !unread {
                return None;
            }
            state = self.stop.wait(&self.changed, state);
        }
    }

    /// Whether too much is held back. One that is ending holds no more back than it has.
    fn is_full(&self, state: &State<B>) -> bool {
        state.written.1 > self.bounds.ahead && !self.is_ending()
    }

    /// Whether the output failed, or the user wants no more.
    pub(super) fn is_ending(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.stop.is_set()
    }

    /// The output has failed: nothing more is read.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
        // Who has looked at the flag and does not wait yet holds the lock.
        drop(lock(&self.state));
        self.changed.notify_all();
    }

    /// An input was read to its end.
    pub(super) fn end_reading(&self) {
        lock(&self.state).readers -= 1;
        self.changed.notify_all();
    }

    /// Gives a block to another thread, if one has nothing to read; else gives it back.
    pub(super) fn offer(&self, job: Job<B>) -> Option<Job<B>> {
        let mut state = lock(&self.state);
        let idle = self.bounds.threads - state.readers.min(self.bounds.threads);
        if state.jobs.len() >= 2 * idle {
            return Some(job);
        }
        state.jobs.insert(job.at, job.block);
        drop(state);
        self.changed.notify_all();
        None
    }

    /// Whether the rest of a block may be searched now; gives the block back then. Else whoever has nothing to do
    /// goes on with it once its turn has come, or less is held back.
    pub(super) fn go_on(&self, job: Job<B>) -> Option<Job<B>> {
        let mut state = lock(&self.state);
        if !self.is_full(&state) || job.at <= state.written.0 {
            return Some(job);
        }
        state.jobs.insert(job.at, job.block);
        drop(state);
        self.changed.notify_all();
        None
    }

    /// Waits until a block may be searched. `Some` is what is to be searched before: call again then.
    pub(super) fn before(&self, at: Turn) -> Option<Job<B>> {
        let mut state = lock(&self.state);
        while self.is_full(&state) && at > state.written.0 {
            if let Some(job) = state.job(true) {
                return Some(job);
            }
            state = self.stop.wait(&self.changed, state);
        }
        None
    }

    /// Tells how far the output is: the block to be written next, and how many findings of later ones are held.
    pub(super) fn advance(&self, written: (Turn, usize)) {
        let mut state = lock(&self.state);
        let was_full = self.is_full(&state);
        state.written = written;
        if was_full {
            drop(state);
            self.changed.notify_all();
        }
    }
}

/// What a mutex here guards is whole at any time, so a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// So many findings are told at once.
    const PART: usize = 3;

    enum Told {
        /// Findings of a block, and whether these were the last.
        Found(Turn, usize, bool),
        End(usize, u64),
    }

    /// Numbers that look random, the same on each run.
    fn random(seed: u64) -> u64 {
        let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
    }

    fn work(queue: &Queue<usize>, blocks: &[Vec<usize>], out: &SyncSender<Told>) {
        // A block stands for so many findings, and gives some of them at a time.
        let search = |mut job: Job<usize>| {
            loop {
                if random(job.block as u64 ^ job.at.1).is_multiple_of(4) {
                    thread::sleep(Duration::from_micros(50));
                }
                let Job { at, block } = job;
                let part = block.min(PART);
                let _ = out.send(Told::Found(at, part, part == block));
                if part == block {
                    return;
                }
                let block = block - part;
                match queue.go_on(Job { at, block }) {
                    Some(next) => job = next,
                    None => return,
                }
            }
        };
        while let Some(task) = queue.task() {
            let input = match task {
                Task::Search(job) => {
                    search(job);
                    continue;
                }
                Task::Read(input) => input,
            };
            for (seq, &block) in (0..).zip(&blocks[input]) {
                let at = (input, seq);
                if let Some(job) = queue.offer(Job { at, block }) {
                    while let Some(earlier) = queue.before(at) {
                        search(earlier);
                    }
                    search(job);
                }
            }
            let _ = out.send(Told::End(input, blocks[input].len() as u64));
            queue.end_reading();
        }
    }

    /// Runs it all as a hunt does, and gives the most findings that were held back.
    fn run(blocks: &[Vec<usize>], threads: usize, ahead: usize) -> usize {
        let bounds = Bounds {
            inputs: blocks.len(),
            threads,
            ahead,
        };
        let queue = Queue::new(bounds, Stop::default());
        let (sender, receiver) = sync_channel(4);
        let (mut early, mut ends) = (BTreeMap::<Turn, (usize, bool)>::new(), BTreeMap::new());
        let (mut at, mut held, mut most): (Turn, usize, usize) = ((0, 0), 0, 0);
        let mut moved = Instant::now();
        thread::scope(|scope| {
            // Dropped where nobody moves, so that the threads end and the test fails.
            let receiver = receiver;
            for _ in 0..threads {
                let (queue, sender) = (&queue, sender.clone());
                scope.spawn(move || work(queue, blocks, &sender));
            }
            drop(sender);
            loop {
                match receiver.recv_timeout(Duration::from_millis(100)) {
                    Ok(Told::Found(at, findings, whole)) => {
                        held += findings;
                        let block = early.entry(at).or_default();
                        *block = (block.0 + findings, whole);
                    }
                    Ok(Told::End(input, blocks)) => {
                        ends.insert(input, blocks);
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) if moved.elapsed() > Duration::from_secs(5) => {
                        queue.fail();
                        panic!("nobody moves: {at:?} is to be written, {held} findings are held");
                    }
                    Err(RecvTimeoutError::Timeout) => continue,
                }
                moved = Instant::now();
                loop {
                    if let Some((findings, whole)) = early.remove(&at) {
                        held -= findings;
                        if !whole {
                            break;
                        }
                        at.1 += 1;
                    } else if ends.get(&at.0) == Some(&at.1) {
                        at = (at.0 + 1, 0);
                    } else {
                        break;
                    }
                }
                most = most.max(held);
                queue.advance((at, held));
            }
        });
        assert_eq!(at, (blocks.len(), 0), "all was written");
        most
    }

    #[test]
    fn the_turn_always_moves_on_and_what_is_held_is_bounded() {
        const MOST: usize = 7;
        for round in 0..200 {
            let of = |salt: u64| random(round * 1000 + salt);
            let (inputs, threads) = (1 + of(1) % 12, 1 + of(2) as usize % 8);
            let blocks: Vec<Vec<usize>> = (0..inputs)
                .map(|input| {
                    let count = if of(3).is_multiple_of(3) {
                        1
                    } else {
                        of(10 + input) % 40
                    };
                    (0..count)
                        .map(|at| of(100 * input + at) as usize % MOST)
                        .collect()
                })
                .collect();
            let ahead = of(4) as usize % 4;
            let most = run(&blocks, threads, ahead);
            // Beyond what may be held: what each thread has in hand, and what is on its way.
            let bound = ahead + MOST * (2 * threads + 6);
            assert!(most <= bound, "{most} findings were held, over {bound}");
        }
    }

    #[test]
    fn a_wish_to_end_wakes_who_waits() {
        let bounds = Bounds {
            inputs: 2,
            threads: 2,
            ahead: 0,
        };
        let stop = Stop::default();
        let queue = Queue::<()>::new(bounds, stop.clone());
        assert!(matches!(queue.task(), Some(Task::Read(0))));
        assert!(matches!(queue.task(), Some(Task::Read(1))));
        queue.advance(((0, 0), 1));
        thread::scope(|scope| {
            let waits = scope.spawn(|| queue.before((1, 0)).is_none());
            thread::sleep(Duration::from_millis(50));
            assert!(!waits.is_finished(), "too much is held back");
            stop.flag().store(true, Ordering::Relaxed);
            let since = Instant::now();
            assert!(waits.join().unwrap());
            assert!(since.elapsed() < Duration::from_secs(1));
        });
    }
}
