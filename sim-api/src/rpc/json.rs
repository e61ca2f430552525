//! JSON read as flat parameters: `{"Tag":[{"Key":"a"}]}` becomes `Tag.1.Key=a`.
//!
//! Both a JSON body and a parameter whose value is a JSON text (`InstanceIds=["i-1"]`,
//! `BackendServers=[{...}]`) arrive this way, so an action reads lists and objects with the same
//! getters however they were sent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::params::ParamsBuilder;
use super::request::DecodeError;

/// Deepest nesting of arrays and objects accepted; the deepest documented parameter has three levels.
pub const MAX_JSON_DEPTH: usize = 8;

/// Adds the members of a JSON array or object to `builder` under `name` (empty for a body, whose
/// members are the parameters themselves). Numbers and booleans become their text, `null` is
/// passed over as absent, array items are numbered from 1.
///
/// # Errors
/// Text that is no JSON array or object, nesting deeper than [`MAX_JSON_DEPTH`], and the limits of the builder.
pub fn flatten(text: &[u8], name: &str, builder: &mut ParamsBuilder) -> Result<(), DecodeError> {
    let open = text.iter().find(|byte| !byte.is_ascii_whitespace());
    // A body is an object: an array has no names to give its items.
    if !(open == Some(&b'{') || (open == Some(&b'[') && !name.is_empty())) {
        let rule = if name.is_empty() { "must be a JSON object" } else { "must be a JSON array or object" };
        return Err(DecodeError::Json { name: name.to_owned(), rule: rule.to_owned() });
    }
    let mut refused = None;
    let mut source = serde_json::Deserializer::from_slice(text);
    let mut path = String::with_capacity(name.len() + 32);
    path.push_str(name);
    let node = Node { path: &mut path, depth: 0, builder, refused: &mut refused };
    let outcome = node.deserialize(&mut source).and_then(|()| source.end());
    match (refused, outcome) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(DecodeError::Json { name: name.to_owned(), rule: error.to_string() }),
        (None, Ok(())) => Ok(()),
    }
}

/// A JSON text whose strings may stand in single quotes, with double ones. The provider's own reader takes both, and its
/// Terraform provider writes `[{'ServerId':'i-1'}]`.
pub fn double_quoted(text: &str) -> Cow<'_, str> {
    if !text.contains('\'') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    let mut open = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (open, letter) {
            (None, '"' | '\'') => {
                open = Some(letter);
                plain.push('"');
            }
            (Some(quote), _) if quote == letter => {
                open = None;
                plain.push('"');
            }
            (Some('\''), '"') => plain.push_str("\\\""),
            (Some(_), '\\') => match letters.next() {
                // An escape that only a text in single quotes needs.
                Some('\'') => plain.push('\''),
                escaped => {
                    plain.push('\\');
                    plain.extend(escaped);
                }
            },
            _ => plain.push(letter),
        }
    }
    Cow::Owned(plain)
}

/// One value of the text and the name under which it will be stored.
struct Node<'a> {
    path: &'a mut String,
    depth: usize,
    builder: &'a mut ParamsBuilder,
    refused: &'a mut Option<DecodeError>,
}

impl Node<'_> {
    fn store<E: serde::de::Error>(self, value: String) -> Result<(), E> {
        self.builder.push(self.path.clone(), value, false).map_err(|error| {
            *self.refused = Some(error);
            E::custom("refused")
        })
    }

    fn check_depth<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.depth < MAX_JSON_DEPTH {
            return Ok(());
        }
        Err(E::custom(format_args!("arrays and objects may nest {MAX_JSON_DEPTH} levels deep")))
    }

    /// The node of a member: `path` is extended for it and cut back by the caller.
    fn member(&mut self, segment: fmt::Arguments<'_>) -> Node<'_> {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        // Writing to a String cannot fail.
        let _ = fmt::Write::write_fmt(self.path, segment);
        Node { path: self.path, depth: self.depth + 1, builder: self.builder, refused: self.refused }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.store(value.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.store(value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.store(value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.store(value.to_string())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.store(value.to_owned())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let (length, mut number) = (self.path.len(), 1_usize);
        loop {
            let more = items.next_element_seed(self.member(format_args!("{number}")));
            self.path.truncate(length);
            if more?.is_none() {
                return Ok(());
            }
            number += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let length = self.path.len();
        while let Some(name) = members.next_key::<String>()? {
            if name.is_empty() {
                return Err(A::Error::custom("a member name must not be empty"));
            }
            let outcome = members.next_value_seed(self.member(format_args!("{name}")));
            self.path.truncate(length);
            outcome?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flat(text: &str, name: &str) -> Result<String, String> {
        let mut builder = ParamsBuilder::default();
        flatten(text.as_bytes(), name, &mut builder).map_err(|error| error.to_string())?;
        let params = builder.finish().map_err(|error| error.to_string())?;
        Ok(params.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
    }

    #[test]
    fn lists_and_objects_become_flat_names() {
        let table = [
            (r#"["i-1","i-2"]"#, "InstanceIds", "InstanceIds.1=i-1&InstanceIds.2=i-2"),
            (r#"[{"Port":80,"ServerId":"i-1"}]"#, "B", "B.1.Port=80&B.1.ServerId=i-1"),
            (r#"{"A":{"B":[true,null,-1.5]},"C":""}"#, "", "A.B.1=true&A.B.3=-1.5&C="),
            (r#" {"Tag":[{"Key":"k"}]} "#, "", "Tag.1.Key=k"),
            ("[]", "L", ""),
            ("{}", "", ""),
        ];
        for (text, name, expected) in table {
            assert_eq!(flat(text, name).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn strings_may_stand_in_single_quotes() {
        let table = [
            (r#"[{"A":"it's"}]"#, r#"[{"A":"it's"}]"#),
            (r#"[{'A':'b','C':1}]"#, r#"[{"A":"b","C":1}]"#),
            (r#"['a "word"']"#, r#"["a \"word\""]"#),
            (r#"['it\'s','\n']"#, r#"["it's","\n"]"#),
            (r#"['open"#, r#"["open"#),
            (r#"['end\"#, r#"["end\"#),
        ];
        for (text, expected) in table {
            assert_eq!(double_quoted(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_rule() {
        let table = [
            ("i-1", "InstanceIds", "must be a JSON array or object"),
            (r#""i-1""#, "InstanceIds", "must be a JSON array or object"),
            ("", "InstanceIds", "must be a JSON array or object"),
            ("[1]", "", "must be a JSON object"),
            (r#"["i-1""#, "InstanceIds", "EOF"),
            (r#"["i-1"] x"#, "InstanceIds", "trailing"),
            (r#"{"A":1,"A":2}"#, "", "twice"),
            (r#"{"":1}"#, "", "must not be empty"),
            ("[[[[[[[[[1]]]]]]]]]", "L", "8 levels"),
        ];
        for (text, name, expected) in table {
            let error = flat(text, name).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in any::<Vec<u8>>()) {
            let _ = flatten(&text, "L", &mut ParamsBuilder::default());
        }

        #[test]
        fn a_list_of_strings_keeps_its_items_and_order(items in prop::collection::vec(any::<String>(), 0..12)) {
            let mut builder = ParamsBuilder::default();
            flatten(serde_json::to_string(&items).unwrap().as_bytes(), "L", &mut builder).unwrap();
            let params = builder.finish().unwrap();
            prop_assert_eq!(params.root().strings("L", 12).unwrap(), items);
        }
    }
}
