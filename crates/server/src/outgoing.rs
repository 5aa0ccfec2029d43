//! What leaves is written down first: see [`perisai_app::Outgoing`].

pub use perisai_app::Outgoing;
use perisai_store::Error;

use crate::State;

/// Records what an answer releases, before it is sent: what cannot be written down does not leave.
///
/// # Errors
/// Where the audit chain cannot be written.
pub async fn record(state: &State, outgoing: &Outgoing) -> Result<(), Error> {
    state.node.record(outgoing).await?;
    state.metrics.released(outgoing.count);
    Ok(())
}
