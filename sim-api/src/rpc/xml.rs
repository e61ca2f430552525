//! A JSON tree written as XML, for callers that ask for `Format=XML`.
//!
//! An object becomes elements, a list becomes a repeated element: `{"Vpc":[{"VpcId":"a"}]}` is
//! `<Vpc><VpcId>a</VpcId></Vpc>`. An empty list and `null` leave no trace, as XML has no word for them.

use crate::xml_text::escape;
use serde_json::Value;

/// The document with `root` as its outermost element. Characters that XML forbids become U+FFFD,
/// names that XML forbids get `_` in the offending places.
pub fn render(root: &str, value: &Value) -> String {
    let mut out = String::with_capacity(512);
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let root = element_name(root);
    match value {
        // A document has one outermost element, so that a list goes inside of it.
        Value::Array(items) => {
            open(&mut out, &root);
            items.iter().for_each(|item| element(&mut out, "Item", item));
            close(&mut out, &root);
        }
        Value::Null => {
            open(&mut out, &root);
            close(&mut out, &root);
        }
        other => element(&mut out, &root, other),
    }
    out
}

/// `name` is well formed. The depth is that of the value; those of this server come from fixed shapes.
fn element(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => return,
        Value::Array(items) => return items.iter().for_each(|item| element(out, name, item)),
        _ => {}
    }
    open(out, name);
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| element(out, &element_name(name), member));
        }
        Value::String(text) => escape(out, text),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Null | Value::Array(_) => {}
    }
    close(out, name);
}

fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// A name of ASCII letters, digits, `_`, `-` and `.` that begins with a letter or `_`: the safe part
/// of what XML 1.0 allows, and all that the provider's field names need.
fn element_name(name: &str) -> std::borrow::Cow<'_, str> {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    let goes_on = |c: char| starts(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    if name.starts_with(starts) && name.chars().all(goes_on) {
        return name.into();
    }
    let mut safe: String = name.chars().map(|c| if goes_on(c) { c } else { '_' }).collect();
    if !safe.starts_with(starts) {
        safe.insert(0, '_');
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;
    use serde_json::json;

    use super::*;

    #[test]
    fn trees_become_elements() {
        let table = [
            (json!({"A": 1, "B": true, "C": "x"}), "<R><A>1</A><B>true</B><C>x</C></R>"),
            (json!({"L": ["a", "b"]}), "<R><L>a</L><L>b</L></R>"),
            (json!({"Vpcs": {"Vpc": [{"VpcId": "v"}]}}), "<R><Vpcs><Vpc><VpcId>v</VpcId></Vpc></Vpcs></R>"),
            (json!({"Tags": {"Tag": []}, "N": null}), "<R><Tags></Tags></R>"),
            (json!({"D": "a<b>&\"'\r\n\u{1}"}), "<R><D>a&lt;b&gt;&amp;&quot;&apos;&#13;\n\u{fffd}</D></R>"),
            (json!({"": 1, "1a b": 2}), "<R><_>1</_><_1a_b>2</_1a_b></R>"),
            (json!([1]), "<R><Item>1</Item></R>"),
            (json!(null), "<R></R>"),
        ];
        for (value, expected) in table {
            let text = render("R", &value);
            assert_eq!(
                text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"),
                Some(expected),
                "{value}"
            );
        }
        assert!(render("Create<Vpc>Response", &json!({})).contains("<Create_Vpc_Response>"));
    }

    /// The text inside of `<R><T>…</T></R>` as another reader sees it.
    fn read_back(xml: &str) -> String {
        let (mut reader, mut text) = (Reader::from_str(xml), String::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Text(part) => text.push_str(&part.xml10_content()),
                Event::GeneralRef(part) => match part.resolve_char_ref().unwrap() {
                    Some(c) => text.push(c),
                    None => text.push_str(
                        quick_xml::escape::resolve_predefined_entity(&part.xml10_content()).unwrap(),
                    ),
                },
                Event::Eof => return text,
                _ => {}
            }
        }
    }

    proptest! {
        #[test]
        fn another_reader_sees_the_same_text(text in any::<String>()) {
            let allowed: String = text
                .chars()
                .map(|c| if (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c })
                .collect();
            prop_assert_eq!(read_back(&render("R", &json!({"T": text}))), allowed);
        }

        #[test]
        fn any_name_gives_a_document_that_reads(name in any::<String>()) {
            read_back(&render(&name, &json!({name.clone(): [name.clone()]})));
        }
    }
}
