//! The progress bar on standard error; only where that is a terminal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use perisai_app::hunt::Progress;

/// How often it is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// Runs something and shows how far it is.
pub(crate) fn while_shown<T>(progress: &Progress, run: impl FnOnce() -> T) -> T {
    let target = ProgressDrawTarget::stderr();
    if target.is_hidden() {
        return run();
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let shown = scope.spawn(|| show(progress, target, &done));
        // Set however `run` ends, so that a panic in it is not waited for in vain.
        let _ended = Ended {
            done: &done,
            shown: shown.thread(),
        };
        run()
    })
}

struct Ended<'a> {
    done: &'a AtomicBool,
    shown: &'a thread::Thread,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        self.shown.unpark();
    }
}

fn show(progress: &Progress, target: ProgressDrawTarget, done: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(None, target);
    let start = Instant::now();
    bar.set_style(style("{spinner} reading intelligence… {elapsed}"));
    let mut running = false;
    while !done.load(Ordering::Relaxed) {
        if progress.is_running() {
            if !running && progress.total() > 0 {
                bar.set_length(progress.total());
                bar.reset();
                bar.set_style(style("{wide_bar} {bytes}/{total_bytes} {msg} {eta} left"));
            } else if !running {
                bar.set_style(style("{spinner} {bytes} {msg} {elapsed}"));
            }
            running = true;
            bar.set_position(progress.read());
            let speed = progress.searched() as f64 / 1e6 / start.elapsed().as_secs_f64().max(0.001);
            bar.set_message(format!("{speed:.0} MB/s, {} found,", progress.findings()));
        } else {
            bar.tick();
        }
        thread::park_timeout(TICK);
    }
    bar.finish_and_clear();
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template that is known to be good")
}
