//! A trace as a picture: the steps there and those of the answer as boxes with arrows between them, what decided under each
//! box, how it ends, and what would let it through.

use super::names::called;
use super::text::{Face, lines};
use super::{FAILED, PASSED, escape};
use sim_core::access::Caller;
use sim_core::datapath::Trace;
use sim_core::datapath::remedy::Remedy;
use sim_core::datapath::text::{Said, Words};
use sim_core::id::AnyId;
use sim_core::world::World;
use std::fmt::Write;

/// The picture's width and margin.
const WIDTH: u32 = 960;
const MARGIN: u32 = 16;
/// How many steps stand in a row, how far one is from the next, and how wide its box is and the text under it.
const COLUMNS: usize = 5;
const PITCH: u32 = 187;
const BOX: u32 = 158;
const UNDER: u32 = 176;
/// The most lines in a box, of what it is, and of what it does.
const MOST: (usize, usize, usize) = (4, 3, 8);
/// The height of a line, and the room above and below the lines of a box.
const LINE: u32 = 15;
const ROOM: u32 = 8;
/// The room between two rows, through which the arrow goes from one to the next.
const BETWEEN: u32 = 22;
/// Inks: of texts, of what is less, of arrows, and of the two kinds of boxes.
const INK: &str = "#111";
const GREY: &str = "#555";
const PASSED_FILL: &str = "#e5f5ef";
const FAILED_FILL: &str = "#fcebe0";

const NAME: Face = Face { size: 12, bold: true };
const SMALL: Face = Face { size: 11, bold: false };
const HEAD: Face = Face { size: 14, bold: false };
const LAST: Face = Face { size: 13, bold: true };
const CHANGE: Face = Face { size: 12, bold: false };

/// A trace in words, as it is drawn. It needs its world no more.
pub struct Picture {
    /// What was asked.
    asked: String,
    /// All of it by ids, for those who do not see.
    told: String,
    legs: Vec<(&'static str, Vec<Step>)>,
    ending: String,
    delivered: bool,
    /// What is said below the ending.
    below: Vec<String>,
}

/// A box and what stands under it.
struct Step {
    /// Its number among all steps; absent for an end that is no step.
    number: Option<usize>,
    said: Said,
    /// The whole sentence, with ids in place of names if they differ.
    whole: String,
    passes: bool,
}

impl Picture {
    /// A picture of a trace in its world; of one without steps the end alone. Objects that the caller sees are called by
    /// their names.
    pub fn of(w: &World, caller: &Caller, trace: &Trace) -> Picture {
        let name = |id: AnyId| called(w, caller, id);
        let (words, ids) = (Words::with_names(w, &name), Words::new(w));
        let mut number = 0;
        let mut legs = Vec::new();
        for (leg, label, hops) in trace.legs() {
            let mut steps: Vec<Step> = Vec::with_capacity(hops.len());
            for hop in hops {
                number += 1;
                let (said, by_ids) = (words.said(hop), ids.hop(hop));
                let whole = both(said.to_string(), by_ids);
                steps.push(Step { number: Some(number), said, whole, passes: hop.lets_through() });
            }
            // An end that no step tells of is drawn as one.
            let ends_here = leg == trace.ending.leg && !trace.ending.delivered();
            if ends_here && steps.last().is_some_and(|last| last.passes) {
                let end = trace.ending.disposition;
                let does = words.disposition(end);
                let whole = both(does.clone(), ids.disposition(end));
                let said = Said { who: end.word().replace('_', " "), being: None, does };
                steps.push(Step { number: None, said, whole, passes: false });
            }
            if !steps.is_empty() {
                legs.push((label, steps));
            }
        }
        Picture {
            asked: words.question(&trace.question),
            told: ids.trace(trace),
            legs,
            ending: words.ending(&trace.ending),
            delivered: trace.ending.delivered(),
            below: trace.told_port(w).iter().map(|told| words.told_port(told)).collect(),
        }
    }

