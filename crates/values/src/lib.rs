//! What a value is: refanging, the strict grammar and the canonical form of each observable kind.
//!
//! The canonical form is what is compared, printed and exported. A value that fails its kind's grammar is refused with
//! a reason and reaches no export (design.md, invariant 9). Nothing here reads files or knows a foreign format.

mod around;
pub mod domain;
mod email;
mod hash;
pub mod ip;
mod named;
mod path;
mod recognise;
mod refang;
pub mod url;
mod wallet;

use std::borrow::Cow;

use perisai_model::Kind;

pub use around::around;
pub use path::hive_short_name;
pub use recognise::recognise;
pub use refang::refang;

/// Why a text is no value of a kind, in words for an analyst.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {why}")]
pub struct Invalid {
    /// The kind that it should have been.
    pub kind: Kind,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The canonical form of a value of a kind.
///
/// The text must already be refanged ([`refang()`]). Borrowed where it is canonical as it stands. Canonical forms are
/// fixed points: `canonical(kind, canonical(kind, x)) == canonical(kind, x)`.
///
/// # Errors
/// Where the text fails the grammar of the kind.
pub fn canonical(kind: Kind, text: &str) -> Result<Cow<'_, str>, Invalid> {
    let refuse = |why| Invalid { kind, why };
    match kind {
        Kind::Ipv4 => ip::canonical_v4(text).map_err(refuse),
        Kind::Ipv6 => ip::canonical_v6(text).map_err(refuse),
        Kind::Cidr => ip::canonical_net(text).map_err(refuse),
        Kind::Domain => domain::canonical(text).map_err(refuse),
        Kind::Url => url::canonical(text).map_err(refuse),
        Kind::EmailAddress => email::canonical(text).map_err(refuse),
        Kind::Md5 | Kind::Imphash | Kind::Ja3 => hash::canonical(text, 32).map_err(refuse),
        Kind::Sha1 => hash::canonical(text, 40).map_err(refuse),
        Kind::Sha256 => hash::canonical(text, 64).map_err(refuse),
        Kind::Sha512 => hash::canonical(text, 128).map_err(refuse),
        Kind::X509Sha1 => hash::canonical_with_colons(text, 40).map_err(refuse),
        Kind::X509Sha256 => hash::canonical_with_colons(text, 64).map_err(refuse),
        Kind::X509Serial => hash::canonical_serial(text).map_err(refuse),
        Kind::Ja4 => hash::canonical_ja4(text).map_err(refuse),
        Kind::Mac => hash::canonical_mac(text).map_err(refuse),
        Kind::Asn => named::canonical_asn(text).map_err(refuse),
        Kind::Cve => named::canonical_cve(text).map_err(refuse),
        Kind::Wallet => wallet::canonical(text).map_err(refuse),
        Kind::RegistryKey => path::canonical_registry_key(text).map_err(refuse),
        Kind::FilePath => path::canonical_file_path(text).map_err(refuse),
        Kind::FileName | Kind::ProcessName => path::canonical_name(text).map_err(refuse),
        Kind::Mutex | Kind::UserAgent | Kind::CommandLine => named::canonical_text(text).map_err(refuse),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn canonical_never_panics_and_is_a_fixed_point(text in "\\PC{0,60}", at in 0..Kind::ALL.len()) {
            let kind = Kind::ALL[at];
            if let Ok(once) = canonical(kind, &text) {
                let twice = canonical(kind, &once);
                prop_assert_eq!(twice.as_deref(), Ok(&*once), "{:?} {}", text, kind);
            }
        }

        #[test]
        fn fixed_point_on_likely_text(text in "[a-zA-Z0-9.:/@%_\\[\\]\\\\?#xnÄß。-]{0,40}", at in 0..Kind::ALL.len()) {
            let kind = Kind::ALL[at];
            if let Ok(once) = canonical(kind, &text) {
                let twice = canonical(kind, &once);
                prop_assert_eq!(twice.as_deref(), Ok(&*once), "{:?} {}", text, kind);
            }
        }

        #[test]
        fn recognised_values_are_canonical(text in "[a-zA-Z0-9.:/@%_\\[\\]\\\\?#ä-]{0,40}|\\PC{0,40}") {
            if let Some((kind, value)) = recognise(&text) {
                let again = canonical(kind, &value);
                prop_assert_eq!(again.as_deref(), Ok(&*value), "{:?} {}", text, kind);
            }
        }
    }
}
