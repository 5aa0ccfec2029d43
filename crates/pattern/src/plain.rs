//! Patterns that are no more than lists of values: they become plain indicators.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use perisai_model::Kind;

use crate::ast::{Comparison, Literal, Node, ObjectPath, Operator, Qualifier, Step};
use crate::cidr::Net;
use crate::pattern::Pattern;

/// A value that a pattern names, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainValue {
    /// What the value is, from its path and, for an address, its form.
    pub kind: Kind,
    /// The value, not yet in its kind's canonical form.
    pub value: String,
}

impl Pattern {
    /// The values, where the pattern says no more than that one of them is seen: `=`, `IN` and `ISSUBSET` on paths
    /// that stand for a [`Kind`], joined by `OR`, under no qualifier that restricts. `None` where it says more.
    ///
    /// `ipv4-addr:value = '192.0.2.0/24'` counts as the net, as its authors mean it.
    #[must_use]
    pub fn plain_values(&self) -> Option<Vec<PlainValue>> {
        let mut values = Vec::new();
        self.plain_node(&self.root, &mut values)?;
        (!values.is_empty()).then_some(values)
    }

    fn plain_node(&self, node: &Node, into: &mut Vec<PlainValue>) -> Option<()> {
        match node {
            Node::Expression(number) => self.plain_comparison(&self.expressions[*number], into),
            Node::Or(links) => links.iter().try_for_each(|link| self.plain_node(link, into)),
            // One observation lies within any span, and is seen once.
            Node::Qualified(inner, Qualifier::Within(_) | Qualifier::Repeats(1)) => {
                self.plain_node(inner, into)
            }
            _ => None,
        }
    }

    fn plain_comparison(&self, comparison: &Comparison, into: &mut Vec<PlainValue>) -> Option<()> {
        let test = match comparison {
            Comparison::Or(links) => {
                return links
                    .iter()
                    .try_for_each(|link| self.plain_comparison(link, into));
            }
            Comparison::And(_) => return None,
            Comparison::Test(test) => test,
        };
        if test.negated {
            return None;
        }
        let meaning = meaning(&self.paths[test.path])?;
        match &test.operator {
            Operator::Equal(literal) => into.push(meaning.value(&text(literal)?)?),
            Operator::In(literals) => {
                for literal in literals {
                    into.push(meaning.value(&text(literal)?)?);
                }
            }
            Operator::IsSubset(net) if meaning == Meaning::Address => {
                Net::parse(net)?;
                into.push(PlainValue {
                    kind: Kind::Cidr,
                    value: net.clone(),
                });
            }
            _ => return None,
        }
        Some(())
    }
}

/// Text, or a whole number (of an autonomous system).
fn text(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Str(text) if !text.trim().is_empty() => Some(text.clone()),
        Literal::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What the values of a path are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    Is(Kind),
    /// An address or net, of either version.
    Address,
    /// What a connection ends at: an address, a net or a domain.
    Endpoint,
}

impl Meaning {
    fn value(self, value: &str) -> Option<PlainValue> {
        let kind = match self {
            Self::Is(kind) => kind,
            Self::Address => address_kind(value)?,
            Self::Endpoint => address_kind(value).unwrap_or(Kind::Domain),
        };
        Some(PlainValue {
            kind,
            value: value.to_owned(),
        })
    }
}

fn address_kind(value: &str) -> Option<Kind> {
    let (address, prefix) = value
        .split_once('/')
        .map_or((value, None), |(address, prefix)| (address, Some(prefix)));
    match (address.parse::<IpAddr>().ok()?, prefix) {
        (address, Some(prefix)) => {
            let most = if address.is_ipv4() {
                Ipv4Addr::BITS
            } else {
                Ipv6Addr::BITS
            };
            (prefix.parse::<u32>().ok()? <= most).then_some(Kind::Cidr)
        }
        (IpAddr::V4(_), None) => Some(Kind::Ipv4),
        (IpAddr::V6(_), None) => Some(Kind::Ipv6),
    }
}

fn meaning(path: &ObjectPath) -> Option<Meaning> {
    let keys: Vec<&str> = path
        .steps
        .iter()
        .filter_map(|step| {
            if let Step::Key(name) = step {
                Some(name.as_str())
            } else {
                None
            }
        })
        .collect();
    let kind = match (path.object_type.as_str(), keys.as_slice()) {
        ("ipv4-addr" | "ipv6-addr", ["value"]) | ("domain-name", ["resolves_to_refs", "value"]) => {
            return Some(Meaning::Address);
        }
        ("network-traffic", ["src_ref" | "dst_ref", "value"]) => return Some(Meaning::Endpoint),
        ("x509-certificate", ["hashes", name]) => match hash_kind(name)? {
            Kind::Sha1 => Kind::X509Sha1,
            Kind::Sha256 => Kind::X509Sha256,
            _ => return None,
        },
        (
            "file" | "artifact" | "process" | "email-message",
            ["hashes", name]
            | [
                "content_ref" | "binary_ref" | "image_ref" | "raw_email_ref",
                "hashes",
                name,
            ],
        ) => hash_kind(name)?,
        ("file", ["extensions", "windows-pebinary-ext", "imphash"]) => Kind::Imphash,
        ("process", ["binary_ref" | "image_ref", "name"]) => Kind::FileName,
        ("file", ["parent_directory_ref", "path"]) | ("directory", ["path"]) => Kind::FilePath,
        (
            "email-message",
            [
                "from_ref" | "sender_ref" | "to_refs" | "cc_refs" | "bcc_refs",
                "value",
            ],
        ) => Kind::EmailAddress,
        ("artifact", ["url"]) => Kind::Url,
        ("network-traffic", ["extensions", "http-request-ext", "request_header", name])
            if name.eq_ignore_ascii_case("User-Agent") =>
        {
            Kind::UserAgent
        }
        _ => return by_stix_path(path),
    };
    Some(Meaning::Is(kind))
}

