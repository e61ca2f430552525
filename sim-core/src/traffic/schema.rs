//! How an OpenAPI document describes the texts of a scenario.

use super::addresses::Network;
use super::length::Length;
use super::scenario::Answers;
use crate::slb::spec::Spec;
use std::borrow::Cow;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

fn text(pattern: &str, example: &str, about: &str) -> RefOr<Schema> {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some(about))
        .examples([example]);
    RefOr::T(Schema::Object(text.build()))
}

macro_rules! texts {
    ($($kind:ident $name:literal $pattern:literal $example:literal $about:literal;)*) => {$(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> { text($pattern, $example, $about) }
        }
        impl ToSchema for $kind {
            fn name() -> Cow<'static, str> { $name.into() }
        }
    )*};
}

texts! {
    Length "TrafficLength" "^[0-9]{1,10}(ms|s|m|h)$" "30s" "A length of time: 500ms, 30s, 5m or 1h.";
    Answers "TrafficAnswers" "^([0-9]{1,10}(ms|s|m|h)|refuses|silent)$" "5ms"
        "How a backend answers: a length of time after which it does, refuses or silent.";
}

impl PartialSchema for Network {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("ip-network".into())))
            .description(Some("A network: a strict CIDR block, or an address alone."))
            .examples(["203.0.113.0/24"]);
        RefOr::T(Schema::Object(text.build()))
    }
}

impl ToSchema for Network {
    fn name() -> Cow<'static, str> {
        "TrafficNetwork".into()
    }
}

impl PartialSchema for Spec {
    fn schema() -> RefOr<Schema> {
        let names = Spec::ALL.iter().map(|spec| spec.row().name);
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names.collect::<Vec<_>>()))
            .description(Some("A specification by its name."));
        RefOr::T(Schema::Object(text.build()))
    }
}

impl ToSchema for Spec {
    fn name() -> Cow<'static, str> {
        "TrafficSpec".into()
    }
}
