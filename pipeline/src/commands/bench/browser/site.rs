//! The benchmark's page.

use std::io;
use std::net::SocketAddr;

use crate::browser::library;
use crate::browser::site::{self, File};

const FILES: [File; 4] = [
    ("/", "text/html", include_str!("../../../../../benches/browser/page.html")),
    ("/page.js", "text/javascript", include_str!("../../../../../benches/browser/page.js")),
    ("/worker.js", "text/javascript", include_str!("../../../../../benches/browser/worker.js")),
    ("/frame-ring.js", "text/javascript", library::SCRIPT),
];

/// Serves the page until the program ends.
pub fn serve() -> io::Result<SocketAddr> {
    site::serve(&FILES)
}
