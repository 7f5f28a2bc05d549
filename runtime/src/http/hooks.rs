//! `wasi:http` over the policy-checked client.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyDataStream, BodyExt};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::client::send;
use super::policy::{Policy, Refusal};

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// A process's.
pub(crate) struct Hooks {
    policy: Arc<Policy>,
}

impl Hooks {
    pub(crate) fn new(policy: Arc<Policy>) -> Hooks {
        Hooks { policy }
    }
}

impl WasiHttpHooks for Hooks {
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _io: Io,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), Error>> + Send> {
        let policy = Arc::clone(&self.policy);
        Box::new(async move {
            let request = request.map(|body| reqwest::Body::wrap_stream(BodyDataStream::new(body)));
            let answer = send(&policy, request, time_max(options))
                .await
                .map_err(error)?;
            let answer = answer.map(|body| body.map_err(error).boxed_unsync());
            Ok((answer, Box::new(async { Ok(()) }) as Io))
        })
    }
}

/// The guest's own limits, as one: a request that takes longer than all its parts may is over.
fn time_max(options: Option<RequestOptions>) -> Option<Duration> {
    let options = options?;
    Some(options.connect_timeout? + options.first_byte_timeout? + options.between_bytes_timeout?)
}

fn error(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Denied(_) => Error::HttpRequestDenied,
        Refusal::Prohibited { .. } => Error::DestinationIpProhibited,
        Refusal::TooMany(_) => Error::ConnectionLimitReached,
        Refusal::Invalid(_) => Error::HttpRequestUriInvalid,
        Refusal::NotFound(_) => Error::DestinationNotFound,
        Refusal::TimedOut(_) => Error::ConnectionTimeout,
        Refusal::TooLarge(max) => Error::HttpResponseBodySize(Some(max)),
        // Says more than the code for a denied request can.
        refusal @ (Refusal::Secret { .. } | Refusal::Connect { .. } | Refusal::Broken { .. }) => {
            Error::InternalError(Some(refusal.to_string()))
        }
    }
}
