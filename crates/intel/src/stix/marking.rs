//! What STIX marking definitions say of TLP and PAP (STIX 2.1, section 7.2; the OASIS TLP 2.0 extension). Statements,
//! copyrights and languages say nothing of either.

use std::collections::HashMap;

use perisai_model::{Pap, Tlp};

use super::view::{Granular, MarkingDefinition, TlpExtension};

const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// What a marking says of TLP and PAP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marking {
    /// With whom it may be shared; `None` where the marking is about something else.
    pub tlp: Option<Tlp>,
    /// What may be done with it.
    pub pap: Option<Pap>,
}

impl Marking {
    /// The stricter of two.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        Self {
            tlp: Tlp::stricter(self.tlp, other.tlp),
            pap: self.pap.max(other.pap),
        }
    }

    /// The strictest of the markings that an object or a part of it refers to. One of the fixed ids needs no
    /// definition, and cannot be loosened by one. What an id means whose definition is not at hand nobody can tell: it
    /// may be any label of TLP, so the strictest.
    pub(crate) fn of_refs<'a>(
        refs: impl IntoIterator<Item = &'a String>,
        known: &HashMap<String, Self>,
    ) -> Self {
        refs.into_iter().fold(Self::default(), |strictest, id| {
            let fixed = well_known_marking(id);
            let meaning = match (known.get(id), fixed) {
                (Some(defined), fixed) => defined.stricter(fixed.unwrap_or_default()),
                (None, Some(fixed)) => fixed,
                (None, None) => RED,
            };
            strictest.stricter(meaning)
        })
    }

    /// Whether the meaning of a reference is at hand.
    pub(crate) fn is_known(id: &str, known: &HashMap<String, Self>) -> bool {
        Tlp::from_stix_id(id).is_some() || known.contains_key(id)
    }

    /// What a label or tag means (`tlp:amber`, `PAP:RED`); nothing for one that is of neither kind.
    #[must_use]
    pub fn of_label(label: &str) -> Self {
        Self {
            tlp: Tlp::from_tag(label),
            pap: Pap::from_tag(label),
        }
    }

    /// What a definition means.
    pub(crate) fn of_definition(view: &MarkingDefinition) -> Self {
        let names = [&view.name, &view.x_opencti_definition];
        let names = || names.iter().filter_map(|name| name.as_deref());
        let definition = view.definition.as_ref();
        let is = |kind: &str| {
            view.definition_type
                .as_deref()
                .is_some_and(|other| other.trim().eq_ignore_ascii_case(kind))
        };
        let extensions = view.extensions.iter().filter(|(name, _)| name == TLP_EXTENSION);
        let extensions = extensions.map(|(_, raw)| {
            let label = serde_json::from_str::<TlpExtension>(raw.get()).ok();
            label.and_then(|extension| extension.tlp_2_0)
        });
        let extension = extensions
            .map(|label| label.as_deref().map_or(Tlp::Red, tlp_label))
            .max();
        let tlp = definition
            .and_then(|definition| definition.tlp.as_deref())
            .map(tlp_label)
            .into_iter()
            .chain(extension)
            .chain(names().filter_map(Tlp::from_tag))
            .max();
        let pap = definition
            .and_then(|definition| definition.pap.as_deref())
            .map(pap_label)
            .into_iter()
            .chain(names().filter_map(Pap::from_tag))
            .max();
        Self {
            tlp: tlp.or(is("tlp").then_some(Tlp::Red)),
            pap: pap.or(is("pap").then_some(Pap::Red)),
        }
    }
}

/// What nobody can tell the meaning of: it may be any label of TLP, so the strictest.
const RED: Marking = Marking {
    tlp: Some(Tlp::Red),
    pap: None,
};

/// What a marking means whose id is fixed and needs no definition: those of TLP 2.0 and 1.0, and OpenCTI's AMBER+STRICT.
/// A definition that comes under such an id cannot loosen it: the stricter of both counts.
#[must_use]
pub fn well_known_marking(id: &str) -> Option<Marking> {
    let tlp = Tlp::from_stix_id(id)?;
    Some(Marking {
        tlp: Some(tlp),
        pap: None,
    })
}

/// What the bytes of a `marking-definition` say of TLP and PAP; nothing of either, where it is a statement, a copyright,
/// a language. A label that is not known is RED, as is a definition that cannot be read or says a thing twice. Of several
/// labels the strictest counts, that of its id included ([`well_known_marking`]).
#[must_use]
pub fn marking_of_definition(raw: &[u8]) -> Marking {
    let Ok(view) = serde_json::from_slice::<MarkingDefinition>(raw) else {
        return RED;
    };
    let fixed = view.id.as_deref().and_then(well_known_marking);
    Marking::of_definition(&view).stricter(fixed.unwrap_or_default())
}

/// The references of an object and of its parts.
pub(crate) fn refs(mut object: Vec<String>, parts: Vec<Granular>) -> Vec<String> {
    object.extend(parts.into_iter().filter_map(|part| part.marking_ref));
    object.sort_unstable();
    object.dedup();
    object
}

fn tlp_label(label: &str) -> Tlp {
    let label = label.trim();
    Tlp::from_tag(label)
        .or_else(|| Tlp::from_label(label))
        .unwrap_or(Tlp::Red)
}

