//! HTTP through the host.

use std::future::Future;
use std::sync::Arc;

use wasmtime_wasi_http::{Error, RequestOptions, WasiHttpHooks};

use crate::limits::Account;
use crate::sandbox::Shared;

pub(crate) struct Hooks {}

impl Hooks {
    pub(crate) fn new(_sandbox: &Arc<Shared>, _account: &Arc<Account>) -> Hooks {
        Hooks {}
    }
}

type Body = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, Error>;
type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        _request: http::Request<Body>,
        _options: Option<RequestOptions>,
        _io: Io,
    ) -> Box<dyn Future<Output = Result<(http::Response<Body>, Io), Error>> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
