//! `frame-ring bench browser`: what it costs to get frames out of a real browser.
//!
//! One page and one source for all transports, a fresh browser for each measurement, all transports in turn in each round.
//!
//! | module | owns |
//! |---|---|
//! | `workload`, `transport` | what the page captures, and how it gets out |
//! | `site` | the page, served on this machine |
//! | `consumer` | the other side of each transport |
//! | `tree` | what processes and threads use |
//! | `case` | one measurement |

mod case;
mod consumer;
mod site;
mod transport;
mod tree;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use case::Setting;
use transport::{Transport, IN_PATCHED};
use workload::Workload;

use crate::commands::output::{print, print_json};
use crate::error::CliError;
use crate::receive::positive;
use crate::report::{BrowserRow, Line, Machine, Price, Record, Report};

/// Measure what it costs to get frames out of a real Chromium: through a lane, over WebSockets, and not at all
///
/// The same page with the same fake camera or microphone for all; a fresh browser for each measurement; in each round all
/// transports in turn. CPU time is that of all the browser's processes and of the consumer.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring bench browser                                              # everything, about 20 minutes
  frame-ring bench browser --workloads 1080p30 --rounds 5 --html report.html
  frame-ring bench browser --patched-browser out/frame_ring/headless_shell    # its own rings as well
  frame-ring bench browser --seconds 600 --rounds 1 --workloads 1080p30 --transports lane     # ten minutes: is a frame lost?")]
pub struct Args {
    /// The browser: its path or name
    #[arg(long, default_value = "chromium")]
    browser: String,
    /// The patched browser: its path. Its rings are measured in it, and again in it what they are compared with
    #[arg(long, value_name = "PATH")]
    patched_browser: Option<String>,
    /// A Python with the package `websockets`
    #[arg(long, default_value = "python3")]
    python: String,
    /// What the page captures
    #[arg(long, value_enum, value_delimiter = ',', default_value = "1080p30,720p30,9x360p30,audio")]
    workloads: Vec<Workload>,
    /// How it gets out
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "capture,copy-to,websocket-rust,websocket-python,lane,patched"
    )]
    transports: Vec<Transport>,
    /// Measure everything so many times
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Measure each for so long
    #[arg(long, default_value_t = 10.0, value_name = "S", value_parser = positive)]
    seconds: f64,
    /// Let each run for so long before
    #[arg(long, default_value_t = 2.0, value_name = "S", value_parser = positive)]
    warm_up: f64,
    /// Leave the browser its sandbox; not as root
    #[arg(long)]
    sandbox: bool,
    /// Dollars for a vCPU for an hour
    #[arg(long, default_value_t = Price::default().0, value_name = "USD")]
    vcpu_price: f64,
    /// Print the rows as JSON, one on each line
    #[arg(long)]
    json: bool,
    /// Write the report as a page to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report as Markdown to this file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let site = site::serve().map_err(|why| CliError::failed("serve the page", why))?;
    let setting = Setting {
        python: args.python.clone(),
        site,
        warm_up: Duration::from_secs_f64(args.warm_up),
        measured: Duration::from_secs_f64(args.seconds),
        sandbox: args.sandbox,
    };
    let mut cases = cases(args);
    if cases.is_empty() {
        return Err(CliError::Usage(
            "the transport patched needs a patched browser: --patched-browser".into(),
        ));
    }
    let machine = Machine::here(subject(args)?);
    for round in 1..=args.rounds {
        for Case { browser, workload, transport, row } in &mut cases {
            let name = format!("{}, {}", row.workload, row.transport);
            eprintln!("round {round} of {}: {name}", args.rounds);
            let measured = case::run(&setting, browser, *workload, *transport);
            row.rounds.push(measured.map_err(|why| CliError::Failed(format!("{name}: {why}")))?);
        }
    }
    let records = std::iter::once(Record::Machine(machine));
    let records = records.chain(cases.into_iter().map(|case| Record::Browser(case.row)));
    let report = Report::new(records, Price(args.vcpu_price));
    publish(args, &report)
}

/// One row, and what is to be run for it.
struct Case<'a> {
    browser: &'a str,
    workload: Workload,
    transport: Transport,
    row: BrowserRow,
}