fn pap_label(label: &str) -> Pap {
    Pap::from_tag(label)
        .or_else(|| Pap::from_tag(&format!("pap:{label}")))
        .unwrap_or(Pap::Red)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, tlp: Option<Tlp>, pap: Option<Pap>) {
        let view: MarkingDefinition = serde_json::from_str(json).unwrap();
        assert_eq!(Marking::of_definition(&view), Marking { tlp, pap }, "{json}");
    }

    #[test]
    fn definitions() {
        check(
            r#"{"definition_type": "tlp", "definition": {"tlp": "amber"}}"#,
            Some(Tlp::Amber),
            None,
        );
        check(
            r#"{"definition_type": "tlp", "definition": {"tlp": "ultraviolet"}}"#,
            Some(Tlp::Red),
            None,
        );
        check(r#"{"definition_type": "TLP"}"#, Some(Tlp::Red), None);
        check(
            r#"{"definition_type": "statement", "definition": {"statement": "TLP:RED is nice"}}"#,
            None,
            None,
        );
        check(
            r#"{"definition_type": "statement", "definition": {"statement": "custom"}, "x_opencti_definition": "TLP:AMBER+STRICT"}"#,
            Some(Tlp::AmberStrict),
            None,
        );
        check(r#"{"name": "TLP:GREEN"}"#, Some(Tlp::Green), None);
        check(r#"{"name": "Copyright"}"#, None, None);
        check(
            r#"{"definition_type": "PAP", "definition": {"pap": "PAP:AMBER"}}"#,
            None,
            Some(Pap::Amber),
        );
        check(
            r#"{"definition_type": "pap", "definition": {"pap": "green"}}"#,
            None,
            Some(Pap::Green),
        );
        check(
            &format!(r#"{{"name": "TLP:CLEAR", "extensions": {{"{TLP_EXTENSION}": {{"tlp_2_0": "red"}}}}}}"#),
            Some(Tlp::Red),
            None,
        );
        check(
            &format!(r#"{{"extensions": {{"{TLP_EXTENSION}": 7}}}}"#),
            Some(Tlp::Red),
            None,
        );
    }

    #[test]
    fn bytes_of_definitions() {
        let check = |json: &str, tlp: Option<Tlp>| {
            assert_eq!(marking_of_definition(json.as_bytes()).tlp, tlp, "{json}");
        };
        check(
            r#"{"definition_type": "tlp", "definition": {"tlp": "green"}}"#,
            Some(Tlp::Green),
        );
        check(
            r#"{"definition_type": "statement", "definition": {"statement": "x"}}"#,
            None,
        );
        check("not JSON", Some(Tlp::Red));
        check(
            r#"{"definition": {"tlp": "clear"}, "definition": {"tlp": "red"}}"#,
            Some(Tlp::Red),
        );
        check(
            r#"{"definition_type": "tlp", "definition": {"tlp": "clear", "tlp": "red"}}"#,
            Some(Tlp::Red),
        );
        let twice = |one: &str, other: &str| {
            format!(
                r#"{{"extensions": {{"{TLP_EXTENSION}": {{"tlp_2_0": "{one}"}}, "{TLP_EXTENSION}": {{"tlp_2_0": "{other}"}}}}}}"#
            )
        };
        check(&twice("amber", "clear"), Some(Tlp::Amber));
        check(&twice("clear", "amber"), Some(Tlp::Amber));
        check(
            &format!(r#"{{"name": "TLP:RED", "extensions": {{"{TLP_EXTENSION}": {{"tlp_2_0": "clear"}}}}}}"#),
            Some(Tlp::Red),
        );
        let amber = Tlp::Amber.stix_id();
        check(
            &format!(r#"{{"id": "{amber}", "definition_type": "tlp", "definition": {{"tlp": "clear"}}}}"#),
            Some(Tlp::Amber),
        );
        check(r#"{"name": "PAP:RED"}"#, None);
        assert_eq!(
            marking_of_definition(br#"{"name": "PAP:RED"}"#).pap,
            Some(Pap::Red)
        );
        assert_eq!(
            well_known_marking(amber).and_then(|marking| marking.tlp),
            Some(Tlp::Amber)
        );
        let opencti = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37";
        assert_eq!(
            well_known_marking(opencti).and_then(|marking| marking.tlp),
            Some(Tlp::AmberStrict)
        );
        assert_eq!(well_known_marking("marking-definition--1"), None);
    }

    #[test]
    fn a_fixed_id_cannot_be_loosened() {
        let id = Tlp::Red.stix_id().to_owned();
        let clear = Marking {
            tlp: Some(Tlp::Clear),
            pap: None,
        };
        let known = HashMap::from([(id.clone(), clear)]);
        assert_eq!(Marking::of_refs([&id], &known).tlp, Some(Tlp::Red));
        assert_eq!(
            Marking::of_refs([&"marking-definition--x".to_owned()], &known).tlp,
            Some(Tlp::Red)
        );
        let fixed = Tlp::Green.stix_id().to_owned();
        assert_eq!(Marking::of_refs([&fixed], &known).tlp, Some(Tlp::Green));
    }
}
