//! Text as XML 1.0 has it.

/// Appends a text, so that it reads back the same in an element or an attribute; what XML 1.0 cannot write becomes U+FFFD.
pub fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A reader would turn a bare carriage return into a line feed.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            // XML 1.0 has no way to write these.
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_replaced() {
        let mut out = String::new();
        escape(&mut out, "<a b='\u{1}'>&\r\n\u{ffff}é\"");
        assert_eq!(out, "&lt;a b=&apos;\u{fffd}&apos;&gt;&amp;&#13;\n\u{fffd}é&quot;");
    }
}
