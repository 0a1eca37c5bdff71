//! frame-ring
fn main() {}
