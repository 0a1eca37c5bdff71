//! `frame-ring bench report`: what was measured before, for people to read.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::output::print;
use super::parse_positive;
use crate::error::CliError;
use crate::report::{Price, Report};

/// Make a report of what benchmarks have printed with --json
///
/// Medians, spread, ratios and dollars are computed here. Without --html, --markdown and --json, Markdown goes to standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring bench --json --repeat 3 > process.json
  frame-ring bench report --from process.json,browser.json --html report.html --vcpu-price 0.05")]
pub struct Args {
    /// Files of records
    #[arg(long, value_delimiter = ',', value_name = "FILES", required = true)]
    from: Vec<PathBuf>,
    /// Write a page with plots that needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write tables
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the rows and what was computed of them
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// US dollars for an hour of a vCPU
    #[arg(long, value_name = "USD", value_parser = parse_positive, default_value_t = Price::default().0)]
    vcpu_price: f64,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let mut records = String::new();
    for path in &args.from {
        let text = fs::read_to_string(path);
        records += &text.map_err(|why| CliError::failed(format!("read {}", path.display()), why))?;
        records.push('\n');
    }
    let failed = |why| CliError::failed("make the report", why);
    let report = Report::read(&records, Price(args.vcpu_price)).map_err(failed)?;
    if let Some(path) = &args.html {
        write(path, &report.html())?;
    }
    if let Some(path) = &args.markdown {
        write(path, &report.markdown())?;
    }
    if let Some(path) = &args.json {
        write(path, &report.json().map_err(failed)?)?;
    }
    match (&args.html, &args.markdown, &args.json) {
        (None, None, None) => print(&report.markdown()),
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    fs::write(path, text).map_err(|why| CliError::failed(format!("write {}", path.display()), why))
}
