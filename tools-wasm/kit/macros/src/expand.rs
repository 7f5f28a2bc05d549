//! What the attribute stands for.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, FnArg, ItemFn, Result};

use crate::arguments::{Access, Arguments, Effects, LIMITS};
use crate::doc;

/// The function as it is, and the component's export around it.
pub(crate) fn expand(arguments: &Arguments, function: &ItemFn) -> Result<TokenStream> {
    let signature = &function.sig;
    let refuse = |what: &dyn quote::ToTokens, message| Err(Error::new_spanned(what, message));
    if signature.asyncness.is_some() {
        return refuse(&signature.asyncness, "a tool is an ordinary function");
    }
    if !signature.generics.params.is_empty() {
        return refuse(&signature.generics, "a tool has no generic parameters");
    }
    let identifier = &signature.ident;
    let (input, run) = match signature.inputs.len() {
        0 => (
            quote!(::glovebox_kit::tool::NoInput),
            quote!(|_: ::glovebox_kit::tool::NoInput| #identifier()),
        ),
        1 => match &signature.inputs[0] {
            FnArg::Typed(argument) => {
                let input = &argument.ty;
                (quote!(#input), quote!(#identifier))
            }
            FnArg::Receiver(receiver) => {
                return refuse(receiver, "a tool is a function, not a method");
            }
        },
        _ => {
            return refuse(
                &signature.inputs,
                "a tool takes one argument: a struct with its input",
            );
        }
    };
    let description = description(arguments, function)?;
    Ok(quote! {
        #[cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "called by the component's export"))]
        #function

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;
            impl ::glovebox_kit::tool::exports::exports::glovebox::tool::tool::Guest for Exported {
                fn describe() -> ::glovebox_kit::tool::Description {
                    ::glovebox_kit::tool::describe::<#input>(#description)
                }
                fn call(input: ::std::string::String) -> ::glovebox_kit::tool::Answer {
                    ::glovebox_kit::tool::dispatch(&input, #run)
                }
            }
            ::glovebox_kit::tool::exports::export!(Exported with_types_in ::glovebox_kit::tool::exports);
            ::glovebox_kit::no_main!();
        };
    })
}

fn description(arguments: &Arguments, function: &ItemFn) -> Result<TokenStream> {
    let name = match &arguments.name {
        Some(name) => name.value(),
        None => function.sig.ident.to_string(),
    };
    let text = match (&arguments.description, doc::text(&function.attrs)) {
        (Some(given), _) => quote!(#given),
        (None, Some(comment)) => quote!(#comment),
        (None, None) => {
            return Err(Error::new_spanned(
                &function.sig.ident,
                "a tool needs a doc comment: it is what the model reads",
            ));
        }
    };
    let effects = match arguments.effects {
        Effects::None => quote!(None),
        Effects::Files => quote!(Files),
        Effects::External => quote!(External),
    };
    let mounts = arguments.mounts.iter().map(|(path, access)| {
        let access = match access {
            Access::Read => quote!(Read),
            Access::Write => quote!(Write),
        };
        quote!((#path, ::glovebox_kit::tool::Access::#access))
    });
    let limits = LIMITS.iter().map(|name| {
        let key = quote::format_ident!("{name}");
        match arguments.limits.iter().find(|limit| limit.0 == name) {
            Some((_, value)) => quote!(#key: ::core::option::Option::Some(#value)),
            None => quote!(#key: ::core::option::Option::None),
        }
    });
    let (hosts, programs) = (&arguments.hosts, &arguments.programs);
    let (secrets, settings) = (&arguments.secrets, &arguments.settings);
    Ok(quote! {
        ::glovebox_kit::tool::Says {
            name: #name,
            text: #text,
            effects: ::glovebox_kit::tool::Effects::#effects,
            hosts: &[#(#hosts),*],
            mounts: &[#(#mounts),*],
            programs: &[#(#programs),*],
            secrets: &[#(#secrets),*],
            settings: &[#(#settings),*],
            limits: ::glovebox_kit::tool::Limits { #(#limits),* },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn expanded(function: &ItemFn) -> Result<String> {
        let arguments = Arguments::parse(quote!(mounts = [("/tmp", write)], limits(cpu_ms = 7)))?;
        Ok(expand(&arguments, function)?.to_string())
    }

    #[test]
    fn a_function_becomes_an_export() {
        let text = expanded(&parse_quote! {
            /// Counts.
            fn word_count(input: Input) -> Answer { todo() }
        })
        .unwrap();
        for part in [
            "name : \"word_count\"",
            "text : \"Counts.\"",
            "describe :: < Input >",
            "(\"/tmp\" , :: glovebox_kit :: tool :: Access :: Write)",
            "cpu_ms : :: core :: option :: Option :: Some (7)",
            "wall_ms : :: core :: option :: Option :: None",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn what_cannot_be_a_tool_is_refused() {
        let cases: [(ItemFn, &str); 4] = [
            (
                parse_quote!(
                    fn count(input: Input) {}
                ),
                "needs a doc comment",
            ),
            (
                parse_quote!(
                    /** Counts. */
                    fn count(left: Input, right: Input) {}
                ),
                "one argument",
            ),
            (
                parse_quote!(
                    /** Counts. */
                    async fn count(input: Input) {}
                ),
                "ordinary function",
            ),
            (
                parse_quote!(
                    /** Counts. */
                    fn count<T>(input: T) {}
                ),
                "no generic parameters",
            ),
        ];
        for (function, message) in cases {
            let error = expanded(&function).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
