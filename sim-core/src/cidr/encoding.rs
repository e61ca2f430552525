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
