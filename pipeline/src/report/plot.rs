//! Drawings of rows: bars, and latencies on a line. SVG as text, coloured by the page's classes.

use std::fmt::Write;

use super::html::escape;
use super::number::three;

/// One row of a drawing.
#[derive(Debug)]
pub struct Row {
    /// Its name, at the left.
    pub label: String,
    /// Ours, or one of theirs.
    pub ours: bool,
    /// The values, from left to right: lengths behind one another of a bar, points of a line.
    pub values: Vec<f64>,
    /// From where to where the rounds went, if that is to be shown.
    pub range: Option<(f64, f64)>,
    /// What is written behind it.
    pub text: String,
}

/// What a drawing shows.
#[derive(Debug)]
pub struct Plot<'a> {
    /// The axis and its unit.
    pub axis: &'a str,
    /// Names and colours of the values, in their order.
    pub parts: &'a [(&'a str, Ink)],
    /// From top to bottom.
    pub rows: Vec<Row>,
}

/// A colour, which the page defines for light and for dark.
#[derive(Debug, Clone, Copy)]
pub enum Ink {
    /// For the first thing to look at.
    Blue,
    /// For the second one.
    Amber,
    /// For what is the same everywhere.
    Grey,
}

impl Ink {
    fn class(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Amber => "amber",
            Self::Grey => "grey",
        }
    }
}

const WIDTH: f64 = 900.0;
/// Where bars begin, and the most that they take; what is left is for the text behind them.
const LEFT: f64 = 210.0;
const SPAN: f64 = 470.0;
const TOP: f64 = 34.0;
const PITCH: f64 = 32.0;
const THICK: f64 = 18.0;

