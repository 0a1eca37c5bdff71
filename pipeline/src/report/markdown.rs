//! The report as Markdown.

use std::fmt::Write;

use super::tables::{self, groups, Table};
use super::{number, Machine, Report};

/// Everything, from the second level of headings on.
pub fn document(report: &Report) -> String {
    let mut text = String::new();
    for machine in &report.machines {
        let _ = writeln!(text, "{}\n", machine_line(machine));
    }
    for rows in groups(&report.browser, |row| row.row.workload.clone()) {
        let Some(first) = rows.first() else { continue };
        let _ = writeln!(text, "## Out of a browser: {}\n", escape(&first.row.workload));
        for table in [tables::browser(rows), tables::browser_dollars(rows), tables::browser_threads(rows)] {
            let _ = writeln!(text, "{}", render(&table));
        }
        notes(&mut text, rows.iter().map(|row| (&*row.row.transport, &*row.row.notes)));
    }
    for rows in groups(&report.process, |row| (row.row.payload_bytes, row.row.paced_fps)) {
        let Some(first) = rows.first() else { continue };
        let _ = writeln!(text, "## From process to process: {}\n", tables::process_title(first));
        let _ = writeln!(text, "{}", render(&tables::process(rows)));
    }
    if !report.process.is_empty() {
        let _ = writeln!(text, "## What the transports do and do not do\n");
        notes(&mut text, report.process.iter().map(|row| (&*row.row.transport, &*row.row.notes)));
    }
    let _ = writeln!(text, "Medians (least to greatest round). {}", report.price.formula());
    text
}

fn notes<'a>(text: &mut String, rows: impl Iterator<Item = (&'a str, &'a str)>) {
    for (transport, notes) in super::notes(rows) {
        let _ = writeln!(text, "- **{}**: {}", escape(transport), escape(notes));
    }
    text.push('\n');
}

/// The machine in a sentence.
pub fn machine_line(machine: &Machine) -> String {
    format!(
        "{}: {}, {} processors, {} MiB of memory, Linux {}, load {} before the run.",
        machine.subject,
        machine.cpu,
        machine.cores,
        number::mebibytes(machine.memory_bytes as f64),
        machine.kernel,
        machine.load
    )
}

fn render(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(table.heading.iter().map(|(name, _)| escape(name)).collect());
    text += &format!(
        "|{}\n",
        table.heading.iter().map(|(_, words)| if *words { "---|" } else { "---:|" }).collect::<String>()
    );
    for row in &table.rows {
        text += &line(row.iter().map(|cell| escape(cell)).collect());
    }
    text
}

/// A cell that ends neither itself nor its row, and is no HTML.
fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}
