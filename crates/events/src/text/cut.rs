//! Where to cut what is too long for a block.

/// How far back a better place is looked for.
const BACK: usize = 64 << 10;

/// Where to cut bytes that have no end in sight: after the last byte that no name, address or path holds, so that none
/// is split; at the very end where there is no such byte near it.
pub(super) fn boundary(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(BACK);
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/\\:%@~".contains(byte) || *byte >= 0x80;
    bytes[from..]
        .iter()
        .rposition(|byte| !inside(byte))
        .map_or(bytes.len(), |at| from + at + 1)
}
