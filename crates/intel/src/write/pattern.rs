//! Values as STIX patterns (STIX 2.1, section 9), such that a hunt reads the same value back.

use std::net::Ipv6Addr;

use perisai_model::Kind;
use perisai_values::url;

use crate::pattern::{Meaning, meaning};

/// The pattern that matches a value, which must be canonical; `None` for a CVE, which no observable of STIX holds.
///
/// A file's path is given as the name and the directory, and a URL that is listed without a scheme as both of `http` and
/// `https`, since that is where other products look for them.
#[must_use]
pub fn pattern(kind: Kind, value: &str) -> Option<String> {
    let equals = |path: &str| format!("[{path} = '{}']", escaped(value));
    Some(match kind {
        Kind::Cve => return None,
        Kind::Ipv6 => equals("ipv6-addr:value"),
        Kind::Cidr => format!("[{}:value ISSUBSET '{}']", net_type(value), escaped(value)),
        Kind::Asn => format!("[autonomous-system:number = {}]", as_number(value)?),
        Kind::FilePath => match split_path(value) {
            Some((_, "")) => equals("directory:path"),
            Some((directory, name)) => {
                let (directory, name) = (escaped(directory), escaped(name));
                let both =
                    format!("[file:name = '{name}' AND file:parent_directory_ref.path = '{directory}']");
                read_back(both, kind, value).unwrap_or_else(|| equals(kind.stix_path()))
            }
            None => equals(kind.stix_path()),
        },
        Kind::Url if url::split(value).scheme.is_none() => {
            let value_text = escaped(value);
            let both = format!("[url:value IN ('http://{value_text}', 'https://{value_text}')]");
            read_back(both, kind, value).unwrap_or_else(|| equals(kind.stix_path()))
        }
        kind => equals(kind.stix_path()),
    })
}

/// A pattern, if it is read back as the value.
fn read_back(pattern: String, kind: Kind, value: &str) -> Option<String> {
    let expected = Meaning::Values {
        good: vec![(kind, value.to_owned())],
        wrong: Vec::new(),
    };
    (meaning(&pattern) == Ok(expected)).then_some(pattern)
}

/// A text inside the quotes of a pattern (section 9.1).
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

/// The type of the observable that a net is.
pub(super) fn net_type(net: &str) -> &'static str {
    let address = net.split('/').next().unwrap_or_default();
    if address.parse::<Ipv6Addr>().is_ok() {
        "ipv6-addr"
    } else {
        "ipv4-addr"
    }
}

/// The number of a canonical `AS64496`.
pub(super) fn as_number(value: &str) -> Option<u32> {
    value.strip_prefix("AS")?.parse().ok()
}

