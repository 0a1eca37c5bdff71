//! `frame-ring doctor`: what this machine lacks for rings, and what to do about it.
//!
//! Whatever can be tried is tried, in `memory` and `handover`; `limits` reads what the kernel is set to.

mod handover;
mod limits;
mod memory;

use serde::Serialize;

use super::output::{print, print_json};
use super::table::Table;
use crate::error::CliError;

/// Find out what this machine lacks for rings
///
/// Makes, seals and hands over small rings for trial, and reads the kernel's limits. Ends with exit code 3 if
/// something is missing that no ring can do without.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring doctor
  frame-ring doctor --json | jq '.checks[] | select(.status != \"ok\")'")]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// Rings work, though not as well as they could.
    Warning,
    /// No ring works.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    /// What is there.
    found: String,
    /// What to do, unless all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, found: found.into(), advice: None }
    }

    fn warning(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, status: Status::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    fn problem(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, status: Status::Problem, found: found.into(), advice: Some(advice.into()) }
    }

    /// Tells what was tried: `found` if it went well, what went wrong and `advice` if not.
    fn tried<E: ToString>(name: &'static str, tried: Result<String, E>, advice: impl Into<String>) -> Self {
        match tried {
            Ok(found) => Self::ok(name, found),
            Err(why) => Self::problem(name, why.to_string(), advice),
        }
    }
}

/// Everything.
#[derive(Debug, Serialize)]
struct Report {
    /// The worst of all.
    status: Status,
    checks: Vec<Check>,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    let mut checks = vec![limits::kernel()];
    checks.extend(memory::checks());
    checks.extend(handover::checks());
    checks.extend(limits::checks());
    let has = |status| checks.iter().any(|check| check.status == status);
    let status = match (has(Status::Problem), has(Status::Warning)) {
        (true, _) => Status::Problem,
        (false, true) => Status::Warning,
        (false, false) => Status::Ok,
    };
    let report = Report { status, checks };
    if args.json {
        print_json(&report)?;
    } else {
        print(&text(&report))?;
    }
    let missing = report.checks.iter().filter(|check| check.status == Status::Problem);
    let missing: Vec<&str> = missing.map(|check| check.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(CliError::Wrong(format!("rings don't work on this machine: {}", missing.join(", "))))
}

fn text(report: &Report) -> String {
    let mut table = Table::new(3, &["check", "", "found"]);
    for check in &report.checks {
        let status = match check.status {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Problem => "PROBLEM",
        };
        table.row([check.name.into(), status.into(), check.found.clone()]);
        if let Some(advice) = &check.advice {
            table.row([String::new(), String::new(), format!("-> {advice}")]);
        }
    }
    table.text()
}
