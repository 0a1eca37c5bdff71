//! The report as one page that needs nothing else.

use std::fmt::Write;

use super::markdown::machine_line;
use super::number::{micros, three};
use super::plot::{Ink, Plot, Row};
use super::tables::{self, groups, Table};
use super::{BrowserSummary, ProcessSummary, Report, BASELINE, REFERENCE};

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn document(report: &Report) -> String {
    let mut body = String::from("<h1>What raw media costs on its way</h1>\n");
    for machine in &report.machines {
        let _ = writeln!(body, "<p class=\"machine\">{}</p>", escape(&machine_line(machine)));
    }
    body += "<p>Medians of the rounds; thin lines with ends go from the least round to the greatest.</p>\n";
    for rows in groups(&report.browser, |row| row.row.workload.clone()) {
        browser(&mut body, rows);
    }
    for rows in groups(&report.process, |row| (row.row.payload_bytes, row.row.paced_fps)) {
        process(&mut body, rows);
    }
    let _ = writeln!(body, "<h2>Dollars</h2>\n<p>{}</p>", escape(&report.price.formula()));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>frame-ring bench</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn browser(body: &mut String, rows: &[BrowserSummary]) {
    let Some(first) = rows.first() else { return };
    let _ = writeln!(body, "<h2>Out of a browser: {}</h2>", escape(&first.row.workload));
    let _ = writeln!(body, "<h3>CPU time of the browser and the consumer</h3>\n{}", browser_cpu(rows));
    let alone: Vec<Row> = rows.iter().filter_map(transport_alone).collect();
    if !alone.is_empty() {
        let axis = format!("CPU seconds for 100 frames, both sides, beyond {BASELINE}");
        let plot = Plot { axis: &axis, parts: &[("transport", Ink::Blue)], rows: alone };
        let _ = writeln!(body, "<h3>The transport alone</h3>\n{}", plot.bars());
    }
    let latency = latency(rows.iter().map(|row| (row.row.transport.clone(), row.p50_us.zip(row.p99_us))));
    let _ = writeln!(body, "<h3>Latency</h3>\n{latency}{}", render(&tables::browser(rows)));
    notes(body, rows.iter().map(|row| (&*row.row.transport, &*row.row.notes)));
    let _ = writeln!(body, "<h3>Dollars</h3>\n{}", render(&tables::browser_dollars(rows)));
    let _ =
        writeln!(body, "<h3>Where the browser spends it</h3>\n{}", render(&tables::browser_threads(rows)));
}

fn browser_cpu(rows: &[BrowserSummary]) -> String {
    let floor = rows.iter().find(|row| row.row.transport == BASELINE);
    let floor = floor.map_or(0.0, |row| row.browser_cpu_s_per_100.median);
    let bars = rows.iter().map(|row| {
        let browser = row.browser_cpu_s_per_100.median;
        let total = row.total_cpu_s_per_100;
        Row {
            label: row.row.transport.clone(),
            ours: ours(&row.row.transport),
            values: vec![browser.min(floor), browser - floor, row.consumer_cpu_s_per_100.median],
            range: Some((total.min, total.max)),
            text: three(total.median),
        }
    });
    let common = format!("browser, up to {BASELINE}");
    let plot = Plot {
        axis: "CPU seconds for 100 frames",
        parts: &[(&common, Ink::Grey), ("browser, beyond that", Ink::Blue), ("consumer", Ink::Amber)],
        rows: bars.collect(),
    };
    plot.bars()
}

fn transport_alone(row: &BrowserSummary) -> Option<Row> {
    let alone = row.transport_cpu_s_per_100?;
    let times = row.reference_is_times.filter(|_| row.row.transport != REFERENCE);
    let times = times.map_or(String::new(), |times| format!("  ({REFERENCE} is {} x)", three(times)));
    Some(Row {
        label: row.row.transport.clone(),
        ours: ours(&row.row.transport),
        values: vec![alone.median],
        range: Some((alone.min, alone.max)),
        text: three(alone.median) + &times,
    })
}

fn process(body: &mut String, rows: &[ProcessSummary]) {
    let Some(first) = rows.first() else { return };
    let _ = writeln!(body, "<h2>From process to process: {}</h2>", escape(&tables::process_title(first)));
    let bars = rows.iter().map(|row| Row {
        label: row.name(),
        ours: ours(&row.row.transport),
        values: vec![row.producer_cpu_s_per_gb.median, row.consumer_cpu_s_per_gb.median],
        range: Some((row.cpu_s_per_gb.min, row.cpu_s_per_gb.max)),
        text: three(row.cpu_s_per_gb.median),
    });
    let plot = Plot {
        axis: "CPU seconds for 10⁹ bytes, copy in and full read included",
        parts: &[("producer", Ink::Blue), ("consumer", Ink::Amber)],
        rows: bars.collect(),
    };
    let _ = writeln!(body, "<h3>CPU time</h3>\n{}", plot.bars());
    let latency = latency(rows.iter().map(|row| (row.name(), Some((row.p50_us, row.p99_us)))));
    let _ = writeln!(body, "<h3>Latency</h3>\n{latency}{}", render(&tables::process(rows)));
    notes(body, rows.iter().map(|row| (&*row.row.transport, &*row.row.notes)));
}

fn notes<'a>(body: &mut String, rows: impl Iterator<Item = (&'a str, &'a str)>) {
    *body += "<dl>\n";
    for (transport, notes) in super::notes(rows) {
        let _ = writeln!(body, "<dt>{}</dt><dd>{}</dd>", escape(transport), escape(notes));
    }
    *body += "</dl>\n";
}

fn latency(rows: impl Iterator<Item = (String, Option<(super::Spread, super::Spread)>)>) -> String {
    let rows = rows.filter_map(|(label, latency)| {
        let (p50, p99) = latency?;
        Some(Row {
            ours: ours(&label),
            label,
            values: vec![p50.median, p99.median],
            range: None,
            text: format!("{}, {}", micros(p50.median), micros(p99.median)),
        })
    });
    let plot = Plot {
        axis: "microseconds, logarithmic scale",
        parts: &[("p50", Ink::Blue), ("p99", Ink::Amber)],
        rows: rows.collect(),
    };
    plot.points()
}

/// Whether this project made it.
fn ours(transport: &str) -> bool {
    ["frame-ring", "lane", "patched"].iter().any(|name| transport.starts_with(name))
}

fn render(table: &Table) -> String {
    let class = |words: bool| if words { "words" } else { "number" };
    let mut html = String::from("<div class=\"wide\"><table>\n<thead><tr>");
    for (name, words) in &table.heading {
        let _ = write!(html, "<th class=\"{}\">{}</th>", class(*words), escape(name));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in &table.rows {
        let ours = row.first().is_some_and(|name| ours(name));
        html += if ours { "<tr class=\"ours\">" } else { "<tr>" };
        for (cell, (_, words)) in row.iter().zip(&table.heading) {
            let _ = write!(html, "<td class=\"{}\">{}</td>", class(*words), escape(cell));
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}

/// Text that is neither markup nor the end of an attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
