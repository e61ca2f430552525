//! Texts in lines of a width. A picture does not know the letters of whoever looks at it, so that widths are guessed, by the
//! widest of the usual faces.

/// How letters look.
#[derive(Clone, Copy)]
pub struct Face {
    /// The size, in pixels.
    pub size: u32,
    /// Whether they are bold.
    pub bold: bool,
}

/// What stands at the end of a text that is cut.
const CUT: char = '…';

/// A text in at most so many lines of at most `width` pixels: between words, or inside a word that is wider than a line. What
/// is left over is cut.
pub fn lines(text: &str, face: Face, width: u32, most: usize) -> Vec<String> {
    let width = width * 100;
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let (space, needed) = (letter(' ', face), word.chars().map(|c| letter(c, face)).sum::<u32>());
        let last = lines.len() == most;
        match lines.last_mut() {
            Some(line) if used + space + needed <= width => {
                line.push(' ');
                line.push_str(word);
                used += space + needed;
                continue;
            }
            // What does not fit on the last line is cut in the middle of the word.
            Some(line) if last => {
                line.push(' ');
                used += space;
            }
            _ => {
                lines.push(String::new());
                used = 0;
            }
        }
        for c in word.chars() {
            if used + letter(c, face) > width {
                lines.push(String::new());
                used = 0;
            }
            let line = lines.last_mut().expect("there is a line");
            line.push(c);
            used += letter(c, face);
        }
        if lines.len() > most {
            break;
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            cut(last, face, width);
        }
    }
    lines
}

/// Ends a line with the sign that something is cut.
fn cut(line: &mut String, face: Face, width: u32) {
    let wide = |line: &str| line.chars().map(|c| letter(c, face)).sum::<u32>() + letter(CUT, face) > width;
    while wide(line) && line.pop().is_some() {}
    line.push(CUT);
}

/// The width of a letter in hundredths of a pixel.
fn letter(c: char, face: Face) -> u32 {
    let hundredths = match c {
        'i' | 'j' | 'l' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '/' | '(' | ')' | '[' | ']'
        | '-' => 36,
        'f' | 't' | 'r' => 42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | CUT => 98,
        'A'..='Z' => 72,
        ' '..='~' => 62,
        '\u{7f}'..='\u{2e7f}' => 75,
        _ => 105,
    };
    let weight = if face.bold { 108 } else { 100 };
    hundredths * face.size * weight / 100
}
