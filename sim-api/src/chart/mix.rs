//! A mix as a picture: requests over time by listener and rule and by clients, what backends took, and what failed,
//! one below the other.

use super::{COLOURS, clock, escape, markers_at};
use sim_core::traffic::mix::Report;
use std::fmt::Write;

/// The picture's width, where plots lie in it, and how far one is from the next.
const WIDTH: u64 = 960;
const LEFT: f64 = 60.0;
const PLOT: (f64, f64) = (640.0, 150.0);
const TOP: f64 = 56.0;
const STEP: f64 = 210.0;
/// How many lines a legend has.
const LINES: usize = 8;
/// How many characters of a name it shows.
const LETTERS: usize = 30;

/// Counts that are drawn on each other, each with its name.
struct Panel<'r> {
    caption: &'static str,
    rows: Vec<(String, &'r [u64])>,
}

/// Draws a report as SVG. The same report gives the same bytes.
pub fn svg(report: &Report) -> String {
    let panels = panels(report);
    let height = TOP + panels.len() as f64 * STEP - 20.0;
    let Report { connections, served, failed, redirects, .. } = report;
    let mut title = format!("{connections} connections, {served} served, {failed} failed");
    if *redirects > 0 {
        let _ = write!(title, ", {redirects} redirects");
    }
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"14\">{title}</text>\n"
    );
    for (at, panel) in panels.iter().enumerate() {
        let top = TOP + at as f64 * STEP;
        let most = (0..intervals(panel)).map(|n| column(panel, n)).max().unwrap_or(0).max(1);
        axes(&mut out, report, panel, top, most);
        columns(&mut out, report, panel, top, most);
        if panel.caption == TAKEN {
            markers_at(&mut out, &report.happened, &|ms| x(report, ms), top, PLOT.1);
        }
        legend(&mut out, panel, top);
    }
    out.push_str("</svg>\n");
    out
}

const TAKEN: &str = "taken by backend";

fn panels(report: &Report) -> Vec<Panel<'_>> {
    let servings = report.servings.iter().filter(|of| of.requests > 0).map(|of| {
        let name = of.rule.as_ref().map_or(of.listener.clone(), |rule| format!("{}/{rule}", of.listener));
        (name, of.requests_by_interval.as_slice())
    });
    let clients = report.clients.iter().map(|of| (of.name.clone(), of.requests_by_interval.as_slice()));
    let backends = report.backends.iter().map(|of| (of.name.clone(), of.taken_by_interval.as_slice()));
    let failures = report.failures.iter().map(|of| (of.cause.words().to_owned(), of.by_interval.as_slice()));
    let all = [
        Panel { caption: "requests by listener and rule", rows: servings.collect() },
        Panel { caption: "requests by clients", rows: clients.collect() },
        Panel { caption: TAKEN, rows: backends.collect() },
        Panel { caption: "failed by cause", rows: failures.collect() },
    ];
    all.into_iter().filter(|panel| !panel.rows.is_empty()).collect()
}

fn intervals(panel: &Panel<'_>) -> usize {
    panel.rows.first().map_or(0, |(_, row)| row.len())
}

fn column(panel: &Panel<'_>, interval: usize) -> u64 {
    panel.rows.iter().map(|(_, row)| row[interval]).sum()
}

fn x(report: &Report, ms: u64) -> f64 {
    LEFT + ms as f64 / report.duration_ms as f64 * PLOT.0
}

fn axes(out: &mut String, report: &Report, panel: &Panel<'_>, top: f64, most: u64) {
    let bottom = top + PLOT.1;
    for half in 0..=2u64 {
        let y = bottom - PLOT.1 * half as f64 / 2.0;
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT:.1} {y:.1}h{:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            PLOT.0,
            LEFT - 6.0,
            y + 4.0,
            most * half / 2
        );
    }
    for quarter in 0..=4u64 {
        let ms = report.duration_ms * quarter / 4;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(report, ms),
            bottom + 18.0,
            clock(ms)
        );
    }
    let caption = format!("{}, in each {}", panel.caption, clock(report.interval_ms));
    let _ = writeln!(out, "<text x=\"{LEFT:.1}\" y=\"{:.1}\" fill=\"#666\">{caption}</text>", top - 6.0);
}

fn columns(out: &mut String, report: &Report, panel: &Panel<'_>, top: f64, most: u64) {
    for interval in 0..intervals(panel) {
        let from = x(report, interval as u64 * report.interval_ms);
        let to = x(report, ((interval as u64 + 1) * report.interval_ms).min(report.duration_ms));
        let mut y = top + PLOT.1;
        for (n, (_, row)) in panel.rows.iter().enumerate().filter(|(_, (_, row))| row[interval] > 0) {
            let height = row[interval] as f64 / most as f64 * PLOT.1;
            y -= height;
            let colour = COLOURS[n % COLOURS.len()];
            let _ = writeln!(
                out,
                "<rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{colour}\" shape-rendering=\"crispEdges\"/>",
                to - from
            );
        }
    }
}

/// Whose colour is whose, right of the plot.
fn legend(out: &mut String, panel: &Panel<'_>, top: f64) {
    let named = panel.rows.iter().take(LINES).enumerate();
    let mut lines: Vec<(&str, String)> = named
        .map(|(n, (name, _))| (COLOURS[n % COLOURS.len()], name.chars().take(LETTERS).collect()))
        .collect();
    if panel.rows.len() > LINES {
        lines.push(("none", format!("and {} more", panel.rows.len() - LINES)));
    }
    for (n, (colour, text)) in lines.into_iter().enumerate() {
        let (x, y) = (LEFT + PLOT.0 + 20.0, top + 10.0 + n as f64 * 17.0);
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
