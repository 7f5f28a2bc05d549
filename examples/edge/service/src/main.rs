//! Answers each request with one call of a precompiled tool: JSON in, JSON out, a fresh instance each time.
//!
//! `edge price.cwasm` listens on a port of 127.0.0.1 and says which. See docs/embedding.md.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use glovebox_runtime::wasmtime::component::{HasSelf, bindgen};
use glovebox_runtime::{
    CallOptions, Component, Content, Engine, EngineOptions, Grant, Outcome, Process, Sandbox,
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::{Request, Response, service::service_fn};
use hyper_util::rt::TokioIo;

bindgen!({
    path: "../wit",
    world: "example:shop/offered",
    wasmtime_crate: glovebox_runtime::wasmtime,
});

/// What this service knows and its tools may ask: goes into a grant, and so can differ from sandbox to sandbox.
struct Prices(BTreeMap<String, u64>);

/// The function that tools import. It decides by its caller's grant what it says.
impl example::shop::prices::Host for Process {
    fn price(&mut self, thing: String) -> Option<u64> {
        self.host::<Prices>()?.0.get(&thing).copied()
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let path = std::env::args().nth(1).ok_or("usage: edge FILE.cwasm")?;
    let engine = Engine::new(EngineOptions {
        processes_max: 64,
        imports: vec![Arc::new(|linker| {
            Offered::add_to_linker::<_, HasSelf<_>>(linker, |process| process)
        })],
        ..EngineOptions::default()
    })?;
    // SAFETY: whoever starts this service made the file with `glovebox tool compile`, and nobody else can write to it.
    let tool = unsafe { engine.load_precompiled("price", Path::new(&path)) }?;
    let prices = BTreeMap::from([("apple".to_owned(), 45), ("pear".to_owned(), 60)]);
    let grant = Grant {
        host: Some(Arc::new(Prices(prices))),
        ..Grant::default()
    };
    let sandbox = Arc::new(Sandbox::new(&engine, grant, Arc::default())?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let (sandbox, tool) = (Arc::clone(&sandbox), tool.clone());
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(&sandbox, &tool, request));
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await
        });
    }
}

async fn answer(
    sandbox: &Sandbox,
    tool: &Component,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, text) = match Limited::new(request.into_body(), 1 << 20).collect().await {
        Err(error) => (413, error.to_string()),
        Ok(body) => {
            let input = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            match sandbox
                .call(tool, &input, CallOptions::default())
                .await
                .outcome
            {
                Outcome::Answer(content) => (200, content.iter().map(text).collect()),
                Outcome::InvalidInput(message) => (400, message),
                Outcome::Failed(content) => (422, content.iter().map(text).collect()),
                // A limit, a crash: the tool's fault, and nobody else notices.
                other => (500, format!("{other:?}")),
            }
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}

fn text(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Json(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}
