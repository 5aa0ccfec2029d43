//! The binary `perisai`.
fn main() {}
