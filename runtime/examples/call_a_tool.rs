//! A tool in a sandbox, without a server: `cargo run --example call_a_tool -- TOOL.wasm '{"pattern":"*.rs"}' [DIRECTORY]`.

use std::{env, error::Error, fs, sync::Arc};

use glovebox_runtime::{
    Access, CallOptions, Engine, EngineOptions, Grant, Mount, MountSource, Programs, Sandbox,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (tool, input) = arguments
        .next()
        .zip(arguments.next())
        .ok_or("usage: call_a_tool TOOL.wasm INPUT [DIRECTORY]")?;

    let engine = Engine::new(EngineOptions::default())?;
    let component = engine.load(&tool, &fs::read(&tool)?)?;

    let directory = arguments.next().unwrap_or_else(|| ".".to_owned());
    let source = MountSource::HostDirectory(directory.into());
    let workspace = Mount {
        at: "/workspace".to_owned(),
        source,
        access: Access::ReadOnly,
    };
    let grant = Grant {
        mounts: vec![workspace],
        ..Grant::default()
    };

    let sandbox = Sandbox::new(&engine, grant, Arc::new(Programs::default()))?;
    let report = sandbox
        .call(&component, &input, CallOptions::default())
        .await;
    #[expect(clippy::print_stdout, reason = "this is what the example is for")]
    {
        println!("{:#?}", report.outcome);
    }
    Ok(())
}
