//! The provider wire: Alibaba Cloud's RPC protocol, decoded, authenticated and answered.
//!
//! A request names an action and a version, carries flat parameters and is signed in one of
//! two ways; an answer is one JSON (or XML) object with a `RequestId`. Everything here is a pure
//! function of the bytes and of the time that the caller passes in: no socket, no clock, no
//! entropy, no state of the service, so that each part can be fuzzed.
//!
//! The way of a request: [`request::decode`], then [`sign::verify`] and [`nonce::NonceCache::claim`]
//! when credentials are configured, then the action reads its [`params`], and
//! [`envelope`] writes the answer.

pub mod actions;
#[cfg(debug_assertions)]
pub mod contract;
pub mod credentials;
pub mod dispatch;
pub mod either_page;
pub mod encoding;
pub mod envelope;
pub mod error;
pub mod json;
pub mod nonce;
pub mod params;
pub mod plan;
pub mod request;
pub mod roa;
pub mod sign;
pub mod xml;

mod fuzz;

pub use credentials::{Credential, Credentials};
pub use envelope::{RequestId, ResponseParts};
pub use error::ProviderError;
pub use fuzz::fuzz_decode;
pub use nonce::NonceCache;
pub use params::{ParamError, Params, Scope};
pub use request::{Format, RawRequest, RpcRequest, SignatureForm};
pub use sign::{SignError, Verified};
