//! The integration tests of `detect`.

mod indicator;
