//! Ids that are the same on every run and every machine.

use uuid::Uuid;

/// Perisai's own UUIDv5 namespace; part of the output format, never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_31a4_9d5e_5b7a_8a3e_70e2_15a1_5c01);

/// A UUIDv5 over parts. Each part's length goes in too, so that `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn stable_uuid(parts: &[&str]) -> Uuid {
    let mut name = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        name.extend_from_slice(&(part.len() as u64).to_le_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(stable_uuid(&["ab", "c"]), stable_uuid(&["a", "bc"]));
        assert_eq!(stable_uuid(&["a"]), stable_uuid(&["a"]));
        assert_eq!(stable_uuid(&["a"]).get_version_num(), 5);
    }
}
