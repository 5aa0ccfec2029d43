//! Texts, numbers and truth values on their way into an object.

use std::borrow::Cow;

/// A scalar. A text that is not borrowed lives only during the call.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a, 't> {
    Borrowed(&'a str),
    Brief(&'t str),
    Bool(bool),
    Number(Number),
}

#[derive(Clone, Copy)]
pub(super) enum Number {
    Whole(u64),
    Other,
}

impl<'a, 't> Scalar<'a, 't> {
    pub(super) fn text(self) -> Option<&'t str>
    where
        'a: 't,
    {
        match self {
            Self::Borrowed(text) => Some(text),
            Self::Brief(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn kept(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Borrowed(text) => Some(Cow::Borrowed(text)),
            Self::Brief(text) => Some(Cow::Owned(text.to_owned())),
            _ => None,
        }
    }

    /// The text, or what begins it.
    pub(super) fn clipped(self, limit: usize) -> Option<Cow<'a, str>> {
        let cut = |text: &str| text.floor_char_boundary(limit);
        match self {
            Self::Borrowed(text) => Some(Cow::Borrowed(&text[..cut(text)])),
            Self::Brief(text) => Some(Cow::Owned(text[..cut(text)].to_owned())),
            Self::Number(Number::Whole(number)) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }
}
