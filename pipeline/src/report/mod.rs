//! Benchmark results: what is recorded of a run, and the report that people read.
//!
//! A benchmark prints [`Record`]s, each as a [`Line`] of JSON. A [`Report`] is made of any number of them and computes
//! everything that is derived, medians, spread, ratios and dollars, so that a row holds nothing but what was measured.
//!
//! | module | owns |
//! |---|---|
//! | `row` | what is recorded |
//! | `spread` | the middle of several rounds and how far they are apart |
//! | `price` | CPU time as dollars |
//! | `summary` | what follows from the rows |
//! | `tables` | which numbers stand beside each other |
//! | `markdown`, `html` | the report, as text and as a page |
//! | `plot` | the page's drawings |
//! | `number` | numbers as people read them |

mod html;
mod markdown;
mod number;
mod plot;
mod price;
mod row;
mod spread;
mod summary;
mod tables;

use std::fmt;

use serde::Serialize;

pub use self::price::{Dollars, Price};
pub use self::row::{BrowserRound, BrowserRow, Line, Machine, ProcessRound, ProcessRow, Record, Ring};
pub use self::spread::Spread;
pub use self::summary::{notes, BrowserSummary, ProcessSummary, BASELINE, REFERENCE};

/// All that is known of a run, and what follows from it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where it was measured: one for each benchmark that was run.
    pub machines: Vec<Machine>,
    /// What a vCPU costs.
    pub price: Price,
    /// Frames from process to process.
    pub process: Vec<ProcessSummary>,
    /// Frames out of a browser.
    pub browser: Vec<BrowserSummary>,
}

impl Report {
    /// The report on these records.
    pub fn new(records: impl IntoIterator<Item = Record>, price: Price) -> Self {
        let (mut machines, mut process, mut browser) = (Vec::new(), Vec::new(), Vec::new());
        for record in records {
            match record {
                Record::Machine(machine) => machines.push(machine),
                Record::Process(row) => process.push(row),
                Record::Browser(row) => browser.push(row),
            }
        }
        Self {
            machines,
            price,
            process: ProcessSummary::of(process, price),
            browser: BrowserSummary::of(browser, price),
        }
    }

    /// The report on records as a benchmark has printed them: JSON objects, with white space between them.
    pub fn read(json: &str, price: Price) -> Result<Self, ReportError> {
        let records: Result<Vec<Record>, _> = serde_json::Deserializer::from_str(json).into_iter().collect();
        Ok(Self::new(records.map_err(ReportError)?, price))
    }

    /// The rows and all that was computed of them, as one JSON object.
    pub fn json(&self) -> Result<String, ReportError> {
        serde_json::to_string_pretty(self).map_err(ReportError)
    }

    /// The report as Markdown tables.
    pub fn markdown(&self) -> String {
        markdown::document(self)
    }

    /// The report as a page with drawings that needs nothing else: no script, no style sheet, no font.
    pub fn html(&self) -> String {
        html::document(self)
    }
}

/// Records that cannot be understood.
#[derive(Debug)]
pub struct ReportError(serde_json::Error);

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "these are no records of `frame-ring bench --json`: {}", self.0)
    }
}

impl std::error::Error for ReportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests;