impl Plot<'_> {
    /// Bars from 0, their parts one behind the other, with the range of the rounds over them.
    pub fn bars(&self) -> String {
        let greatest = self.rows.iter().map(|row| {
            let end: f64 = row.values.iter().sum();
            row.range.map_or(end, |(_, max)| end.max(max))
        });
        let greatest = greatest.fold(0.0, f64::max);
        let step = round_step(greatest / 5.0);
        let end = (greatest / step).ceil().max(1.0) * step;
        let x = |value: f64| LEFT + value / end * SPAN;
        let ticks = (0..=(end / step).round() as u32).map(|n| f64::from(n) * step);
        self.draw(ticks.map(|value| (x(value), value)).collect(), |row, y| {
            let (mut svg, mut from) = (String::new(), 0.0);
            for ((_, ink), value) in self.parts.iter().zip(&row.values) {
                // What noise has made negative takes no room.
                let to = from + value.max(0.0);
                let (x, width) = (x(from), x(to) - x(from));
                let _ = write!(
                    svg,
                    r#"<rect class="{}" x="{x:.1}" y="{:.1}" width="{width:.1}" height="{THICK}"/>"#,
                    ink.class(),
                    y - THICK / 2.0
                );
                from = to;
            }
            let range = row.range.map(|(min, max)| (x(min.max(0.0)), x(max)));
            if let Some((min, max)) = range.filter(|(min, max)| max > min) {
                let _ = write!(svg, r#"<path class="range" d="M{min:.1} {y:.1}H{max:.1}"/>"#);
                for end in [min, max] {
                    let _ = write!(svg, r#"<path class="range" d="M{end:.1} {:.1}v8"/>"#, y - 4.0);
                }
            }
            (svg, range.map_or(x(from), |(_, max)| max.max(x(from))))
        })
    }

    /// Points on a logarithmic axis, with a line from the first to the last.
    pub fn points(&self) -> String {
        let all = || self.rows.iter().flat_map(|row| &row.values).copied().filter(|value| *value > 0.0);
        let (least, greatest) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
        if greatest <= 0.0 {
            return String::new();
        }
        let (low, high) = (least.log10().floor(), greatest.log10().ceil().max(least.log10().floor() + 1.0));
        let x = |value: f64| LEFT + (value.log10().max(low) - low) / (high - low) * SPAN;
        let ticks = (low as i32..=high as i32).map(|power| 10f64.powi(power));
        self.draw(ticks.map(|value| (x(value), value)).collect(), |row, y| {
            let at: Vec<f64> = row.values.iter().map(|value| x(*value)).collect();
            let (Some(first), Some(last)) = (at.first(), at.last()) else { return (String::new(), LEFT) };
            let mut svg = format!(r#"<path class="from-to" d="M{first:.1} {y:.1}H{last:.1}"/>"#);
            for ((_, ink), x) in self.parts.iter().zip(&at) {
                let _ = write!(svg, r#"<circle class="{}" cx="{x:.1}" cy="{y:.1}" r="6"/>"#, ink.class());
            }
            (svg, *last + 6.0)
        })
    }

    /// Everything but the rows' own shapes, which `shape` draws at a height; it returns where they end.
    fn draw(&self, ticks: Vec<(f64, f64)>, shape: impl Fn(&Row, f64) -> (String, f64)) -> String {
        let bottom = TOP + PITCH * self.rows.len() as f64;
        let height = bottom + 44.0;
        let axis = escape(self.axis);
        let mut svg = format!(r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{axis}">"#);
        let mut at = LEFT;
        // The axis says it if there is nothing to tell apart.
        let keys = if self.parts.len() > 1 { self.parts } else { &[] };
        for (name, ink) in keys {
            let _ = write!(
                svg,
                r#"<rect class="{}" x="{at}" y="6" width="12" height="12" rx="2"/><text class="key" x="{}" y="16">{}</text>"#,
                ink.class(),
                at + 18.0,
                escape(name)
            );
            at += 18.0 + 7.5 * name.chars().count() as f64 + 24.0;
        }
        for (x, value) in ticks {
            let _ = write!(
                svg,
                r#"<path class="grid" d="M{x:.1} {TOP}V{bottom}"/><text class="tick" x="{x:.1}" y="{}">{}</text>"#,
                bottom + 16.0,
                tick(value)
            );
        }
        let _ = write!(
            svg,
            r#"<text class="axis" x="{}" y="{}">{axis}</text>"#,
            LEFT + SPAN / 2.0,
            bottom + 36.0
        );
        for (at, row) in self.rows.iter().enumerate() {
            let y = TOP + PITCH * (at as f64 + 0.5);
            let (shape, end) = shape(row, y);
            let ours = if row.ours { " ours" } else { "" };
            let _ = write!(
                svg,
                r#"<text class="label{ours}" x="{}" y="{:.1}">{}</text>{shape}<text class="value{ours}" x="{:.1}" y="{:.1}">{}</text>"#,
                LEFT - 10.0,
                y + 4.5,
                escape(&row.label),
                end + 8.0,
                y + 4.5,
                escape(&row.text)
            );
        }
        svg + "</svg>\n"
    }
}

/// The number at a line of the grid, no longer than it must be.
fn tick(value: f64) -> String {
    let text = three(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

/// 1, 2 or 5 times a power of ten: the least of them that is not below `least`.
fn round_step(least: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|n| n * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!([0.7, 1.0, 1.1, 3.0, 7.0].map(round_step), [1.0, 1.0, 2.0, 5.0, 10.0]);
        assert!((round_step(0.013) - 0.02).abs() < 1e-12);
        assert_eq!(["0", "0.2", "1,000"], [0.0, 0.2, 1000.0].map(tick).each_ref().map(String::as_str));
    }

    #[test]
    fn a_bar_is_as_long_as_its_parts() {
        let row = Row {
            label: "<a>".into(),
            ours: true,
            values: vec![2.0, 3.0, -1.0],
            range: Some((4.0, 5.0)),
            text: "5".into(),
        };
        let plot = Plot {
            axis: "s & t",
            parts: &[("one", Ink::Grey), ("two", Ink::Blue), ("three", Ink::Amber)],
            rows: vec![row],
        };
        let svg = plot.bars();
        let width = SPAN / 5.0;
        assert!(svg.contains(&format!(r#"x="{LEFT:.1}" y="41.0" width="{:.1}""#, 2.0 * width)), "{svg}");
        assert!(
            svg.contains(&format!(r#"x="{:.1}" y="41.0" width="{:.1}""#, LEFT + 2.0 * width, 3.0 * width)),
            "{svg}"
        );
        assert!(
            svg.contains(r#"width="0.0""#) && svg.contains("&lt;a&gt;") && svg.contains("s &amp; t"),
            "{svg}"
        );
    }

    #[test]
    fn points_stand_at_their_decades() {
        let row = |values| Row { label: "a".into(), ours: false, values, range: None, text: String::new() };
        let plot = Plot {
            axis: "us",
            parts: &[("p50", Ink::Blue), ("p99", Ink::Amber)],
            rows: vec![row(vec![10.0, 1000.0])],
        };
        let svg = plot.points();
        assert!(svg.contains(&format!(r#"cx="{LEFT:.1}""#)), "{svg}");
        assert!(svg.contains(&format!(r#"cx="{:.1}""#, LEFT + SPAN)), "{svg}");
        let nothing = Plot { axis: "us", parts: &[("p50", Ink::Blue)], rows: vec![row(vec![0.0])] };
        assert_eq!(nothing.points(), "");
    }
}