/// The kinds whose path in the model is the whole story.
fn by_stix_path(path: &ObjectPath) -> Option<Meaning> {
    let text = path.to_string();
    Kind::ALL
        .iter()
        .copied()
        .find(|kind| kind.stix_path() == text)
        .map(Meaning::Is)
}

/// `SHA-256`, `SHA256`, `sha_256`, `sha256`: all are in use.
fn hash_kind(name: &str) -> Option<Kind> {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect();
    Some(match plain.as_str() {
        "md5" => Kind::Md5,
        "sha1" => Kind::Sha1,
        "sha256" => Kind::Sha256,
        "sha512" => Kind::Sha512,
        "imphash" => Kind::Imphash,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::parse;

    fn check(pattern: &str, expected: Option<&str>) {
        let values = parse(pattern).unwrap().plain_values();
        let text = values.map(|values| {
            values
                .iter()
                .map(|one| format!("{} {}", one.kind, one.value))
                .collect::<Vec<_>>()
                .join(", ")
        });
        assert_eq!(text.as_deref(), expected, "{pattern}");
    }

    #[test]
    fn lists_of_values_are_plain() {
        check("[ipv4-addr:value = '192.0.2.1']", Some("ipv4 192.0.2.1"));
        check("[ipv4-addr:value = '192.0.2.0/24']", Some("cidr 192.0.2.0/24"));
        check(
            "[ipv4-addr:value ISSUBSET '192.0.2.0/24']",
            Some("cidr 192.0.2.0/24"),
        );
        check(
            "[ipv6-addr:value = '2001:db8::1' OR ipv6-addr:value = '2001:db8::/32']",
            Some("ipv6 2001:db8::1, cidr 2001:db8::/32"),
        );
        check(
            "[domain-name:value IN ('a.example', 'b.example')] OR [url:value = 'http://c.example/']",
            Some("domain a.example, domain b.example, url http://c.example/"),
        );
        check("[file:hashes.'SHA-256' = 'aa']", Some("sha256 aa"));
        check("[file:hashes.SHA256 = 'aa']", Some("sha256 aa"));
        check(
            "[file:hashes.sha_1 = 'aa' OR file:hashes.MD5 = 'bb' OR file:hashes.'sha-512' = 'cc']",
            Some("sha1 aa, md5 bb, sha512 cc"),
        );
        check("[x509-certificate:hashes.'SHA-1' = 'aa']", Some("x509-sha1 aa"));
        check(
            "[email-message:from_ref.value = 'a@b.example']",
            Some("email-address a@b.example"),
        );
        check(
            "[email-message:to_refs[*].value = 'a@b.example']",
            Some("email-address a@b.example"),
        );
        check(
            "[network-traffic:dst_ref.value = '192.0.2.1']",
            Some("ipv4 192.0.2.1"),
        );
        check(
            "[network-traffic:dst_ref.value = 'a.example']",
            Some("domain a.example"),
        );
        check("[autonomous-system:number = 64496]", Some("asn 64496"));
        check(
            "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'x']",
            Some("user-agent x"),
        );
        check(
            "[mutex:name = 'm'] WITHIN 5 SECONDS REPEATS 1 TIMES",
            Some("mutex m"),
        );
        check("([process:command_line = 'c'])", Some("command-line c"));
        check(
            "[file:extensions.'windows-pebinary-ext'.imphash = 'aa']",
            Some("imphash aa"),
        );
    }

    #[test]
    fn what_says_more_is_not() {
        for pattern in [
            "[domain-name:value = 'a' AND file:name = 'b']",
            "[domain-name:value != 'a']",
            "[domain-name:value NOT = 'a']",
            "[domain-name:value LIKE 'a%']",
            "[domain-name:value = 'a'] AND [file:name = 'b']",
            "[domain-name:value = 'a'] FOLLOWEDBY [file:name = 'b']",
            "[domain-name:value = 'a'] REPEATS 2 TIMES",
            "[domain-name:value = 'a'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'",
            "[domain-name:value = 'a' OR file:size = 5]",
            "[domain-name:value IN ()]",
            "[ipv4-addr:value = 'rubbish']",
            "[ipv4-addr:value ISSUBSET '192.0.2.1']",
            "[ipv4-addr:value ISSUPERSET '192.0.2.1']",
            "[domain-name:value = '']",
        ] {
            check(pattern, None);
        }
    }
}
