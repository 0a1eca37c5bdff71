pub fn reader(_argument: &str) {}