/// The directory and the name of a file. The root directory keeps its separator.
pub(super) fn split_path(path: &str) -> Option<(&str, &str)> {
    let at = path.rfind(['\\', '/'])?;
    let directory = if at == 0 { &path[..1] } else { &path[..at] };
    Some((directory, &path[at + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::typed::of_kind;

    #[test]
    fn patterns_stand_for_values() {
        let check = |kind, value: &str, expected: Option<&str>| {
            let written = pattern(kind, value);
            assert_eq!(written.as_deref(), expected);
            if let Some(written) = written {
                assert!(read_back(written, kind, value).is_some(), "{kind} {value}");
            }
        };
        check(Kind::Ipv4, "192.0.2.1", Some("[ipv4-addr:value = '192.0.2.1']"));
        check(
            Kind::Cidr,
            "192.0.2.0/24",
            Some("[ipv4-addr:value ISSUBSET '192.0.2.0/24']"),
        );
        check(
            Kind::Cidr,
            "2001:db8::/32",
            Some("[ipv6-addr:value ISSUBSET '2001:db8::/32']"),
        );
        check(
            Kind::Url,
            "https://evil.example/it's",
            Some(r"[url:value = 'https://evil.example/it\'s']"),
        );
        check(
            Kind::Url,
            "evil.example/it's",
            Some(r"[url:value IN ('http://evil.example/it\'s', 'https://evil.example/it\'s')]"),
        );
        check(Kind::Asn, "AS64500", Some("[autonomous-system:number = 64500]"));
        check(
            Kind::Mutex,
            r"Global\it's",
            Some(r"[mutex:name = 'Global\\it\'s']"),
        );
        check(
            Kind::RegistryKey,
            r"HKEY_LOCAL_MACHINE\Software\Evil",
            Some(r"[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software\\Evil']"),
        );
        for (path, expected) in [
            (
                r"C:\Temp\a.exe",
                r"[file:name = 'a.exe' AND file:parent_directory_ref.path = 'C:\\Temp']",
            ),
            (
                r"C:\a.exe",
                r"[file:name = 'a.exe' AND file:parent_directory_ref.path = 'C:']",
            ),
            ("/a", "[file:name = 'a' AND file:parent_directory_ref.path = '/']"),
            (
                "tmp/a",
                "[file:name = 'a' AND file:parent_directory_ref.path = 'tmp']",
            ),
            (r"C:\Temp\", r"[directory:path = 'C:\\Temp\\']"),
            (r"C:\Temp/a", r"[file:parent_directory_ref.path = 'C:\\Temp/a']"),
        ] {
            check(Kind::FilePath, path, Some(expected));
        }
        check(Kind::Cve, "CVE-2022-1388", None);
    }

    /// Text that may be a value of a kind.
    fn likely(kind: Kind) -> BoxedStrategy<String> {
        let hex = |digits: usize| {
            proptest::string::string_regex(&format!("[0-9a-f]{{{digits}}}"))
                .unwrap()
                .boxed()
        };
        let words = "[a-zA-Z0-9'\\\\\"/ ._%é(){}|;:=-]{1,24}".boxed();
        match kind {
            Kind::Ipv4 => any::<std::net::Ipv4Addr>().prop_map(|it| it.to_string()).boxed(),
            Kind::Ipv6 => any::<std::net::Ipv6Addr>().prop_map(|it| it.to_string()).boxed(),
            Kind::Cidr => (any::<std::net::IpAddr>(), 8u8..=128)
                .prop_map(|(address, prefix)| format!("{address}/{prefix}"))
                .boxed(),
            Kind::Domain => "[a-z0-9_-]{1,9}\\.(example|com|[a-z]{2,6})".boxed(),
            Kind::Url => "(https?://|ftp://|)([a-z0-9.-]{1,9}\\.example|192\\.0\\.2\\.[0-9]{1,2})(:[0-9]{1,5})?(/[a-z'\\\\\"%?=\\[\\]é.]{0,9}){0,2}".boxed(),
            Kind::EmailAddress => "[a-z'+.]{1,9}@[a-z]{1,9}\\.example".boxed(),
            Kind::Md5 | Kind::Imphash | Kind::Ja3 => hex(32),
            Kind::Sha1 | Kind::X509Sha1 => hex(40),
            Kind::Sha256 | Kind::X509Sha256 => hex(64),
            Kind::Sha512 => hex(128),
            Kind::X509Serial => hex(9),
            Kind::Ja4 => "t13d[0-9]{4}h2_[0-9a-f]{12}_[0-9a-f]{12}".boxed(),
            Kind::Mac => "([0-9a-f]{2}:){5}[0-9a-f]{2}".boxed(),
            Kind::Asn => any::<u32>().prop_map(|number| format!("AS{number}")).boxed(),
            Kind::Cve => "CVE-[0-9]{4}-[0-9]{4,7}".boxed(),
            Kind::Wallet => Just("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq".to_owned()).boxed(),
            Kind::RegistryKey => words.prop_map(|text| format!("HKLM\\{text}")).boxed(),
            Kind::FilePath => (words, "[/\\\\]", "[a-zA-Z0-9' ./\\\\]{0,9}")
                .prop_map(|(folder, separator, name)| format!("{folder}{separator}{name}"))
                .boxed(),
            Kind::FileName | Kind::Mutex | Kind::UserAgent | Kind::ProcessName | Kind::CommandLine => words,
        }
    }

    #[test]
    fn every_kind_is_read_back() {
        for &kind in Kind::ALL {
            let mut runner = proptest::test_runner::TestRunner::default();
            let tried = std::cell::Cell::new(0);
            let outcome = runner.run(&likely(kind), |text| {
                // What no reader gives (a name in quotes) cannot come back.
                let Ok((_, value)) = of_kind(kind, &text).filter_kind(kind) else {
                    return Ok(());
                };
                let Ok((_, again)) = of_kind(kind, &value).filter_kind(kind) else {
                    return Ok(());
                };
                if again != value {
                    return Ok(());
                }
                tried.set(tried.get() + 1);
                match pattern(kind, &value) {
                    Some(written) => {
                        let seen = meaning(&written);
                        let good = vec![(kind, value.into_owned())];
                        let wrong = Vec::new();
                        prop_assert_eq!(seen, Ok(Meaning::Values { good, wrong }), "{}", written);
                    }
                    None => prop_assert_eq!(kind, Kind::Cve),
                }
                Ok(())
            });
            outcome.unwrap();
            assert!(tried.get() > 60, "{kind}: only {} values", tried.get());
        }
    }

    trait FilterKind: Sized {
        fn filter_kind(self, kind: Kind) -> Self;
    }

    impl FilterKind for Result<crate::typed::Found<'_>, String> {
        fn filter_kind(self, kind: Kind) -> Self {
            self.and_then(|found| {
                if found.0 == kind {
                    Ok(found)
                } else {
                    Err(String::new())
                }
            })
        }
    }
}