/// All rows in their order. A workload in the patched browser is one of its own: what is compared ran in one browser.
fn cases(args: &Args) -> Vec<Case<'_>> {
    let is_asked = |transport: &Transport| args.transports.contains(transport);
    let stock = args.transports.iter().copied().filter(|transport| *transport != Transport::Patched);
    let patched = args.patched_browser.as_deref().filter(|_| is_asked(&Transport::Patched));
    let mut cases = Vec::new();
    for workload in args.workloads.iter().copied() {
        let case = |browser, transport: Transport, place: &str| {
            let row = BrowserRow {
                workload: format!("{}{place}", workload.name()),
                transport: transport.name().into(),
                frames_per_s: workload.frames_per_s(),
                notes: transport.notes().into(),
                rounds: Vec::new(),
            };
            Case { browser, workload, transport, row }
        };
        cases.extend(stock.clone().map(|transport| case(args.browser.as_str(), transport, "")));
        if let Some(path) = patched {
            let compared = IN_PATCHED.into_iter().filter(is_asked);
            cases.extend(compared.map(|transport| case(path, transport, " in the patched browser")));
        }
    }
    cases
}

/// What is measured, and what is not.
fn subject(args: &Args) -> Result<String, CliError> {
    let stock = version_of(&args.browser, "--browser")?;
    let patched = match &args.patched_browser {
        Some(path) => format!("patched: {}", version_of(path, "--patched-browser")?),
        None => "patched: not measured, because no --patched-browser was given".into(),
    };
    Ok(format!("frame-ring bench browser, {stock}; {patched}"))
}

fn publish(args: &Args, report: &Report) -> Result<(), CliError> {
    let write = |path: &PathBuf, text: String| {
        std::fs::write(path, text).map_err(|why| CliError::failed(format!("write {}", path.display()), why))
    };
    args.html.as_ref().map(|path| write(path, report.html())).transpose()?;
    args.markdown.as_ref().map(|path| write(path, report.markdown())).transpose()?;
    if !args.json {
        return print(&report.markdown());
    }
    report.machines.iter().try_for_each(|machine| print_json(&Line::Machine(machine)))?;
    report.browser.iter().try_for_each(|row| print_json(&Line::Browser(row)))
}

fn version_of(browser: &str, option: &str) -> Result<String, CliError> {
    let asked = std::process::Command::new(browser).arg("--version").output();
    let asked = asked.map_err(|why| {
        CliError::Usage(format!(
            "cannot start {browser}: {why}. Install or build it, or say where it is with {option}"
        ))
    })?;
    Ok(String::from_utf8_lossy(&asked.stdout).trim().into())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn what_is_compared_with_what_is_there() {
        for there in [Transport::value_variants(), &IN_PATCHED] {
            let names: Vec<_> = there.iter().map(|transport| transport.name()).collect();
            assert!(names.contains(&crate::report::BASELINE) && names.contains(&crate::report::REFERENCE));
        }
    }

    /// Workload, transport and browser of each row.
    fn planned(arguments: &[&str]) -> Vec<(String, String, String)> {
        #[derive(clap::Parser)]
        struct Program {
            #[command(flatten)]
            args: Args,
        }
        let program = <Program as clap::Parser>::parse_from([&["bench"], arguments].concat());
        let rows = cases(&program.args).into_iter();
        rows.map(|case| (case.row.workload, case.row.transport, case.browser.into())).collect()
    }

    #[test]
    fn rings_of_a_patched_browser_are_compared_with_what_runs_in_it() {
        let row = |workload: &str, transport: &str, browser: &str| {
            (workload.to_owned(), transport.to_owned(), browser.to_owned())
        };
        let asked = ["--workloads", "audio", "--transports", "copy-to,lane,patched"];
        let stock = [row("audio", "+copyTo", "chromium"), row("audio", "lane", "chromium")];
        assert_eq!(planned(&asked), stock);
        let within = "audio in the patched browser";
        let patched = [row(within, "+copyTo", "/p"), row(within, "patched", "/p")];
        assert_eq!(planned(&[&asked[..], &["--patched-browser", "/p"]].concat()), [stock, patched].concat());
        let others = ["--transports", "lane", "--workloads", "audio", "--patched-browser", "/p"];
        assert_eq!(planned(&others), [row("audio", "lane", "chromium")]);
        assert_eq!(planned(&["--transports", "patched"]), []);
    }
}
