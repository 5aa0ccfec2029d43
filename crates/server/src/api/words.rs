//! Words and names in requests: labels of TLP, and what something may be called.

use axum::http::StatusCode;
use perisai_app::check_name;
use perisai_model::Tlp;

use crate::Problem;

/// The labels of TLP, for who wrote another.
pub(super) const LABELS: &str = "clear, green, amber, amber+strict or red";

/// A label of TLP.
pub(super) fn tlp(label: &str) -> Result<Tlp, Problem> {
    let told = || Problem::bad_request(format!("`{label}` is no label of TLP: that is {LABELS}"));
    Tlp::from_label(label).ok_or_else(told)
}

/// Refuses what nothing can be called.
pub(super) fn named(name: &str) -> Result<(), Problem> {
    check_name(name).map_err(|why| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why))
}
