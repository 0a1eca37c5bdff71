//! `include/frame_ring.h` is what the sources say. `FRAME_RING_WRITE_HEADER=1 cargo test -p frame-ring-ffi --test header`
//! writes it.

use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};

/// The files whose `pub` items are the header's, in its order.
const SOURCES: [&str; 11] = [
    "../core/src/c_abi/status.rs",
    "../core/src/c_abi/format.rs",
    "../core/src/c_abi/descriptor.rs",
    "../core/src/c_abi/handle.rs",
    "../core/src/c_abi/grant.rs",
    "../core/src/c_abi/track.rs",
    "src/error.rs",
    "src/producer.rs",
    "src/frame.rs",
    "src/consumer.rs",
    "src/stats.rs",
];

const INTRODUCTION: &str = "\
/*
 * frame-ring: raw audio and video from many producer processes to one consumer, over shared memory.
 *
 * Generated from the Rust sources. docs/ffi.md tells of ownership, threads, errors and versions.
 * Functions frame_ring_core_... make no system call and allocate nothing; they are all that a browser links.
 */";

#[test]
fn the_header_is_that_of_the_sources() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = Config {
        language: Language::C,
        header: Some(INTRODUCTION.into()),
        include_guard: Some("FRAME_RING_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        cpp_compat: true,
        style: Style::Both,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::C99,
        line_length: 110,
        ..Config::default()
    };
    config.export.include = ["frame_ring_class", "frame_ring_kind"].map(String::from).to_vec();
    let builder =
        SOURCES.iter().fold(Builder::new().with_config(config), |b, file| b.with_src(here.join(file)));
    let mut header = Vec::new();
    builder.generate().expect("a header").write(&mut header);
    let header = tidy(&String::from_utf8(header).expect("text"));
    let path = here.join("include/frame_ring.h");
    if std::env::var_os("FRAME_RING_WRITE_HEADER").is_some() {
        std::fs::write(&path, &header).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == header,
        "include/frame_ring.h is not that of the sources: write it, see this test's file"
    );
}

/// For people who read C: no heap of empty lines, and no Rust heading.
fn tidy(header: &str) -> String {
    let mut tidy = String::new();
    for line in header.lines().map(str::trim_end) {
        if !(line.is_empty() && tidy.ends_with("\n\n")) {
            tidy += &line.replace("// # Safety", "// Preconditions:");
            tidy += "\n";
        }
    }
    tidy
}
