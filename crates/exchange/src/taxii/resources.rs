//! What a server says of itself (TAXII 2.1, sections 4 and 5), read with tolerance: a number may be a string, one value
//! may stand where a list should, what is not known is passed over.

use serde_json::Value;

use super::Stamp;

/// A server (section 4.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Its name.
    pub title: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// The API root to take where none is chosen.
    pub default: Option<String>,
    /// Its API roots, absolute or relative.
    pub api_roots: Vec<String>,
}

/// An API root (section 4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiRoot {
    /// Its name.
    pub title: String,
    /// What it is for.
    pub description: Option<String>,
    /// The media types that it speaks.
    pub versions: Vec<String>,
    /// The longest body that it takes, in bytes, where it says so.
    pub max_content_length: Option<u64>,
}

/// A collection (section 5.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collection {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What it is for.
    pub description: Option<String>,
    /// Another name for its id.
    pub alias: Option<String>,
    /// Whether we may read it; true where nothing is said.
    pub can_read: bool,
    /// Whether we may write to it.
    pub can_write: bool,
    /// What it holds.
    pub media_types: Vec<String>,
}

/// What became of what was sent (section 4.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Its id; empty where the server gave none.
    pub id: String,
    /// Whether all is decided.
    pub is_complete: bool,
    /// How many objects, stored, refused, undecided; where the server says so.
    pub total: Option<u64>,
    /// How many are stored.
    pub stored: Option<u64>,
    /// How many are refused.
    pub refused: Option<u64>,
    /// How many are undecided.
    pub pending: Option<u64>,
    /// The stored ones, where the server names them.
    pub successes: Vec<StatusDetail>,
    /// The refused ones.
    pub failures: Vec<StatusDetail>,
    /// The undecided ones.
    pub pendings: Vec<StatusDetail>,
}

/// One object of a [`Status`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusDetail {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// What the server says of it.
    pub message: Option<String>,
}

/// One version of an object, as the manifest (section 5.3) lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    /// Its id.
    pub id: String,
    /// When it entered the collection.
    pub date_added: Option<Stamp>,
    /// Its version.
    pub version: String,
    /// What it is.
    pub media_type: Option<String>,
}

impl Discovery {
    pub(crate) fn read(document: &Value) -> Self {
        Self {
            title: text(document, "title").unwrap_or_default(),
            description: text(document, "description"),
            contact: text(document, "contact"),
            default: text(document, "default"),
            api_roots: texts(document, "api_roots"),
        }
    }
}

impl ApiRoot {
    pub(crate) fn read(document: &Value) -> Self {
        Self {
            title: text(document, "title").unwrap_or_default(),
            description: text(document, "description"),
            versions: texts(document, "versions"),
            max_content_length: number(document, "max_content_length"),
        }
    }
}

impl Collection {
    /// `None` where it has no id.
    pub(crate) fn read(document: &Value) -> Option<Self> {
        Some(Self {
            id: text(document, "id")?,
            title: text(document, "title").unwrap_or_default(),
            description: text(document, "description"),
            alias: text(document, "alias"),
            can_read: flag(document, "can_read").unwrap_or(true),
            can_write: flag(document, "can_write").unwrap_or(false),
            media_types: texts(document, "media_types"),
        })
    }
}

impl Status {
    pub(crate) fn read(document: &Value) -> Self {
        let pending = number(document, "pending_count");
        let state = text(document, "status");
        Self {
            id: text(document, "id").unwrap_or_default(),
            is_complete: match state.as_deref() {
                Some(state) => state.eq_ignore_ascii_case("complete"),
                None => pending == Some(0),
            },
            total: number(document, "total_count"),
            stored: number(document, "success_count"),
            refused: number(document, "failure_count"),
            pending,
            successes: details(document, "successes"),
            failures: details(document, "failures"),
            pendings: details(document, "pendings"),
        }
    }
}

impl ManifestRow {
    pub(crate) fn read(document: &Value) -> Option<Self> {
        Some(Self {
            id: text(document, "id")?,
            date_added: text(document, "date_added").and_then(|date| Stamp::read(&date)),
            version: text(document, "version").unwrap_or_default(),
            media_type: text(document, "media_type"),
        })
    }
}

fn details(document: &Value, name: &str) -> Vec<StatusDetail> {
    let list = document.get(name).and_then(Value::as_array);
    let detail = |entry: &Value| match entry {
        // So TAXII 2.0 names what succeeded.
        Value::String(id) => Some(StatusDetail {
            id: id.clone(),
            ..StatusDetail::default()
        }),
        entry => Some(StatusDetail {
            id: text(entry, "id")?,
            version: text(entry, "version"),
            message: text(entry, "message").map(|message| crate::error::clean(&message)),
        }),
    };
    list.into_iter().flatten().filter_map(detail).collect()
}

pub(crate) fn text(document: &Value, name: &str) -> Option<String> {
    plain(document.get(name)?)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn texts(document: &Value, name: &str) -> Vec<String> {
    match document.get(name) {
        Some(Value::Array(list)) => list.iter().filter_map(plain).collect(),
        Some(one) => plain(one).into_iter().collect(),
        None => Vec::new(),
    }
}

fn number(document: &Value, name: &str) -> Option<u64> {
    match document.get(name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn flag(document: &Value, name: &str) -> Option<bool> {
    match document.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Number(number) => Some(number.as_u64() != Some(0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn api_roots() {
        let check = |document: Value, versions: &[&str], length: Option<u64>| {
            let root = ApiRoot::read(&document);
            assert_eq!(root.versions, versions, "{document}");
            assert_eq!(root.max_content_length, length, "{document}");
        };
        check(
            json!({"versions": ["a", "b"], "max_content_length": 10}),
            &["a", "b"],
            Some(10),
        );
        check(
            json!({"versions": "a", "max_content_length": " 10 ", "x": {}}),
            &["a"],
            Some(10),
        );
        check(
            json!({"versions": [1, null], "max_content_length": -1}),
            &["1"],
            None,
        );
        check(json!({}), &[], None);
    }

    #[test]
    fn collections() {
        let check = |document: Value, expected: Option<(bool, bool)>| {
            let found = Collection::read(&document).map(|one| (one.can_read, one.can_write));
            assert_eq!(found, expected, "{document}");
        };
        check(
            json!({"id": "a", "can_read": true, "can_write": false}),
            Some((true, false)),
        );
        check(
            json!({"id": "a", "can_read": "False", "can_write": "TRUE"}),
            Some((false, true)),
        );
        check(json!({"id": "a"}), Some((true, false)));
        check(json!({"title": "a"}), None);
    }

    #[test]
    fn statuses() {
        let check = |document: Value, is_complete: bool, failures: &[&str]| {
            let status = Status::read(&document);
            let ids: Vec<&str> = status.failures.iter().map(|one| one.id.as_str()).collect();
            assert_eq!(
                (status.is_complete, ids.as_slice()),
                (is_complete, failures),
                "{document}"
            );
        };
        check(
            json!({"status": "complete", "failures": [{"id": "a"}, {}, 5]}),
            true,
            &["a"],
        );
        check(json!({"status": "pending", "failures": ["a"]}), false, &["a"]);
        check(json!({"pending_count": "0", "failures": {}}), true, &[]);
        check(json!({}), false, &[]);
    }
}
