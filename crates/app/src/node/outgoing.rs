//! What leaves: one record for each answer, or each envelope that is sent, that releases objects (design.md, invariant 2).

use std::collections::BTreeMap;

use perisai_policy::{Recipient, Refusal};
use perisai_store::{AuditEvent, Error};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Node;

/// What an answer released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// To whom.
    pub recipient: Recipient,
    /// By which way, in words that do not change: `taxii objects`.
    pub way: &'static str,
    /// How many objects.
    pub count: u64,
    /// SHA-256 over their ids, in the order in which they left, each with a line feed behind it.
    pub digest: [u8; 32],
    /// How many were refused, by reason.
    pub refusals: BTreeMap<Refusal, u64>,
}

impl Outgoing {
    /// Objects that leave, by their ids.
    pub fn of_ids<'a>(
        recipient: Recipient,
        way: &'static str,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut digest = Sha256::new();
        let mut count = 0;
        for id in ids {
            digest.update(id);
            digest.update(b"\n");
            count += 1;
        }
        Self {
            recipient,
            way,
            count,
            digest: digest.finalize().into(),
            refusals: BTreeMap::new(),
        }
    }
}

impl Node {
    /// Records what is released, before it is sent: what cannot be written down does not leave.
    ///
    /// # Errors
    /// Where the audit chain cannot be written.
    pub async fn record(&self, outgoing: &Outgoing) -> Result<(), Error> {
        let Recipient { organisation, person } = outgoing.recipient;
        let refusals: BTreeMap<_, _> = outgoing
            .refusals
            .iter()
            .map(|(refusal, count)| (refusal.to_string(), count))
            .collect();
        let digest: String = outgoing.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let event = AuditEvent {
            event: "release",
            who: None,
            data: json!({
                "way": outgoing.way,
                "organisation": organisation.map(|organisation| organisation.0),
                "person": person.map(|person| person.0),
                "objects": outgoing.count,
                "ids_sha256": digest,
                "refused": refusals,
            }),
        };
        self.audit.append(event).await.map(|_| ())
    }
}
