//! A page with a call in it, to try things with: some people, whose tracks come over WebRTC, all of it in one page.

use std::io;

use super::site::{self, File};

const FILES: [File; 2] = [
    ("/", "text/html", include_str!("example/call.html")),
    ("/call.js", "text/javascript", include_str!("example/call.js")),
];

/// Serves the page until the program ends; its address with so many people in the call.
pub fn serve(people: u32) -> io::Result<String> {
    let address = site::serve(&FILES)?;
    Ok(format!("http://localhost:{}/?people={people}", address.port()))
}
