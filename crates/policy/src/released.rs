//! What was decided to go out. Nothing else can make one, so a sink that takes it cannot be reached by another way.

use crate::{Decision, PolicyContext, Reason, Recipient, Refusal, Terms, may_release};

/// Something that may go to the recipient for whom it was released, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released<T> {
    object: T,
    recipient: Recipient,
    reason: Reason,
}

impl<T> Released<T> {
    /// The object.
    pub const fn get(&self) -> &T {
        &self.object
    }

    /// The same in the form in which it is sent, which must say no more than the object does.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Released<U> {
        Released {
            object: form(self.object),
            recipient: self.recipient,
            reason: self.reason,
        }
    }

    /// To whom it may go.
    pub const fn recipient(&self) -> Recipient {
        self.recipient
    }

    /// Why.
    pub const fn reason(&self) -> Reason {
        self.reason
    }
}

/// Releases an object to a recipient, if all of its terms allow: its own first, then those of the objects that it
/// names.
///
/// # Errors
/// Where they do not, with the reason; the object is dropped.
pub fn release<T>(
    object: T,
    terms: &[Terms],
    recipient: &Recipient,
    context: &PolicyContext,
) -> Result<Released<T>, Refusal> {
    match may_release(terms, recipient, context) {
        Decision::Release(reason) => Ok(Released {
            object,
            recipient: *recipient,
            reason,
        }),
        Decision::Withhold(refusal) => Err(refusal),
    }
}
