//! Answers whose time tells nothing: that something is hidden takes as long to find as that it is not there.

use std::time::Duration;

use tokio::time::Instant;

/// Answers come at multiples of this after their request.
const STEP: Duration = Duration::from_millis(10);

/// Waits until the next multiple of a fixed time after a request came.
pub(super) async fn out(started: Instant) {
    let steps = started.elapsed().as_nanos() / STEP.as_nanos() + 1;
    let wait = STEP.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX));
    tokio::time::sleep_until(started + wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn to_the_next_step() {
        for (worked, expected) in [(0, 10), (3, 10), (9, 10), (10, 20), (25, 30)] {
            let started = Instant::now();
            tokio::time::advance(Duration::from_millis(worked)).await;
            out(started).await;
            assert_eq!(started.elapsed(), Duration::from_millis(expected), "{worked}");
        }
    }
}
