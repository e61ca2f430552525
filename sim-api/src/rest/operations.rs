//! The operations of the native wire: how they are served and, apart from that, how they are described. A start serves;
//! the code that describes runs when the document is asked for, and costs an idle server no memory until then.

use crate::app::AppState;
use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route};
use std::convert::Infallible;
use tower::{Layer, Service};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// Describes the operations of one address.
pub type Describe = fn() -> UtoipaMethodRouter<AppState>;

/// The operations of one address.
pub struct Address {
    /// The address as axum writes it.
    pub path: String,
    /// Its handlers.
    pub methods: MethodRouter<AppState>,
    /// Their description.
    pub describe: Describe,
}

/// Handlers of one address, as [`Operations::routes`] takes them: `routes!(create_vpc, list_vpcs)`. Each has a
/// `#[utoipa::path]`, and all name the same address.
macro_rules! routes {
    ($first:ident $(, $more:ident)* $(,)?) => {
        utoipa_axum::paste! {{
            use utoipa_axum::PathItemExt;
            let methods = axum::routing::MethodRouter::new();
            let methods = $crate::rest::operations::routes!(@on methods, $first);
            $( let methods = $crate::rest::operations::routes!(@on methods, $more); )*
            $crate::rest::operations::Address {
                path: <[<__path_ $first>] as utoipa::Path>::path(),
                methods,
                describe: || utoipa_axum::routes!($first $(, $more)*),
            }
        }}
    };
    (@on $methods:ident, $handler:ident) => {
        utoipa_axum::paste! {
            <[<__path_ $handler>] as utoipa::Path>::methods()
                .iter()
                .fold($methods, |methods, method| methods.on(method.to_method_filter(), $handler))
        }
    };
}
pub(crate) use routes;

/// Operations, served and described.
#[derive(Default)]
pub struct Operations {
    served: Router<AppState>,
    /// The addresses with their descriptions.
    described: Vec<(String, Describe)>,
}

impl Operations {
    /// None yet.
    pub fn new() -> Operations {
        Operations::default()
    }

    /// With the operations of one more address.
    pub fn routes(self, address: Address) -> Operations {
        let mut described = self.described;
        let served = self.served.route(&address.path, address.methods);
        described.push((address.path, address.describe));
        Operations { served, described }
    }

    /// With a layer around all that are in it.
    pub fn layer<L>(self, layer: L) -> Operations
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Operations { served: self.served.layer(layer), ..self }
    }

    /// With all others.
    pub fn merge(mut self, others: Operations) -> Operations {
        self.described.extend(others.described);
        Operations { served: self.served.merge(others.served), ..self }
    }

    /// The routes.
    pub fn served(self) -> Router<AppState> {
        self.served
    }

    /// The addresses with their descriptions.
    pub fn addresses(self) -> Vec<(String, Describe)> {
        self.described
    }

    /// A document with their descriptions added.
    pub fn described(self, document: OpenApi) -> OpenApi {
        let start = OpenApiRouter::with_openapi(document);
        self.described.iter().fold(start, |router, (_, describe)| router.routes(describe())).into_openapi()
    }
}
