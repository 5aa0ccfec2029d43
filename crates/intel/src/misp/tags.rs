//! MISP's tags and galaxies: markings are taken out of them, techniques and names are made plain.

use perisai_model::{Context, Pap, Severity, Tlp};

use crate::words::{NAME, clip, technique_tag};

/// Adds a tag to a context: `tlp:…` and `pap:…` become markings (the stricter of two), a galaxy's cluster becomes its
/// technique or name, all else stays as it is.
pub(crate) fn apply(tag: &str, context: &mut Context) {
    if let Some(tlp) = Tlp::from_tag(tag) {
        context.tlp = Tlp::stricter(context.tlp, Some(tlp));
        return;
    }
    if let Some(pap) = Pap::from_tag(tag) {
        context.pap = context.pap.max(Some(pap));
        return;
    }
    let cluster = tag
        .trim()
        .strip_prefix("misp-galaxy:")
        .and_then(|rest| rest.split_once('='));
    match cluster {
        Some((galaxy, name)) => apply_cluster(galaxy, name.trim_matches('"'), context),
        None => context.tags.extend(clip(tag, NAME)),
    }
}

/// Adds a cluster of a galaxy: a technique by its id, anything else by its name.
pub(crate) fn apply_cluster(galaxy: &str, name: &str, context: &mut Context) {
    let technique = name.rsplit_once(" - ").and_then(|(_, id)| technique_tag(id));
    match technique {
        Some(tag) if galaxy.ends_with("attack-pattern") => context.tags.push(tag),
        _ if is_uuid(name) => {}
        _ => context.tags.extend(clip(name, NAME)),
    }
}

/// MISP's `threat_level_id`: 1 high, 2 medium, 3 low; 4 is undefined.
pub(crate) fn threat_level(id: &str) -> Option<Severity> {
    match id.trim() {
        "1" => Some(Severity::High),
        "2" => Some(Severity::Medium),
        "3" => Some(Severity::Low),
        _ => None,
    }
}

/// True for the usual form of a UUID.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_markings_techniques_and_names() {
        let mut context = Context::default();
        for tag in [
            "tlp:green",
            "TLP:AMBER",
            "PAP:RED",
            "pap:green",
            "misp-galaxy:threat-actor=\"Sandworm\"",
            "misp-galaxy:mitre-attack-pattern=\"PowerShell - T1059.001\"",
            "misp-galaxy:mitre-course-of-action=\"Patch - T1084\"",
            "misp-galaxy:x=\"bb3ab4f3-e221-49e9-9fd4-4e429f8f4664\"",
            "type:OSINT",
            "",
        ] {
            apply(tag, &mut context);
        }
        assert_eq!((context.tlp, context.pap), (Some(Tlp::Amber), Some(Pap::Red)));
        assert_eq!(
            context.tags,
            ["Sandworm", "attack.t1059.001", "Patch - T1084", "type:OSINT"]
        );
    }
}
