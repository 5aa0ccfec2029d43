//! What Perisai talks about: indicators, observables, markings, events, findings, places. Plain data without I/O and
//! without any foreign wire format; the formats live in `intel`, `events` and `respond`.

mod event;
mod finding;
mod id;
mod indicator;
mod kind;
mod marking;
mod party;
mod place;
mod report;
mod rule_text;
mod severity;
mod validity;
mod warninglist;
mod withheld;

pub use event::{Event, Value};
pub use finding::{Finding, Flag, Observed, RuleInfo, RuleKind, Source, merged_tags, rule_key};
pub use id::stable_uuid;
pub use indicator::{Announced, Context, ContextId, Indicator, Indicators, Intel, Rule, RuleLanguage};
pub use jiff::Timestamp;
pub use kind::{Kind, UnknownKind};
pub use marking::{Pap, Tlp};
pub use party::{Audience, Organisation, Person, SharingGroup};
pub use place::{Place, Position, Problem};
pub use report::{IdleRule, Interrupted, Report};
pub use rule_text::RuleText;
pub use severity::{Severity, UnknownSeverity};
pub use validity::Validity;
pub use warninglist::{Warninglist, WarninglistCategory, WarninglistType};
pub use withheld::{Reason, Withheld};