    /// Adds what would let it through, if anything is known.
    pub fn add_remedy(&mut self, w: &World, caller: &Caller, remedy: Option<&Remedy>) {
        let name = |id: AnyId| called(w, caller, id);
        let words = Words::with_names(w, &name).remedy(remedy);
        self.below.extend(words.lines().map(str::to_owned));
        self.told.push_str(&Words::new(w).remedy(remedy));
    }

    /// Draws it as SVG. The same trace gives the same bytes.
    pub fn svg(&self) -> String {
        let mut drawn = String::new();
        let mut y = 52;
        for (label, steps) in &self.legs {
            text(&mut drawn, (MARGIN, y), HEAD, GREY, label);
            y = leg(&mut drawn, steps, y + 12) + BETWEEN;
        }
        let height = self.last(&mut drawn, y - 12) + MARGIN;
        let Picture { asked, ending, told, .. } = self;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" font-family=\"sans-serif\">\n\
             <title>{}</title>\n<desc>{}</desc>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n",
            escape(&format!("{asked}: {ending}")),
            escape(told)
        );
        let _ = write!(out, "<g><title>{}</title>", escape(asked));
        for line in lines(asked, HEAD, WIDTH - 2 * MARGIN, 1) {
            text(&mut out, (MARGIN, 24), HEAD, INK, &line);
        }
        out.push_str("</g>\n");
        out + &drawn + "</svg>\n"
    }

    /// How it ends, and what is said below that. Answers where the next thing may begin.
    fn last(&self, out: &mut String, y: u32) -> u32 {
        let (colour, fill) = colours(self.delivered);
        let width = WIDTH - 2 * MARGIN;
        let mut told: Vec<(u32, Face, String)> = Vec::new();
        told.extend(lines(&self.ending, LAST, width - 24, 4).into_iter().map(|line| (12, LAST, line)));
        for words in &self.below {
            let indent = if words.starts_with(' ') { 28 } else { 12 };
            let wrapped = lines(words, CHANGE, width - indent - 12, 4);
            told.extend(wrapped.into_iter().map(|line| (indent, CHANGE, line)));
        }
        let height = told.len() as u32 * (LINE + 2) + 2 * ROOM;
        let whole = [vec![self.ending.clone()], self.below.clone()].concat().join("\n");
        let _ = writeln!(
            out,
            "<g><title>{}</title><rect x=\"{MARGIN}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\" \
             fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            escape(&whole)
        );
        for (at, (x, face, line)) in told.iter().enumerate() {
            let y = y + ROOM + at as u32 * (LINE + 2) + 13;
            text(out, (MARGIN + x, y), *face, INK, line);
        }
        out.push_str("</g>\n");
        y + height
    }
}

/// A sentence, and below it the same by ids if that differs.
fn both(words: String, by_ids: String) -> String {
    if words == by_ids { words } else { format!("{words}\n{by_ids}") }
}

/// The line and the ground of what passes, or of where it ends.
fn colours(passes: bool) -> (&'static str, &'static str) {
    if passes { (PASSED, PASSED_FILL) } else { (FAILED, FAILED_FILL) }
}

/// The lines of a step: in its box, and in grey and in black below.
struct Lines {
    who: Vec<String>,
    being: Vec<String>,
    does: Vec<String>,
}

impl Lines {
    fn of(said: &Said) -> Lines {
        let being = said.being.as_deref().unwrap_or_default();
        Lines {
            // The number stands to the right.
            who: lines(&said.who, NAME, BOX - 2 * ROOM - 18, MOST.0),
            being: lines(being, SMALL, UNDER - 4, MOST.1),
            does: lines(&said.does, SMALL, UNDER - 4, MOST.2),
        }
    }

    fn under(&self) -> u32 {
        (self.being.len() + self.does.len()) as u32 * LINE
    }
}

