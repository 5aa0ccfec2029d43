//! What goes to the terminal beside the findings.

pub(crate) mod bar;
pub(crate) mod file;
pub(crate) mod harmless;
pub(crate) mod report;
pub(crate) mod screen;
