//! What may be done with what was received (PAP).

use perisai_model::Pap;

/// What is done with an indicator, from what nobody sees to what everybody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Looking for it in what is stored.
    Look,
    /// Passive measures: asking third parties that the attacker does not see.
    Ask,
    /// Active measures that the attacker may notice, such as blocking it.
    Block,
    /// Anything, such as visiting it.
    Touch,
}

/// Whether a marking allows an action; `unmarked` stands where there is none.
#[must_use]
pub fn may_act(pap: Option<Pap>, unmarked: Pap, action: Action) -> bool {
    let most = match pap.unwrap_or(unmarked) {
        Pap::Red => Action::Look,
        Pap::Amber => Action::Ask,
        Pap::Green => Action::Block,
        Pap::Clear => Action::Touch,
    };
    action <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markings_allow_so_much() {
        let check = |pap, expected: [bool; 4]| {
            let all = [Action::Look, Action::Ask, Action::Block, Action::Touch];
            assert_eq!(
                all.map(|action| may_act(pap, Pap::Amber, action)),
                expected,
                "{pap:?}"
            );
        };
        check(Some(Pap::Red), [true, false, false, false]);
        check(Some(Pap::Amber), [true, true, false, false]);
        check(Some(Pap::Green), [true, true, true, false]);
        check(Some(Pap::Clear), [true; 4]);
        check(None, [true, true, false, false]);
    }
}
