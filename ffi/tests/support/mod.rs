//! The C compilers that the tests of this package need.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};

/// The C compiler and the C++ compiler (`CC` and `CXX`, or `cc` and `c++`); `None`, said loudly, where there are none.
pub fn compilers() -> Option<[OsString; 2]> {
    let compilers = [("CC", "cc"), ("CXX", "c++")];
    let compilers = compilers.map(|(variable, default)| std::env::var_os(variable).unwrap_or(default.into()));
    for compiler in &compilers {
        let mut version = Command::new(compiler);
        if version.arg("--version").stdout(Stdio::null()).status().is_err() {
            // Past the harness, which would keep it to itself.
            let _ =
                writeln!(std::io::stderr(), "NOT RUN: a test of the C ABI, because there is no {compiler:?}");
            return None;
        }
    }
    Some(compilers)
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}
