//! Markings: what a recipient may share (TLP) and do (PAP). The rules that follow from them are `policy`'s.

mod label;

use std::fmt;

use serde::{Serialize, Serializer};

/// Traffic Light Protocol 2.0 (FIRST), from open to closed, so that the stricter of two is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tlp {
    /// No limit.
    Clear,
    /// The community.
    Green,
    /// The recipient's organisation and its clients.
    Amber,
    /// The recipient's organisation only.
    AmberStrict,
    /// The named persons only.
    Red,
}

impl Tlp {
    /// Every label, from open to closed.
    pub const ALL: [Self; 5] = [
        Self::Clear,
        Self::Green,
        Self::Amber,
        Self::AmberStrict,
        Self::Red,
    ];

    /// The label as TLP 2.0 writes it, in lower case and without the `TLP:` prefix.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::AmberStrict => "amber+strict",
            Self::Red => "red",
        }
    }

    /// Reads a tag or label (`tlp:amber`, `TLP:WHITE`, `TLP: AMBER+STRICT`, `tlp-red`), however it is written: what
    /// begins like TLP is of that kind, and RED where it is not exactly a label (no marking is loosened). `None`: not of
    /// TLP kind at all.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let names: [&[&str]; 4] = [
            &["tlp"],
            &["t", "l", "p"],
            &["traffic", "light", "protocol"],
            &["trafficlightprotocol"],
        ];
        let words = label::words(tag, 't');
        match names.iter().find_map(|name| label::behind(&words, name)) {
            Some(label) => Some(Self::from_label(&label).unwrap_or(Self::Red)),
            None => words.first()?.starts_with("tlp").then_some(Self::Red),
        }
    }

    /// Reads a bare label (`amber`, `white`) in any case; `None` where it is not one of TLP 1.0 or 2.0.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        match label.to_ascii_lowercase().as_str() {
            "clear" | "white" => Some(Self::Clear),
            "green" => Some(Self::Green),
            "amber" => Some(Self::Amber),
            "amber+strict" | "amber-strict" | "amber_strict" => Some(Self::AmberStrict),
            "red" => Some(Self::Red),
            _ => None,
        }
    }

    /// Reads the id of a STIX marking definition: the five of TLP 2.0, the four of TLP 1.0, and OpenCTI's for
    /// AMBER+STRICT.
    #[must_use]
    pub fn from_stix_id(id: &str) -> Option<Self> {
        match id.strip_prefix("marking-definition--")? {
            "94868c89-83c2-464b-929b-a1a8aa3c8487" | "613f2e26-407d-48c7-9eca-b8e91df99dc9" => {
                Some(Self::Clear)
            }
            "bab4a63c-aed9-4cf5-a766-dfca5abac2bb" | "34098fce-860f-48ae-8e50-ebd3cc5e41da" => {
                Some(Self::Green)
            }
            "55d920b0-5e8b-4f79-9ee9-91f868d9b421" | "f88d31f6-486f-44da-b317-01333bde0b82" => {
                Some(Self::Amber)
            }
            "939a9414-2ddd-4d32-a0cd-375ea402b003" | "826578e1-40ad-459f-bc73-ede076f81f37" => {
                Some(Self::AmberStrict)
            }
            "e828b379-4e03-4974-9ac4-e53a884c97c1" | "5e57c739-391a-4eb3-b6be-7d15ca92d5ed" => {
                Some(Self::Red)
            }
            _ => None,
        }
    }

    /// The id of this label's marking definition in STIX 2.1 (the OASIS TLP 2.0 extension).
    #[must_use]
    pub const fn stix_id(self) -> &'static str {
        match self {
            Self::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
            Self::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
            Self::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
            Self::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
            Self::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        }
    }

    /// The stricter of two markings, either of which may be missing.
    #[must_use]
    pub fn stricter(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.max(other)
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Tlp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Permissible Actions Protocol, from free to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pap {
    /// Anything.
    Clear,
    /// Active measures such as blocking are allowed.
    Green,
    /// Passive measures only.
    Amber,
    /// Only a look at what is stored; nothing that an attacker could see.
    Red,
}

impl Pap {
    /// Reads a tag (`PAP:AMBER`); `None`: not of PAP kind. A PAP tag that is not known is RED.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let label = label::behind(&label::words(tag, 'p'), &["pap"])?;
        match label.as_str() {
            "clear" | "white" => Some(Self::Clear),
            "green" => Some(Self::Green),
            "amber" => Some(Self::Amber),
            "red" => Some(Self::Red),
            // Others speak of other things that have this name.
            _ => tag.contains([':', '=', '：']).then_some(Self::Red),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read() {
        let check = |tag: &str, expected| assert_eq!(Tlp::from_tag(tag), expected, "{tag}");
        check("tlp:amber", Some(Tlp::Amber));
        check("TLP:WHITE", Some(Tlp::Clear));
        check("TLP: Amber+Strict", Some(Tlp::AmberStrict));
        check("tlp:chartreuse", Some(Tlp::Red));
        check("type:OSINT", None);
        check("tl", None);
        for red in [
            "TLP RED",
            "tlp-red",
            "tlp=red",
            "tlp_red",
            "TLP2:RED",
            "TLP",
            "tlp:",
            "TLPRED",
            "tlpé",
            "#TLP:RED",
            "traffic-light-protocol:red",
            "Traffic Light Protocol",
            "ＴＬＰ：ＲＥＤ",
            "T.L.P. RED",
            "𝐓𝐋𝐏:red",
            "ⓉⓁⓅ red",
            "t\u{200b}lp:red",
            "ТLР:RED",
            "TLP2:GREEN",
            "tlp:clear tlp:red",
            "tlpgreen",
            "tlp:green?no",
            "tlp:amber+strict+x",
            "tlp:ex:chr",
            "\"tlp:red\"",
            "tlp:gr\u{435}en",
        ] {
            check(red, Some(Tlp::Red));
        }
        check("ＴＬＰ：ＧＲＥＥＮ", Some(Tlp::Green));
        check("tlp-clear", Some(Tlp::Clear));
        check("TLP WHITE", Some(Tlp::Clear));
        check("tlp=\"amber\"", Some(Tlp::Amber));
        check("tlp_amber_strict", Some(Tlp::AmberStrict));
        check("TLP: AMBER + STRICT", Some(Tlp::AmberStrict));
        check("traffic_light_protocol:amber", Some(Tlp::Amber));
        for other in ["traffic", "traffic light", "light", "ttlp:red", "x-tlp", "", "::"] {
            check(other, None);
        }
    }

    #[test]
    fn actions_are_read() {
        let check = |tag: &str, expected| assert_eq!(Pap::from_tag(tag), expected, "{tag}");
        check("PAP:AMBER", Some(Pap::Amber));
        check("pap-green", Some(Pap::Green));
        check("ＰＡＰ：ＲＥＤ", Some(Pap::Red));
        check("pap:mauve", Some(Pap::Red));
        check("pap:", Some(Pap::Red));
        check("pap smear", None);
        check("paper:amber", None);
    }

    #[test]
    fn ids_round_trip_and_order_is_strictness() {
        for tlp in Tlp::ALL {
            assert_eq!(Tlp::from_stix_id(tlp.stix_id()), Some(tlp));
            assert_eq!(Tlp::from_label(tlp.as_str()), Some(tlp));
        }
        assert_eq!(Tlp::stricter(Some(Tlp::Green), None), Some(Tlp::Green));
        assert_eq!(
            Tlp::stricter(Some(Tlp::Amber), Some(Tlp::AmberStrict)),
            Some(Tlp::AmberStrict)
        );
    }
}
