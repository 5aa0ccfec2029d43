//! Waiting for what a node does for longer than a request lasts.

use std::time::Duration;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use perisai_app::Stop;
use reqwest::Method;
use serde_json::Value;

use crate::client::{Client, Refused};

/// How long it is waited before it is looked again: at first, and at most.
const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_millis(500);

/// What is told where the node goes away under a job.
const GONE: &str = "the node stopped, and this ended with it; what was stored until then stays";

/// Waits until a job has ended, and gives it as it ended. `say` tells how far it is, for who watches. Where the wish to end
/// is made, the job is told.
pub(in crate::commands) async fn wait(
    node: &Client,
    begun: Value,
    stop: &Stop,
    say: impl Fn(&Value) -> String,
) -> anyhow::Result<Value> {
    let path = format!("/api/jobs/{}", begun["id"].as_str().unwrap_or_default());
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(
        ProgressStyle::with_template("{spinner} {msg} {elapsed}")
            .expect("a template that is known to be good"),
    );
    let (mut job, mut pause, mut is_told) = (begun, SOON, false);
    while job["state"] == "running" {
        if stop.is_set() && !is_told {
            node.ask(Method::POST, &format!("{path}/stop"), None).await?;
            is_told = true;
        }
        bar.set_message(say(&job));
        bar.tick();
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(LATE);
        job = match node.get(&path).await {
            // It answered until now.
            Err(error) if !error.is::<Refused>() => return Err(error.context(GONE)),
            answer => answer?,
        };
    }
    bar.finish_and_clear();
    if job["state"] == "failed" {
        bail!(
            "{}",
            job["error"]
                .as_str()
                .unwrap_or("the node could not do it; its log says why")
        );
    }
    if job["state"] == "stopped" && !is_told {
        bail!("it was stopped: by somebody, or because the node stops; what was stored until then stays");
    }
    Ok(job)
}
