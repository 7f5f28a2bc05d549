//! The attribute [`macro@tool`]: a function and what it wishes for become the export `glovebox:tool/tool`.
//!
//! Everything that can be wrong with the attribute is said where it stands, at compile time. What it expands to is in
//! `expand`; the work itself is in ordinary functions of `glovebox-kit`.

mod arguments;
mod doc;
mod expand;

use proc_macro::TokenStream;
use syn::{ItemFn, parse_macro_input};

/// Makes the function the tool that this crate (a `cdylib`) is.
///
/// The function takes the input, a type that is `serde::Deserialize` and `schemars::JsonSchema`, or nothing; it returns
/// anything that is `IntoAnswer`, mostly `glovebox_kit::Result`. Its doc comment is what the model reads. It may be
/// private. All arguments may be left out; what is not wished for here is not there when the tool runs:
///
/// - `name = "…"`: what the model calls. The function's name by default.
/// - `description = "…"`: instead of the doc comment; any constant expression.
/// - `effects = "none"`: what running it may change, `"none"` (the default), `"files"` or `"external"`.
/// - `hosts = ["api.example.com", "*.example.com"]`: where it sends HTTP requests; `"*"` is any host.
/// - `mounts = [("/workspace", read)]`: the files it sees, to `read` or to `write`; `"*"` is every mount.
/// - `programs = ["jq"]`: what it starts; `"*"` is any program.
/// - `secrets = ["TOKEN"]`: what `glovebox_kit::secret` can be asked for.
/// - `settings = ["engine"]`: what `glovebox_kit::setting` can be asked for.
/// - `limits(wall_ms = 5000, cpu_ms = …, memory_bytes = …, output_bytes = …)`: narrower limits for each call.
#[proc_macro_attribute]
pub fn tool(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    arguments::Arguments::parse(arguments.into())
        .and_then(|arguments| expand::expand(&arguments, &function))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
