pub fn stumbler(_argument: &str) {}
