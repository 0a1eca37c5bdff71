//! The capture library for pages, as one script, and its configuration.

use serde_json::{json, Value};

/// The script: `js/dist/frame-ring.js`.
pub const SCRIPT: &str = include_str!("../../../js/dist/frame-ring.js");

/// What `window.__FRAME_RING__` is to be for pages that know nothing of it: all remote tracks are captured. Without a URL of a
/// WebSocket there is only the lane.
pub fn config(name: &str, websocket: Option<&str>, local: bool) -> Value {
    json!({ "auto": true, "transport": "auto", "name": name, "url": websocket, "local": local })
}
