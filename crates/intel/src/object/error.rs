//! Why an object is refused.

use serde_json::error::Category;

/// Why bytes are no STIX object that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// Not JSON, or not in UTF-8. Where in the bytes, and why.
    #[error("{0}")]
    Json(String),
    /// JSON of another kind.
    #[error("not a JSON object")]
    NotAnObject,
    /// A property that must be there is not.
    #[error("no {0}")]
    Missing(&'static str),
    /// The same of an object of STIX 2.0, as which one counts that says no version.
    #[error("no {0}, which STIX 2.0 asks for; an object of 2.1 says `spec_version`")]
    MissingIn20(&'static str),
    /// One of several properties must be there, and none is.
    #[error("none of {}", .0.join(", "))]
    MissingOneOf(&'static [&'static str]),
    /// A property holds what it must not.
    #[error("{property}: {why}")]
    Invalid {
        /// Its name.
        property: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A property stands there twice: whoever reads it may read the other one.
    #[error("{0} stands there twice")]
    Twice(&'static str),
    /// Nested deeper than [`Object::MAX_DEPTH`](super::Object::MAX_DEPTH).
    #[error("nested too deep")]
    TooDeep,
    /// A list longer than is taken.
    #[error("{property}: more than {limit} entries")]
    TooMany {
        /// The list's name.
        property: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// The character of number 0, which no text has.
    #[error("a NUL character")]
    Nul,
    /// A bundle, which is no object but holds some.
    #[error("a bundle where an object should be")]
    Bundle,
}

impl ObjectError {
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let why = text.rsplit_once(" at line ").map_or(&*text, |(why, _)| why);
        match error.classify() {
            Category::Data => Self::NotAnObject,
            _ => Self::Json(format!("line {} column {}: {why}", error.line(), error.column())),
        }
    }
}
