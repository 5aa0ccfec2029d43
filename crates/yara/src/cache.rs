//! Compiled rules as bytes, so that the next run need not compile them.
//!
//! The bytes hold machine code. They must be kept where only the user who made them can write, as the program itself
//! is, and never be taken from anyone else.

use perisai_model::{Context, Problem, Rule};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::Rules;
use crate::compile::{TextProblem, compile, problems};

/// The engine's version and this module's own; a change of either makes all caches old.
const FORMAT: &str = concat!(
    "yara-x 1.22.1, perisai-yara ",
    env!("CARGO_PKG_VERSION"),
    ", cache 1"
);

/// The bytes are no cache of these rules.
#[derive(Debug, Error)]
pub enum BadCache {
    /// Cut off, or never written by [`Rules::compile_for_cache`].
    #[error("no cache of YARA rules")]
    Format,
    /// Written for other rules or by another version.
    #[error("a cache of other YARA rules, or of another version")]
    Stale,
    /// The engine refuses its part.
    #[error("the YARA engine refuses the cache")]
    Engine(#[source] yara_x::errors::SerializationError),
}

/// A name for the cache of these rules: it changes with any text, the engine and the machine's kind.
#[must_use]
pub fn cache_key(rules: &[(&Rule, &Context)]) -> String {
    let mut digest = Sha256::new();
    for part in [FORMAT, std::env::consts::ARCH, std::env::consts::OS] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    for (rule, _) in rules {
        digest.update((rule.text.len() as u64).to_le_bytes());
        digest.update(rule.text.as_bytes());
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Rules {
    /// Compiles as [`compile`](Self::compile) does, and gives the bytes for the cache too; `None` where the engine
    /// cannot write them.
    #[must_use]
    pub fn compile_for_cache(rules: &[(&Rule, &Context)]) -> (Self, Vec<Problem>, Option<Vec<u8>>) {
        let (engine, found) = compile(rules);
        let bytes = engine
            .serialize()
            .ok()
            .map(|engine| write(&cache_key(rules), &found, &engine));
        (Self::with_infos(engine, rules), problems(&found, rules), bytes)
    }

    /// Loads what [`compile_for_cache`](Self::compile_for_cache) gave for the same texts, with the problems that it
    /// told.
    ///
    /// # Errors
    /// Where the bytes are of other rules, of another version, or damaged.
    pub fn from_cache(bytes: &[u8], rules: &[(&Rule, &Context)]) -> Result<(Self, Vec<Problem>), BadCache> {
        let (found, engine) = read(bytes, &cache_key(rules))?;
        let engine = yara_x::Rules::deserialize(engine).map_err(BadCache::Engine)?;
        Ok((Self::with_infos(engine, rules), problems(&found, rules)))
    }
}

/// A line with the key and the digest of the rest, a line of problems, the engine's bytes.
fn write(key: &str, found: &[TextProblem], engine: &[u8]) -> Vec<u8> {
    let mut body = serde_json::to_vec(found).expect("problems are plain data");
    body.push(b'\n');
    body.extend_from_slice(engine);
    let mut bytes = format!("{key} {}\n", checksum(&body)).into_bytes();
    bytes.append(&mut body);
    bytes
}

fn read<'a>(bytes: &'a [u8], key: &str) -> Result<(Vec<TextProblem>, &'a [u8]), BadCache> {
    let (head, body) = split_line(bytes).ok_or(BadCache::Format)?;
    let head = std::str::from_utf8(head).map_err(|_| BadCache::Format)?;
    let (found_key, sum) = head.split_once(' ').ok_or(BadCache::Format)?;
    if found_key != key {
        return Err(BadCache::Stale);
    }
    if sum != checksum(body) {
        return Err(BadCache::Format);
    }
    let (found, engine) = split_line(body).ok_or(BadCache::Format)?;
    Ok((
        serde_json::from_slice(found).map_err(|_| BadCache::Format)?,
        engine,
    ))
}

fn checksum(body: &[u8]) -> String {
    Sha256::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_engine_is_the_one_that_is_linked() {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
        let entry = lock
            .split("[[package]]")
            .find(|entry| entry.contains("name = \"yara-x\"\n"))
            .unwrap();
        let version = entry
            .split("version = \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        assert!(FORMAT.starts_with(&format!("yara-x {version},")), "{version}");
    }

    #[test]
    fn damaged_caches_are_refused() {
        let bytes = write("key", &[], b"engine");
        assert_eq!(read(&bytes, "key").unwrap().1, b"engine");
        assert!(matches!(read(&bytes, "other"), Err(BadCache::Stale)));
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end], "key").is_err(), "{end}");
        }
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(matches!(read(&flipped, "key"), Err(BadCache::Format)));
    }
}
