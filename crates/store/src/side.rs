//! On whose word something is. What one side says of an id (how it is marked, what it is) counts for what the same side
//! sends: nobody hides or opens the objects of others by sending something under an id that these name.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use perisai_model::{Organisation, Tlp};
use uuid::Uuid;

use crate::source::{Source, SourceKind};

/// Whose word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// Our own.
    Ours,
    /// An organisation's, by whichever way it sends.
    Organisation(Organisation),
    /// That of a source of which nobody knows whose it is.
    Source(i64),
}

impl Source {
    /// On whose word it is what comes from it.
    pub(crate) fn side(&self, own: Organisation) -> Side {
        match self.owner() {
            _ if self.kind == SourceKind::Own => Side::Ours,
            Some(owner) if owner == own => Side::Ours,
            Some(owner) => Side::Organisation(owner),
            None => Side::Source(self.number),
        }
    }

    /// Whether our own people brought it here.
    pub(crate) fn is_ours(&self, own: Organisation) -> bool {
        self.kind == SourceKind::Import || self.side(own) == Side::Ours
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours => f.write_str("ours"),
            Self::Organisation(organisation) => write!(f, "organisation {}", organisation.0),
            Self::Source(number) => write!(f, "source {number}"),
        }
    }
}

impl FromStr for Side {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(' ') {
            None if text == "ours" => Ok(Self::Ours),
            Some(("organisation", uuid)) => {
                let uuid = Uuid::try_parse(uuid).map_err(|_| ())?;
                Ok(Self::Organisation(Organisation(uuid)))
            }
            Some(("source", number)) => Ok(Self::Source(number.parse().map_err(|_| ())?)),
            _ => Err(()),
        }
    }
}

/// What markings mean: what their definitions say of TLP, by id, to each side that sent one.
#[derive(Debug, Default)]
pub(crate) struct Meanings(HashMap<String, Vec<(Side, Option<Tlp>)>>);

impl Meanings {
    /// What a side says from now on.
    pub(crate) fn say(&mut self, id: &str, side: Side, tlp: Option<Tlp>) {
        let said = self.0.entry(id.to_owned()).or_default();
        said.retain(|(other, _)| *other != side);
        said.push((side, tlp));
    }

    /// What a side itself says.
    fn by(&self, id: &str, side: Side) -> Option<Option<Tlp>> {
        let said = self.0.get(id)?.iter();
        said.clone()
            .find(|(other, _)| *other == side)
            .map(|(_, tlp)| *tlp)
    }
}

/// What a side says just now: the marking definitions of a delivery. They count whatever became of them.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    pub(crate) side: Side,
    pub(crate) definitions: HashMap<&'a str, Option<Tlp>>,
}

impl Said<'_> {
    /// What a marking means for what a side sends, with what was said just now.
    pub(crate) fn meaning(&self, known: &Meanings, id: &str, side: Side) -> Option<Option<Tlp>> {
        let by = |side: Side| match self.definitions.get(id) {
            Some(tlp) if side == self.side => Some(*tlp),
            _ => known.by(id, side),
        };
        by(side).or_else(|| by(Side::Ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_kept_as_text() {
        let organisation = Side::Organisation(Organisation(Uuid::from_u128(7)));
        for side in [Side::Ours, organisation, Side::Source(7)] {
            assert_eq!(side.to_string().parse(), Ok(side));
        }
        for text in ["", "theirs", "source", "source x", "organisation 7"] {
            assert_eq!(text.parse::<Side>(), Err(()), "{text}");
        }
    }

    #[test]
    fn each_side_is_taken_at_its_own_word() {
        let (one, other) = (Side::Source(1), Side::Source(2));
        let mut known = Meanings::default();
        let said = |side, tlp| Said {
            side,
            definitions: HashMap::from([("m", tlp)]),
        };
        let now = said(one, Some(Tlp::Clear));
        assert_eq!(now.meaning(&known, "m", one), Some(Some(Tlp::Clear)));
        assert_eq!(now.meaning(&known, "m", other), None);
        assert_eq!(now.meaning(&known, "m", Side::Ours), None);
        known.say("m", one, Some(Tlp::Clear));
        // What we say counts where a side says nothing.
        let now = said(Side::Ours, Some(Tlp::Red));
        assert_eq!(now.meaning(&known, "m", other), Some(Some(Tlp::Red)));
        assert_eq!(now.meaning(&known, "m", one), Some(Some(Tlp::Clear)));
        known.say("m", Side::Ours, Some(Tlp::Green));
        let now = said(one, None);
        assert_eq!(now.meaning(&known, "m", one), Some(None));
        assert_eq!(now.meaning(&known, "m", other), Some(Some(Tlp::Green)));
    }
}
