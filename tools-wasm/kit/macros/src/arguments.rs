//! What stands in the brackets of the attribute.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Error, Expr, ExprArray, Ident, Lit, LitStr, Result};

/// What running the tool may change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Effects {
    #[default]
    None,
    Files,
    External,
}

/// What may be done with the files of a mount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// The attribute's arguments, as far as they were given.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) name: Option<LitStr>,
    pub(crate) description: Option<Expr>,
    pub(crate) effects: Effects,
    pub(crate) hosts: Vec<Expr>,
    pub(crate) mounts: Vec<(Expr, Access)>,
    pub(crate) programs: Vec<Expr>,
    pub(crate) secrets: Vec<Expr>,
    pub(crate) settings: Vec<Expr>,
    pub(crate) limits: Vec<(Ident, Expr)>,
}

/// The limits by name, all of them.
pub(crate) const LIMITS: [&str; 4] = ["memory_bytes", "cpu_ms", "wall_ms", "output_bytes"];
const MOUNT: &str = "a mount is (\"/path\", read) or (\"/path\", write)";

impl Arguments {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let mut arguments = Self::default();
        let mut seen: Vec<String> = Vec::new();
        syn::meta::parser(|meta| {
            let key = meta.path.require_ident()?.to_string();
            if seen.contains(&key) {
                return Err(meta.error(format!("`{key}` is given twice")));
            }
            arguments.take(&key, &meta)?;
            seen.push(key);
            Ok(())
        })
        .parse2(tokens)?;
        Ok(arguments)
    }

    fn take(&mut self, key: &str, meta: &ParseNestedMeta) -> Result<()> {
        match key {
            "name" => self.name = Some(name(meta.value()?.parse()?)?),
            "description" => self.description = Some(meta.value()?.parse()?),
            "effects" => self.effects = effects(&meta.value()?.parse()?)?,
            "hosts" => self.hosts = list(meta)?,
            "programs" => self.programs = list(meta)?,
            "secrets" => self.secrets = list(meta)?,
            "settings" => self.settings = list(meta)?,
            "mounts" => {
                self.mounts = list(meta)?.into_iter().map(mount).collect::<Result<_>>()?;
            }
            "limits" => meta.parse_nested_meta(|limit| {
                let key = limit.path.require_ident()?.clone();
                if !LIMITS.iter().any(|known| key == known) {
                    return Err(limit.error(format!("a limit is one of {}", LIMITS.join(", "))));
                }
                self.limits.push((key, limit.value()?.parse()?));
                Ok(())
            })?,
            _ => {
                return Err(meta.error(
                    "expected name, description, effects, hosts, mounts, programs, secrets, settings or limits",
                ));
            }
        }
        Ok(())
    }
}

fn name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let fits = (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if fits {
        Ok(name)
    } else {
        Err(Error::new(
            name.span(),
            "a tool's name is 1 to 128 of A-Z a-z 0-9 _ -",
        ))
    }
}

fn effects(text: &LitStr) -> Result<Effects> {
    match text.value().as_str() {
        "none" => Ok(Effects::None),
        "files" => Ok(Effects::Files),
        "external" => Ok(Effects::External),
        _ => Err(Error::new(
            text.span(),
            "effects are \"none\", \"files\" or \"external\"",
        )),
    }
}

fn list(meta: &ParseNestedMeta) -> Result<Vec<Expr>> {
    Ok(meta
        .value()?
        .parse::<ExprArray>()?
        .elems
        .into_iter()
        .collect())
}

fn mount(entry: Expr) -> Result<(Expr, Access)> {
    let Expr::Tuple(tuple) = &entry else {
        return Err(Error::new_spanned(&entry, MOUNT));
    };
    let elements: Vec<_> = tuple.elems.iter().collect();
    let [path, Expr::Path(access)] = elements[..] else {
        return Err(Error::new_spanned(&entry, MOUNT));
    };
    if let Expr::Lit(literal) = path
        && let Lit::Str(text) = &literal.lit
        && text.value() != "*"
        && !text.value().starts_with('/')
    {
        return Err(Error::new(
            text.span(),
            "a mount begins with a slash, or is \"*\"",
        ));
    }
    match access.path.get_ident().map(Ident::to_string).as_deref() {
        Some("read") => Ok((path.clone(), Access::Read)),
        Some("write") => Ok((path.clone(), Access::Write)),
        _ => Err(Error::new_spanned(access, MOUNT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn everything_is_understood() {
        let arguments = Arguments::parse(quote! {
            name = "word-count", description = TEXT, effects = "external", hosts = ["api.example.com", HOST],
            mounts = [("/workspace", read), ("*", write)], programs = ["*"], secrets = ["TOKEN"], settings = ["engine"],
            limits(wall_ms = 5000, memory_bytes = 1 << 20),
        })
        .unwrap();
        assert_eq!(arguments.name.unwrap().value(), "word-count");
        assert_eq!(arguments.effects, Effects::External);
        assert_eq!(arguments.hosts.len(), 2);
        let access: Vec<_> = arguments.mounts.iter().map(|mount| mount.1).collect();
        assert_eq!(access, [Access::Read, Access::Write]);
        assert_eq!(
            arguments
                .limits
                .iter()
                .map(|limit| limit.0.to_string())
                .collect::<Vec<_>>(),
            ["wall_ms", "memory_bytes"]
        );
        assert_eq!(Arguments::parse(quote!()).unwrap().effects, Effects::None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (tokens, message) in [
            (quote!(nam = "x"), "expected name, description"),
            (quote!(name = "a b"), "1 to 128 of A-Z"),
            (quote!(name = "a", name = "b"), "`name` is given twice"),
            (
                quote!(effects = "all"),
                "\"none\", \"files\" or \"external\"",
            ),
            (
                quote!(mounts = ["/workspace"]),
                "a mount is (\"/path\", read)",
            ),
            (
                quote!(mounts = [("/workspace", execute)]),
                "a mount is (\"/path\", read)",
            ),
            (
                quote!(mounts = [("workspace", read)]),
                "begins with a slash",
            ),
            (quote!(limits(time = 3)), "a limit is one of memory_bytes"),
            (quote!(hosts = "x"), "expected square brackets"),
        ] {
            let Err(error) = Arguments::parse(tokens.clone()) else {
                panic!("{tokens} is accepted")
            };
            assert!(error.to_string().contains(message), "{tokens}: {error}");
        }
    }
}
