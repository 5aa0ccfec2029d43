//! The field names that rules use, as small numbers.

use std::collections::HashMap;

/// A field name that some rule, alias or log source test asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FieldId(pub(super) u32);

/// All names asked for. Names are compared exactly first, then without regard to case and spaces, so that
/// `Source Name` and `SourceName` are one field where a log has only one of them.
#[derive(Debug, Default)]
pub(super) struct Fields {
    names: Vec<Box<str>>,
    exact: HashMap<Box<str>, FieldId>,
    loose: HashMap<u64, Vec<FieldId>>,
}

/// Prefixes under which collectors put the fields of a Windows event.
const WRAPPERS: [&str; 7] = [
    "winlog.event_data.",
    "winlog.",
    "Event.EventData.",
    "Event.System.",
    "EventData.",
    "System.",
    "event_data.",
];

impl Fields {
    /// The number of a name, new or known.
    pub(super) fn intern(&mut self, name: &str) -> FieldId {
        if let Some(&id) = self.exact.get(name) {
            return id;
        }
        let id = FieldId(u32::try_from(self.names.len()).expect("rules' size is limited"));
        self.names.push(name.into());
        self.exact.insert(name.into(), id);
        self.loose.entry(loose_hash(name)).or_default().push(id);
        id
    }

    /// The number of a name that rules use.
    pub(super) fn known(&self, name: &str) -> Option<FieldId> {
        self.exact.get(name).copied()
    }

    /// The name.
    pub(super) fn name(&self, id: FieldId) -> &str {
        &self.names[id.0 as usize]
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Calls `each` for every field that a name in an event stands for, and how well: 3 the same name, 2 the same but
    /// for case and spaces, 1 the same inside a collector's wrapper.
    pub(super) fn resolve(&self, name: &str, mut each: impl FnMut(FieldId, u8)) {
        if self.resolve_whole(name, 0, &mut each) {
            return;
        }
        if !matches!(name.as_bytes().first(), Some(b'w' | b'E' | b'S' | b'e')) {
            return;
        }
        if let Some(inner) = WRAPPERS.iter().find_map(|wrapper| name.strip_prefix(wrapper)) {
            self.resolve_whole(inner, 1, &mut each);
        }
    }

    fn resolve_whole(&self, name: &str, penalty: u8, each: &mut impl FnMut(FieldId, u8)) -> bool {
        let Some(ids) = self.loose.get(&loose_hash(name)) else {
            return false;
        };
        let mut any = false;
        for &id in ids {
            let asked = self.name(id);
            if asked == name {
                each(id, 3 - penalty);
                any = true;
            } else if loosely_equal(asked, name) {
                each(id, 2 - penalty);
                any = true;
            }
        }
        any
    }
}

fn loose(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes()
        .filter(|&byte| byte != b' ')
        .map(|byte| byte.to_ascii_lowercase())
}

fn loosely_equal(one: &str, other: &str) -> bool {
    loose(one).eq(loose(other))
}

/// FNV-1a: names are short.
fn loose_hash(name: &str) -> u64 {
    loose(name).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_exactly_loosely_and_unwrapped() {
        let mut fields = Fields::default();
        for name in ["EventID", "Source Name", "Image"] {
            fields.intern(name);
        }
        let check = |name: &str, expected: &[(u32, u8)]| {
            let mut found = Vec::new();
            fields.resolve(name, |id, rank| found.push((id.0, rank)));
            assert_eq!(found, expected, "{name}");
        };
        check("EventID", &[(0, 3)]);
        check("eventid", &[(0, 2)]);
        check("SourceName", &[(1, 2)]);
        check("winlog.event_data.Image", &[(2, 2)]);
        check("Event.System.EventID", &[(0, 2)]);
        check("NoSuch", &[]);
        check("", &[]);
    }
}
