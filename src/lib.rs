//! frame-ring
