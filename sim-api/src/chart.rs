//! The report of a traffic run as a picture: connections by interval and backend, failures on top, and what happened. Hosts
//! behind a NAT gateway have one in [`nat`], several listeners together in [`mix`]; the way of a packet has one in [`trace`].

pub mod mix;
mod names;
pub mod nat;
mod text;
pub mod trace;

use sim_core::traffic::report::What;
use sim_core::traffic::{Happened, Report};
use std::fmt::Write;

/// The picture's size, and where its plot lies in it.
const SIZE: (u64, u64) = (960, 420);
const PLOT: (f64, f64, f64, f64) = (60.0, 40.0, 880.0, 300.0);
/// Colours of backends, told apart by people who see few colours too (Okabe and Ito, 2008).
const COLOURS: &[&str] = &["#0072b2", "#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#e69f00", "#999999"];
const FAILED: &str = "#d55e00";
const PASSED: &str = "#009e73";
/// The most backends that the legend names.
const NAMED: usize = 7;

/// Draws a report as SVG. The same report gives the same bytes.
pub fn svg(report: &Report) -> String {
    let Report { connections, served, failed, .. } = report;
    let mut out = begin(&format!("{connections} connections, {served} served, {failed} failed"));
    let scale = Scale::of(report);
    axes(&mut out, &scale, &format!("connections in each {}", clock(report.interval_ms)));
    columns(&mut out, report, &scale);
    markers(&mut out, report, &scale);
    let names = report.backends.iter().map(|backend| backend.name.as_str()).collect::<Vec<_>>();
    legend(&mut out, &names, "failed");
    out.push_str("</svg>\n");
    out
}

/// The beginning of a picture with this title.
fn begin(title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n\
         <text x=\"{2}\" y=\"18\" font-size=\"14\">{title}</text>\n",
        SIZE.0, SIZE.1, PLOT.0
    )
}

/// From counts and milliseconds to places.
struct Scale {
    /// The highest column, at least 1.
    most: u64,
    duration_ms: u64,
}

impl Scale {
    fn of(report: &Report) -> Scale {
        let most = (0..intervals(report)).map(|n| column(report, n)).max().unwrap_or(0).max(1);
        Scale { most, duration_ms: report.duration_ms }
    }

    fn x(&self, ms: u64) -> f64 {
        PLOT.0 + ms as f64 / self.duration_ms as f64 * PLOT.2
    }

    fn height(&self, number: u64) -> f64 {
        number as f64 / self.most as f64 * PLOT.3
    }
}

fn intervals(report: &Report) -> usize {
    report.backends.first().map_or(0, |backend| backend.taken_by_interval.len())
}

fn failed(report: &Report, interval: usize) -> u64 {
    report.failures.iter().map(|of| of.by_interval[interval]).sum()
}

fn column(report: &Report, interval: usize) -> u64 {
    let taken: u64 = report.backends.iter().map(|backend| backend.taken_by_interval[interval]).sum();
    taken + failed(report, interval)
}

fn axes(out: &mut String, scale: &Scale, caption: &str) {
    let (left, top, width, height) = PLOT;
    let bottom = top + height;
    for quarter in 0..=4u64 {
        let y = bottom - height * quarter as f64 / 4.0;
        let number = scale.most * quarter / 4;
        let _ = writeln!(
            out,
            "<path d=\"M{left:.1} {y:.1}h{width:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{number}</text>",
            left - 6.0,
            y + 4.0
        );
        let ms = scale.duration_ms * quarter / 4;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            scale.x(ms),
            bottom + 18.0,
            clock(ms)
        );
    }
    let _ = writeln!(out, "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"#666\">{caption}</text>", top - 4.0);
}

/// A length of time in its largest whole unit.
fn clock(ms: u64) -> String {
    match ms {
        0 => "0".to_owned(),
        ms if ms.is_multiple_of(3_600_000) => format!("{} h", ms / 3_600_000),
        ms if ms.is_multiple_of(60_000) => format!("{} min", ms / 60_000),
        ms if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}

fn columns(out: &mut String, report: &Report, scale: &Scale) {
    for interval in 0..intervals(report) {
        let from = scale.x(interval as u64 * report.interval_ms);
        let to = scale.x(((interval as u64 + 1) * report.interval_ms).min(report.duration_ms));
        let mut y = PLOT.1 + PLOT.3;
        let backends = report.backends.iter().enumerate();
        let parts = backends.map(|(n, b)| (COLOURS[n % COLOURS.len()], b.taken_by_interval[interval]));
        for (colour, number) in parts.chain([(FAILED, failed(report, interval))]).filter(|(_, n)| *n > 0) {
            let height = scale.height(number);
            y -= height;
            let _ = writeln!(
                out,
                "<rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{colour}\" shape-rendering=\"crispEdges\"/>",
                to - from
            );
        }
    }
}

fn markers(out: &mut String, report: &Report, scale: &Scale) {
    markers_at(out, &report.happened, &|ms| scale.x(ms), PLOT.1, PLOT.3);
}

/// What happened, as lines over a plot that begins at `top` and is so high.
fn markers_at(out: &mut String, happened: &[Happened], x: &dyn Fn(u64) -> f64, top: f64, height: f64) {
    for happened in happened {
        let (colour, dash) = match happened.what {
            What::Fault => ("#000", "3 3"),
            What::Abnormal | What::BlackHoleBegan | What::ZoneWentDown => (FAILED, "none"),
            What::Normal | What::BlackHoleEnded | What::ZoneTookOver => (PASSED, "none"),
            What::Unavailable => ("#999", "none"),
            What::CleaningBegan | What::CleaningEnded => ("#cc79a7", "none"),
        };
        let whose = happened.whose();
        let _ = writeln!(
            out,
            "<path d=\"M{:.1} {top:.1}v{height:.1}\" stroke=\"{colour}\" stroke-dasharray=\"{dash}\">\
             <title>{} ms: {} {}</title></path>",
            x(happened.at_ms),
            happened.at_ms,
            escape(&whose),
            happened.what.words()
        );
    }
}

/// Whose colour is whose, and what the colour of failures stands for.
fn legend(out: &mut String, names: &[&str], failed: &str) {
    let named = names.iter().take(NAMED).enumerate();
    let mut entries: Vec<(&str, String)> =
        named.map(|(n, name)| (COLOURS[n], name.chars().take(12).collect())).collect();
    if names.len() > NAMED {
        entries.push(("none", format!("and {} more", names.len() - NAMED)));
    }
    entries.push((FAILED, failed.to_owned()));
    for (n, (colour, text)) in entries.into_iter().enumerate() {
        let x = PLOT.0 + n as f64 * 98.0;
        let y = SIZE.1 as f64 - 30.0;
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
            y - 9.0,
            x + 14.0,
            escape(&text)
        );
    }
}

/// Text as XML has it, in an element or between quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    crate::xml_text::escape(&mut out, text);
    out
}
