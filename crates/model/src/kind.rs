//! The kinds of observable that Perisai knows (design.md, *Words*).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($variant:ident $name:literal $path:literal),+ $(,)?) => {
        /// What a value is. The order is that of the listing in the design and never changes: it is part of
        /// sorted output.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Kind {
            $(#[doc = concat!("`", $name, "`, in STIX `", $path, "`.")] #[serde(rename = $name)] $variant),+
        }

        impl Kind {
            /// Every kind, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name used in output, on the command line and in configuration.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The object path of the STIX 2.1 patterning language that this kind stands for.
            #[must_use]
            pub const fn stix_path(self) -> &'static str {
                match self { $(Self::$variant => $path),+ }
            }
        }
    };
}

kinds! {
    Ipv4 "ipv4" "ipv4-addr:value",
    Ipv6 "ipv6" "ipv6-addr:value",
    Cidr "cidr" "ipv4-addr:value",
    Domain "domain" "domain-name:value",
    Url "url" "url:value",
    EmailAddress "email-address" "email-addr:value",
    Md5 "md5" "file:hashes.MD5",
    Sha1 "sha1" "file:hashes.'SHA-1'",
    Sha256 "sha256" "file:hashes.'SHA-256'",
    Sha512 "sha512" "file:hashes.'SHA-512'",
    Imphash "imphash" "file:extensions.'windows-pebinary-ext'.imphash",
    FileName "file-name" "file:name",
    FilePath "file-path" "file:parent_directory_ref.path",
    RegistryKey "registry-key" "windows-registry-key:key",
    Mutex "mutex" "mutex:name",
    UserAgent "user-agent" "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
    Ja3 "ja3" "network-traffic:x_ja3",
    Ja4 "ja4" "network-traffic:x_ja4",
    X509Sha1 "x509-sha1" "x509-certificate:hashes.'SHA-1'",
    X509Sha256 "x509-sha256" "x509-certificate:hashes.'SHA-256'",
    X509Serial "x509-serial" "x509-certificate:serial_number",
    Asn "asn" "autonomous-system:number",
    Mac "mac" "mac-addr:value",
    Wallet "wallet" "cryptocurrency-wallet:address",
    Cve "cve" "vulnerability:name",
    ProcessName "process-name" "process:name",
    CommandLine "command-line" "process:command_line",
}

impl Kind {
    /// True where a value of this kind is distinctive enough to be looked for in raw bytes. The others are short
    /// or common words and match in typed fields only.
    #[must_use]
    pub const fn in_raw_bytes(self) -> bool {
        !matches!(
            self,
            Self::FileName | Self::ProcessName | Self::Asn | Self::Cve | Self::Mutex | Self::X509Serial
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown observable kind `{0}`")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for &kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("ip".parse::<Kind>().is_err());
    }
}
