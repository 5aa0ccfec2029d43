//! What a node does for longer than a request lasts: imports, recalls, reindexing. Who asked looks again how far it is.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use perisai_store::{Error, Recalled};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Imported;
use crate::stop::Stop;

/// How many run at a time.
const RUNNING: usize = 4;

/// How many are remembered.
const KEPT: usize = 100;

/// What a job is for, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A file is taken in.
    Import(Imported),
    /// A source is recalled.
    Recall {
        /// What that came to.
        recalled: Recalled,
        /// The peers, by name, that are paused: they would bring it again.
        paused: Vec<String>,
    },
    /// The derived tables are made again.
    Reindex,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It is under way.
    Running,
    /// It is done.
    Done,
    /// It ended early, for a reason that was logged.
    Failed,
    /// It was told to end early.
    Stopped,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Which.
    pub id: Uuid,
    /// On what: the name of a file or a source.
    pub name: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub state: JobState,
    /// Why it failed, for who asked.
    pub error: Option<String>,
    /// How far it is.
    pub work: Work,
}

/// A job that runs.
#[derive(Clone)]
pub struct Job {
    status: Arc<Mutex<JobStatus>>,
    stop: Stop,
}

/// The jobs of a node, newest first.
#[derive(Debug, Default)]
pub struct Jobs {
    all: Mutex<VecDeque<Entry>>,
}

#[derive(Debug)]
struct Entry {
    job: Job,
    task: Option<JoinHandle<()>>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status().fmt(f)
    }
}

impl Job {
    /// As it stands.
    #[must_use]
    pub fn status(&self) -> JobStatus {
        self.lock().clone()
    }

    /// The wish that it end early.
    #[must_use]
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Says how far it is.
    pub fn is_at(&self, work: Work) {
        self.lock().work = work;
    }

    fn lock(&self) -> MutexGuard<'_, JobStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, outcome: Result<Work, Error>) {
        let mut status = self.lock();
        status.ended = Some(Timestamp::now());
        match outcome {
            Ok(work) => {
                status.work = work;
                status.state = if self.stop.is_set() {
                    JobState::Stopped
                } else {
                    JobState::Done
                };
            }
            Err(error) => {
                tracing::error!(job = %status.id, name = status.name, error = &error as &dyn std::error::Error,
                    "a job failed");
                status.state = JobState::Failed;
                status.error = Some(error.to_string());
            }
        }
    }
}

impl Jobs {
    /// Begins a job, unless too many are under way: then `None`.
    pub fn begin<W>(&self, name: String, work: Work, run: impl FnOnce(Job) -> W) -> Option<JobStatus>
    where
        W: Future<Output = Result<Work, Error>> + Send + 'static,
    {
        let mut all = self.all();
        let running = |entry: &&Entry| entry.job.status().state == JobState::Running;
        if all.iter().filter(running).count() >= RUNNING {
            return None;
        }
        let status = JobStatus {
            id: Uuid::new_v4(),
            name,
            began: Timestamp::now(),
            ended: None,
            state: JobState::Running,
            error: None,
            work,
        };
        let job = Job {
            status: Arc::new(Mutex::new(status.clone())),
            stop: Stop::default(),
        };
        let work = run(job.clone());
        let ending = job.clone();
        let task = tokio::spawn(async move {
            let outcome = tokio::spawn(work)
                .await
                .unwrap_or_else(|error| Err(Error::Damaged(format!("it ended early: {error}"))));
            ending.end(outcome);
        });
        all.push_front(Entry {
            job,
            task: Some(task),
        });
        while all.len() > KEPT {
            let last = all
                .iter()
                .rposition(|entry| entry.job.status().state != JobState::Running);
            let Some(last) = last else { break };
            all.remove(last);
        }
        Some(status)
    }

    /// All that are remembered, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<JobStatus> {
        self.all().iter().map(|entry| entry.job.status()).collect()
    }

    /// The job of an id.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<JobStatus> {
        self.list().into_iter().find(|status| status.id == id)
    }

    /// Tells a job to end early. False: there is none of that id.
    pub fn stop(&self, id: Uuid) -> bool {
        let all = self.all();
        let found = all.iter().find(|entry| entry.job.status().id == id);
        found.map(|entry| entry.job.stop.set()).is_some()
    }

    /// Tells all to end early, and waits until they have.
    pub async fn stop_all(&self) {
        let tasks: Vec<_> = {
            let mut all = self.all();
            all.iter().for_each(|entry| entry.job.stop.set());
            all.iter_mut().filter_map(|entry| entry.task.take()).collect()
        };
        for task in tasks {
            // What goes wrong in one is in its status.
            let _ = task.await;
        }
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_end_and_few_run_at_a_time() {
        let jobs = Jobs::default();
        let begin = |name: &str| {
            jobs.begin(name.to_owned(), Work::Reindex, |job| async move {
                while !job.stop().is_set() {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                Ok(Work::Reindex)
            })
        };
        let first = begin("0").unwrap();
        for at in 1..RUNNING {
            assert!(begin(&at.to_string()).is_some());
        }
        assert!(begin("one too many").is_none());
        assert!(jobs.stop(first.id));
        assert!(!jobs.stop(Uuid::new_v4()));
        while jobs.get(first.id).unwrap().state == JobState::Running {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let failed = jobs.begin("broken".to_owned(), Work::Reindex, |_| async {
            Err(Error::Damaged("so it is".to_owned()))
        });
        jobs.stop_all().await;
        let failed = jobs.get(failed.unwrap().id).unwrap();
        assert_eq!(failed.state, JobState::Failed);
        assert!(failed.error.unwrap().contains("so it is"));
        let states: Vec<_> = jobs.list().iter().map(|status| status.state).collect();
        assert_eq!(states[1..], [JobState::Stopped; RUNNING]);
    }
}