/// The steps of a leg in rows, from `top` on. Answers where they end.
fn leg(out: &mut String, steps: &[Step], top: u32) -> u32 {
    let mut y = top;
    let rows = steps.len().div_ceil(COLUMNS);
    for (row, steps) in steps.chunks(COLUMNS).enumerate() {
        let drawn: Vec<Lines> = steps.iter().map(|step| Lines::of(&step.said)).collect();
        // No box is so low that its number and its mark meet.
        let most = drawn.iter().map(|lines| lines.who.len()).max().unwrap_or(0).max(2) as u32;
        let height = most * LINE + 2 * ROOM;
        let under = drawn.iter().map(Lines::under).max().unwrap_or(0);
        for (column, (step, lines)) in steps.iter().zip(&drawn).enumerate() {
            let x = MARGIN + column as u32 * PITCH;
            boxed(out, step, lines, (x, y), height, under);
            if column > 0 {
                arrow(out, &format!("M{} {}h{}", x - PITCH + BOX + 2, y + height / 2, PITCH - BOX - 10));
                head(out, (x - 2, y + height / 2));
            }
        }
        let end = y + height + under + ROOM;
        if row + 1 < rows {
            // Round to the beginning of the next row.
            let x = MARGIN + (COLUMNS as u32 - 1) * PITCH + BOX + 2;
            let next = end + BETWEEN;
            let middle = end + BETWEEN / 2;
            let path = format!("M{x} {}h16V{middle}H{}V{}", y + height / 2, MARGIN + BOX / 2, next - 8);
            arrow(out, &path);
            let _ =
                writeln!(out, "<path d=\"M{} {}l-4 -7h8z\" fill=\"{GREY}\"/>", MARGIN + BOX / 2, next - 2);
            y = next;
        } else {
            y = end;
        }
    }
    y
}

/// A step: nothing of it is drawn outside of its place, however wide the letters of the reader are.
fn boxed(out: &mut String, step: &Step, lines: &Lines, (x, y): (u32, u32), height: u32, under: u32) {
    let (colour, fill) = colours(step.passes);
    let stroke = if step.passes { "1.5" } else { "3" };
    let _ = writeln!(
        out,
        "<svg x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title>\
         <rect x=\"2\" y=\"2\" width=\"{BOX}\" height=\"{height}\" rx=\"6\" fill=\"{fill}\" stroke=\"{colour}\" \
         stroke-width=\"{stroke}\"/>",
        x - 2,
        y - 2,
        UNDER + 6,
        height + under + ROOM + 4,
        escape(&step.whole)
    );
    if let Some(number) = step.number {
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"16\" font-size=\"10\" text-anchor=\"end\" fill=\"{GREY}\">{number}</text>",
            BOX - 4
        );
    }
    if !step.passes {
        let (x, y) = (BOX - 14, height - 12);
        let _ = writeln!(
            out,
            "<path d=\"M{x} {y}l8 8m0 -8l-8 8\" stroke=\"{colour}\" stroke-width=\"2.5\" fill=\"none\"/>"
        );
    }
    for (at, line) in (0..).zip(&lines.who) {
        text(out, (2 + ROOM, ROOM + 13 + at * LINE), NAME, INK, line);
    }
    let below = lines.being.iter().map(|line| (GREY, line)).chain(lines.does.iter().map(|line| (INK, line)));
    for (at, (ink, line)) in (0..).zip(below) {
        text(out, (4, height + 18 + at * LINE), SMALL, ink, line);
    }
    out.push_str("</svg>\n");
}

fn arrow(out: &mut String, path: &str) {
    let _ = writeln!(out, "<path d=\"{path}\" stroke=\"{GREY}\" stroke-width=\"1.5\" fill=\"none\"/>");
}

/// The head of an arrow to the right, with its tip here.
fn head(out: &mut String, (x, y): (u32, u32)) {
    let _ = writeln!(out, "<path d=\"M{x} {y}l-7 -4v8z\" fill=\"{GREY}\"/>");
}

fn text(out: &mut String, (x, y): (u32, u32), face: Face, ink: &str, line: &str) {
    let weight = if face.bold { " font-weight=\"bold\"" } else { "" };
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"{weight} fill=\"{ink}\">{}</text>",
        face.size,
        escape(line)
    );
}
