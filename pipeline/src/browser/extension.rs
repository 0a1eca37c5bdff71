//! The capture library as an unpacked extension, for browsers that are not to be controlled over pipes.
//!
//! Its one content script runs in every frame, in the page's own world, before the page's scripts. It asks for no
//! permission. The headless shell has no extensions, and Google's own builds of Chrome load none from the command line.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

/// Writes the extension to `dir`, which is made. `script` is what is to run in each document.
pub fn write(dir: &Path, script: &str) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let manifest = json!({
        "manifest_version": 3,
        "name": "frame-ring capture",
        "version": env!("CARGO_PKG_VERSION"),
        "minimum_chrome_version": "111",
        "content_scripts": [{
            "matches": ["<all_urls>"],
            "js": ["capture.js"],
            "run_at": "document_start",
            "all_frames": true,
            "match_origin_as_fallback": true,
            "world": "MAIN",
        }],
    });
    fs::write(dir.join("manifest.json"), manifest.to_string())?;
    fs::write(dir.join("capture.js"), script)
}
