//! Serde forms of a block: the usual text where a person reads it, address and
//! length as integers where nobody does. Both are checked when read.

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use crate::cidr::block::{AddressBits, Block, Cidr, Cidr4, Cidr6};

struct Text<T>(PhantomData<T>);

impl<T> Visitor<'_> for Text<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CIDR block such as 10.0.0.0/8")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<A: AddressBits> Serialize for Block<A> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return to.collect_str(self);
        }
        (self.bits(), self.prefix_len()).serialize(to)
    }
}

impl<'de, A: AddressBits> Deserialize<'de> for Block<A> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            return from.deserialize_str(Text(PhantomData));
        }
        let (bits, len) = <(A, u8)>::deserialize(from)?;
        if len > A::WIDTH {
            let found = Unexpected::Unsigned(u64::from(len));
            return Err(D::Error::invalid_value(found, &"a prefix length within the family's width"));
        }
        Block::new(bits.address(), len).map_err(D::Error::custom)
    }
}

/// The binary form of [`Cidr`]: a family tag, then the block.
#[derive(Serialize, Deserialize)]
enum Tagged {
    V4(Cidr4),
    V6(Cidr6),
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return to.collect_str(self);
        }
        match *self {
            Cidr::V4(block) => Tagged::V4(block).serialize(to),
            Cidr::V6(block) => Tagged::V6(block).serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            return from.deserialize_str(Text(PhantomData));
        }
        Ok(match Tagged::deserialize(from)? {
            Tagged::V4(block) => Cidr::V4(block),
            Tagged::V6(block) => Cidr::V6(block),
        })
    }
}

/// How an OpenAPI document describes blocks.
#[cfg(feature = "openapi")]
mod schema {
    use super::{Cidr, Cidr4, Cidr6};
    use std::borrow::Cow;
    use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
    use utoipa::openapi::{RefOr, Schema};
    use utoipa::{PartialSchema, ToSchema};

    fn text(format: &str, example: &str, about: &str) -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom(format.to_owned())))
            .description(Some(about))
            .examples([example]);
        RefOr::T(Schema::Object(text.build()))
    }

    macro_rules! blocks {
        ($($block:ident $format:literal $example:literal $about:literal;)*) => {$(
            impl PartialSchema for $block {
                fn schema() -> RefOr<Schema> { text($format, $example, $about) }
            }
            impl ToSchema for $block {
                fn name() -> Cow<'static, str> { stringify!($block).into() }
            }
        )*};
    }

    blocks! {
        Cidr4 "ipv4-network" "10.0.0.0/16" "An IPv4 network in CIDR form: no leading zeros, no host bits.";
        Cidr6 "ipv6-network" "2408:4001::/56" "An IPv6 network in CIDR form without host bits.";
        Cidr "ip-network" "10.0.0.0/16" "A network in CIDR form without host bits.";
    }
}
