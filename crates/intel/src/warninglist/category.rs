//! What a warninglist without a `category` means, by what it is called.
//!
//! The published lists carry no category, and to take them all as false positives would hide every attacker who rents
//! a server in a cloud. So a list of what many people share, or of what looks at everybody, is one of known values.

use perisai_model::WarninglistCategory;

/// Words that make a list one of false positives, whatever else is in its name: `Top 10,000 domains from Cloudflare
/// Radar` lists sites, not Cloudflare's addresses. Lists with no word of either table are false positives, too.
const FALSE_POSITIVE: &[&str] = &["attack simulator", "blockpage", "public dns", TOP];

/// The word of lists of the most visited sites.
const TOP: &str = "top";

/// Words that make a list one of known values.
const KNOWN: &[&str] = &[
    // Clouds and networks of content: anybody can rent a place there.
    "akamai",
    "alibaba cloud",
    "aws",
    "azure",
    "bunny net",
    "cdn",
    "cloud",
    "cloudflare",
    "datacenter",
    "datacenters",
    "digitalocean",
    "fastly",
    "gcp",
    "github",
    "hetzner",
    "hosting",
    "linode",
    "oci",
    "ovh",
    "scaleway",
    "stackpath",
    "vultr",
    // Services that carry the traffic, mail and files of strangers.
    "crl ip",
    "gmail sending",
    "office 365 ip",
    "smtp",
    "telegram",
    "zscaler",
    // Those who hide the address of their users.
    "private relay",
    "proxies",
    "tor",
    "vpn",
    // Those who look at everybody.
    "alphastrike",
    "binaryedge",
    "bufferover",
    "censys",
    "check host net",
    "connection attempts",
    "crawler",
    "googlebot",
    "gptbot",
    "internet census",
    "internet measurement",
    "onyphe",
    "rapid7",
    "scan",
    "scanner",
    "scanners",
    "scanning",
    "shadowserver",
    "shodan",
    "stretchoid",
    "tenable",
    "xpanse",
    // What was an attacker's, and those who watch it now.
    "parking",
    "sinkhole",
    "sinkholes",
    // Where anybody can have a name, a page or a mailbox.
    "dynamic dns",
    "ddns",
    "dyndns",
    "disposable",
    "ipfs",
    "link in bio",
    "living off trusted sites",
    "lots project",
    "shortener",
    "shorteners",
];

/// The category of a list that names none, from its name and the folder that it came in.
pub(super) fn by_name(name: &str, path: &str) -> WarninglistCategory {
    let words = words(&format!("{name} / {}", folder(path)));
    let holds = |table: &[&str]| table.iter().any(|phrase| has(&words, phrase));
    if !holds(FALSE_POSITIVE) && holds(KNOWN) {
        WarninglistCategory::Known
    } else {
        WarninglistCategory::FalsePositive
    }
}

/// True for a list of the most visited sites. How many people visit a site says nothing of what its customers call
/// theirs below it, and many of these sites sell or give away such names.
pub(super) fn is_ranking(name: &str) -> bool {
    has(&words(name), TOP)
}

fn has(words: &str, phrase: &str) -> bool {
    words.contains(&format!(" {phrase} "))
}

/// The folder of a published list names it; the file is always `list.json`.
fn folder(path: &str) -> &str {
    let mut parts = path.rsplit(['/', '\\']);
    match parts.next() {
        Some(file) if file.starts_with("list.json") => parts.next().unwrap_or_default(),
        _ => "",
    }
}

/// The words of a text in lower case, each between two spaces.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        words.push_str(&word.to_lowercase());
        words.push(' ');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, folder: &str, known: bool) {
        let category = by_name(name, &format!("lists/{folder}/list.json"));
        assert_eq!(
            category == WarninglistCategory::Known,
            known,
            "{name} in {folder}"
        );
    }

    #[test]
    fn shared_places_and_watchers_are_known() {
        for (name, folder) in [
            ("List of known Amazon AWS IP address ranges", "amazon-aws"),
            (
                "List of known Microsoft Azure Datacenter IP Ranges",
                "microsoft-azure",
            ),
            ("List of known Cloudflare IP ranges", "cloudflare"),
            ("List of known Bunny.net CDN ranges", "bunny-net"),
            ("Censys IP Ranges Used for Scanning", "censys-scanning"),
            (
                "List of known IP address ranges for Palo Alto Networks Cortex Xpanse",
                "cortex",
            ),
            (
                "University of Michigan CSE connection-attempt network ranges",
                "umich-cse-connection-attempts",
            ),
            ("List of known sinkholes", "sinkholes"),
            ("Dynamic DNS providers", ""),
            ("List of disposable email domains", "disposable-email"),
            ("List of known URL Shorteners domains", "url-shortener"),
            ("CRL and OCSP IP addresses", "crl-ip"),
            ("", "tor"),
        ] {
            check(name, folder, true);
        }
    }

    #[test]
    fn what_nobody_can_rent_is_a_false_positive() {
        for (name, folder) in [
            ("Top 10,000 domains from Cloudflare Radar", "cloudflare-top10k"),
            ("Top 1000 website from Alexa", "alexa"),
            (
                "Top 500 domains and pages from https://moz.com/top500",
                "moz-top500",
            ),
            ("List of known IPv6 public DNS resolvers", "public-dns-v6"),
            ("List of RFC 1918 CIDR blocks", "rfc1918"),
            ("List of known bank domains", "bank-website"),
            ("University domains", "university_domains"),
            ("CRL and OCSP domains", "crl-hostname"),
            ("cisco-umbrella-blockpage-ipv4", "umbrella-blockpage-v4"),
            ("List of known Office 365 URLs", "microsoft-office365"),
            (
                "List of known Office 365 Attack Simulator used for phishing awareness campaigns",
                "x",
            ),
            ("Captive Portal Detection Hostnames", "captive-portals"),
            ("Stories of the storm", ""),
            ("", ""),
        ] {
            check(name, folder, false);
        }
    }

    #[test]
    fn a_folder_counts_only_where_it_names_the_list() {
        let category = by_name("Our printers", "/srv/cloud/printers.json");
        assert_eq!(category, WarninglistCategory::FalsePositive);
    }
}
