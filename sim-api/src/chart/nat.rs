//! Hosts behind a NAT gateway as a picture: the ports in use of each address over time, how many there are, and when there was
//! none left.

use super::{COLOURS, FAILED, PLOT, Scale, axes, begin, clock, legend};
use sim_core::traffic::nat::Report;
use std::fmt::Write;

/// How high the band at the foot is that tells of failures.
const BAND: f64 = 6.0;

/// Draws a report as SVG. The same report gives the same bytes.
pub fn svg(report: &Report) -> String {
    let Report { connections, served, failed, .. } = report;
    let mut out = begin(&format!("{connections} connections, {served} served, {failed} failed"));
    let most = report.addresses.iter().map(|address| address.most_ports).max().unwrap_or(0);
    let scale = Scale { most: u64::from(most.max(1)), duration_ms: report.duration_ms };
    shortages(&mut out, report, &scale);
    let caption = format!(
        "most ports in use of {} to one destination, in each {}",
        report.ports,
        clock(report.interval_ms)
    );
    axes(&mut out, &scale, &caption);
    failures(&mut out, report, &scale);
    for (place, address) in report.addresses.iter().enumerate() {
        line(&mut out, report, &scale, &address.ports_by_interval, COLOURS[place % COLOURS.len()]);
    }
    let names: Vec<&str> = report.addresses.iter().map(|address| address.name.as_str()).collect();
    legend(&mut out, &names, "none left");
    out.push_str("</svg>\n");
    out
}

/// When a destination had no port left.
fn shortages(out: &mut String, report: &Report, scale: &Scale) {
    for times in &report.exhausted {
        let until = times.until_ms.unwrap_or(report.duration_ms);
        let (from, to) = (scale.x(times.from_ms), scale.x(until));
        let _ = writeln!(
            out,
            "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{FAILED}\" \
             fill-opacity=\"0.15\"><title>destination {}: {} failed from {} ms on</title></rect>",
            PLOT.1,
            (to - from).max(0.5),
            PLOT.3,
            times.destination,
            times.failed,
            times.from_ms
        );
    }
}

/// In which intervals connections failed, for whatever cause.
fn failures(out: &mut String, report: &Report, scale: &Scale) {
    let intervals = report.addresses.first().map_or(0, |address| address.open_by_interval.len());
    for interval in 0..intervals {
        let failed: u64 = report.failures.iter().map(|of| of.by_interval[interval]).sum();
        if failed == 0 {
            continue;
        }
        let (from, to) = bounds(report, scale, interval);
        let _ = writeln!(
            out,
            "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAND:.1}\" fill=\"{FAILED}\" \
             shape-rendering=\"crispEdges\"><title>{failed} failed</title></rect>",
            PLOT.1 + PLOT.3 - BAND,
            to - from
        );
    }
}

/// Where an interval begins and ends.
fn bounds(report: &Report, scale: &Scale, interval: usize) -> (f64, f64) {
    let at = |n: u64| scale.x((n * report.interval_ms).min(report.duration_ms));
    (at(interval as u64), at(interval as u64 + 1))
}

/// Steps, one for each interval.
fn line(out: &mut String, report: &Report, scale: &Scale, numbers: &[u32], colour: &str) {
    let mut path = String::new();
    for (interval, number) in numbers.iter().enumerate() {
        let (from, to) = bounds(report, scale, interval);
        let y = PLOT.1 + PLOT.3 - scale.height(u64::from(*number));
        let word = if interval == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{word}{from:.1} {y:.1}L{to:.1} {y:.1}");
    }
    let _ = writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
}
