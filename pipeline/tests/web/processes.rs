//! What the processes of a browser are and use, as `/proc` tells. They are the group of the process that was started.

use std::fs;
use std::path::{Path, PathBuf};

/// All of a browser's.
pub fn of(browser: u32) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.filter(|process| group(process) == Some(browser)).collect()
}

/// Those that show pages.
pub fn renderers(browser: u32) -> Vec<PathBuf> {
    let command = |process: &PathBuf| fs::read_to_string(process.join("cmdline")).unwrap_or_default();
    of(browser).into_iter().filter(|process| command(process).contains("--type=renderer")).collect()
}

/// The group that a process is in: it has the number of the process that was started.
fn group(process: &Path) -> Option<u32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(") ")?.1.split_whitespace().nth(2)?.parse().ok()
}

/// The first number of a line of a process's status; 0 if there is none.
pub fn number(process: &Path, name: &str) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().unwrap_or_default().parse().unwrap_or(0)
}

/// Anonymous memory of all, in bytes.
pub fn anonymous(browser: u32) -> u64 {
    of(browser).iter().map(|process| number(process, "RssAnon:")).sum::<u64>() << 10
}

/// Open descriptors of all, as far as they may be seen, and of how many processes these are.
pub fn descriptors(browser: u32) -> (usize, usize) {
    let counts =
        of(browser).into_iter().filter_map(|process| Some(fs::read_dir(process.join("fd")).ok()?.count()));
    counts.fold((0, 0), |(all, processes), count| (all + count, processes + 1))
}
