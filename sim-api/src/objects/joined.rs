//! One object with the members of two structs. `#[serde(flatten)]` says the same, but reads all members into a buffer
//! first and so forgets where an error was, and cannot refuse what is unknown.

use super::quoted;
use serde::Deserialize;
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;
use std::marker::PhantomData;

/// Some members of an object; others belong to another struct.
pub trait Own<'de>: Default {
    /// Their names.
    const MEMBERS: &'static [&'static str];

    /// Reads the value of the member of this name, which is one of them.
    ///
    /// # Errors
    /// A value that does not fit, a member that was there already.
    fn take<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error>;
}

/// Reads an object whose members are those of `O` and those of `R`.
///
/// # Errors
/// What does not fit either, with its place if `from` knows places.
pub fn joined<'de, O: Own<'de>, R: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<(O, R), D::Error> {
    from.deserialize_struct("", O::MEMBERS, Whole(PhantomData))
}

/// Reads a value into a place that is still empty.
///
/// # Errors
/// A value that does not fit, a place that was taken.
pub fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    place: &mut Option<T>,
    name: &'static str,
    members: &mut A,
) -> Result<(), A::Error> {
    match place.replace(members.next_value()?) {
        None => Ok(()),
        Some(_) => Err(A::Error::duplicate_field(name)),
    }
}

struct Whole<O, R>(PhantomData<(O, R)>);

impl<'de, O: Own<'de>, R: Deserialize<'de>> Visitor<'de> for Whole<O, R> {
    type Value = (O, R);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(O, R), A::Error> {
        let mut own = O::default();
        let rest = R::deserialize(Rest { members, own: &mut own, known: &[] })?;
        Ok((own, rest))
    }
}

/// What remains of an object without the members of `O`, which are read on the way.
struct Rest<'a, A, O> {
    members: A,
    own: &'a mut O,
    /// The names of the remaining ones.
    known: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>, O: Own<'de>> Deserializer<'de> for Rest<'_, A, O> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(Rest { known, ..self })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>, O: Own<'de>> MapAccess<'de> for Rest<'_, A, O> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let mut seed = Some(seed);
        loop {
            let name = Name { own: O::MEMBERS, known: self.known, seed: &mut seed };
            match self.members.next_key_seed(name)? {
                None => return Ok(None),
                Some(Named::Other(key)) => return Ok(Some(key)),
                Some(Named::Own(name)) => self.own.take(&name, &mut self.members)?,
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

/// Reads the name of a member; one that is unknown is refused here, where an error still knows its place.
struct Name<'a, S> {
    own: &'static [&'static str],
    known: &'static [&'static str],
    /// Who reads the name of a remaining one.
    seed: &'a mut Option<S>,
}

/// Whose a member is.
enum Named<K> {
    Own(String),
    Other(K),
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<'_, S> {
    type Value = Named<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Named<S::Value>, D::Error> {
        let name = String::deserialize(from)?;
        if self.own.contains(&name.as_str()) {
            return Ok(Named::Own(name));
        }
        if !self.known.contains(&name.as_str()) {
            let all = quoted(self.own.iter().chain(self.known).copied());
            return Err(D::Error::custom(format_args!("unknown field `{name}`, expected one of {all}")));
        }
        let seed = self.seed.take().expect("each key has its own seed");
        let name: StringDeserializer<D::Error> = name.into_deserializer();
        seed.deserialize(name).map(Named::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::{Own, joined, once};
    use crate::objects;
    use serde::de::MapAccess;
    use serde::{Deserialize, Deserializer};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Place {
        x: u8,
        #[serde(default)]
        y: Option<u8>,
    }

    #[derive(Debug, Default, PartialEq)]
    struct Look {
        colour: Option<String>,
    }

    impl<'de> Own<'de> for Look {
        const MEMBERS: &'static [&'static str] = &["colour"];
        fn take<A: MapAccess<'de>>(&mut self, _: &str, members: &mut A) -> Result<(), A::Error> {
            once(&mut self.colour, "colour", members)
        }
    }

    #[derive(Debug, PartialEq)]
    struct Dot(Look, Place);

    impl<'de> Deserialize<'de> for Dot {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Dot, D::Error> {
            joined(from).map(|(look, place)| Dot(look, place))
        }
    }

    fn read(text: &str) -> Result<Dot, String> {
        objects::read(&mut serde_json::Deserializer::from_str(text))
            .map_err(|error| format!("{}: {}", error.path(), error.inner()))
    }

    #[test]
    fn members_of_both_come_in_any_order() {
        let dot = Dot(Look { colour: Some("red".into()) }, Place { x: 1, y: Some(2) });
        for text in [
            r#"{"colour": "red", "x": 1, "y": 2}"#,
            r#"{"x": 1, "colour": "red", "y": 2}"#,
            r#"{"x": 1, "y": 2, "colour": "red"}"#,
        ] {
            assert_eq!(read(text).as_ref(), Ok(&dot), "{text}");
        }
        assert_eq!(read(r#"{"x": 1}"#), Ok(Dot(Look::default(), Place { x: 1, y: None })));
    }

    #[test]
    fn an_error_has_its_place() {
        let rows = [
            (
                r#"{"x": 1, "color": "red"}"#,
                "color: unknown field `color`, expected one of `colour`, `x`, `y`",
            ),
            (r#"{"x": 1, "colour": 7}"#, "colour: invalid type: integer `7`"),
            (r#"{"x": "1"}"#, "x: invalid type: string"),
            (r#"{"colour": "red"}"#, ".: missing field `x`"),
            (r#"{"x": 1, "colour": "red", "colour": "red"}"#, ".: duplicate field `colour`"),
            (r#"["red", 1, 2]"#, ".: invalid type: sequence, expected an object"),
        ];
        for (text, wanted) in rows {
            let fault = read(text).unwrap_err();
            assert!(fault.starts_with(wanted), "{text}: {fault}");
        }
    }
}
