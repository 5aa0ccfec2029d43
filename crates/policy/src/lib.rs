//! What may leave whose hands: the rules of TLP 2.0 with audiences (design.md, invariants 1 to 3; standards.md, *TLP
//! 2.0 and PAP*), and the only maker of [`Released`], which every way out of a node takes.
//!
//! An object is released whole or not at all, and by all of its [`Terms`]: its own, and those of the objects that it
//! names. What is released is decided without any I/O; who is who is in the [`PolicyContext`].
//!
//! # Example
//! ```
//! use perisai_model::{Organisation, Tlp};
//! use perisai_policy::{Terms, Origin, PolicyContext, Recipient, release};
//! use uuid::Uuid;
//!
//! let us = Organisation(Uuid::from_u128(1));
//! let partner = Recipient::organisation(Organisation(Uuid::from_u128(2)));
//! let context = PolicyContext::new(us);
//! let terms = |tlp| [Terms { tlp: Some(tlp), origin: Origin::Own, audience: None }];
//!
//! let open = release("an object", &terms(Tlp::Clear), &partner, &context);
//! assert_eq!(*open.unwrap().get(), "an object");
//! assert!(release("an object", &terms(Tlp::Amber), &partner, &context).is_err());
//! ```

mod action;
mod context;
mod decision;
mod released;
mod terms;

pub use action::{Action, may_act};
pub use context::{PolicyContext, Recipient};
pub use decision::{Decision, Reason, Refusal, may_release};
pub use released::{Released, release};
pub use terms::{Origin, Terms};
