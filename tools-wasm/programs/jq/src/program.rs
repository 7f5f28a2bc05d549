//! Compiles the filter and runs it on every input.

use std::io;
use std::path::PathBuf;

use jaq_core::data::HasLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Ctx, DataT, Lut, Native, Vars, native, unwrap_valr};
use jaq_json::Val;
use jaq_std::input::{self, HasInputs, Inputs, RcIter};

use crate::options::Options;
use crate::{COMPILE, Failure, RUNTIME, USAGE};

/// What filters may reach: definitions and the inputs that are left.
struct Kind;

#[derive(Clone)]
struct Data<'run> {
    definitions: &'run Lut<Kind>,
    inputs: Inputs<'run, Val>,
}

impl DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = Data<'a>;
}

impl<'run> HasLut<'run, Kind> for Data<'run> {
    fn lut(&self) -> &'run Lut<Kind> {
        self.definitions
    }
}

impl<'run> HasInputs<'run, Val> for Data<'run> {
    fn inputs(&self) -> Inputs<'run, Val> {
        self.inputs
    }
}

type Function = native::Filter<Native<Kind>>;

fn functions() -> impl Iterator<Item = Function> {
    let inputs = input::funs::<Kind>()
        .into_vec()
        .into_iter()
        .map(native::run::<Kind>);
    jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .chain(inputs)
}

/// Runs the filter, giving each output to `emit`; the exit status.
pub(crate) fn run(
    options: &Options,
    mut emit: impl FnMut(Val) -> io::Result<()>,
) -> Result<u8, Failure> {
    let named = options
        .variables
        .iter()
        .map(|(name, value)| (Val::utf8_str(name.clone()), value.clone()));
    let named = Val::obj(named.collect());
    let arguments = Val::obj(
        [
            (
                Val::utf8_str("positional"),
                options.positional.iter().cloned().collect(),
            ),
            (Val::utf8_str("named"), named.clone()),
        ]
        .into_iter()
        .collect(),
    );
    let environment = Val::obj(
        std::env::vars()
            .map(|(name, value)| (Val::utf8_str(name), Val::utf8_str(value)))
            .collect(),
    );
    let mut names = vec![
        "$ENV".to_owned(),
        "$ARGS".to_owned(),
        "$__prog_args".to_owned(),
    ];
    let mut values = vec![environment, arguments, named];
    for (name, value) in &options.variables {
        names.push(format!("${name}"));
        values.push(value.clone());
    }

    let arena = Arena::default();
    let definitions = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let modules = Loader::new(definitions)
        .with_std_read(&[])
        .load(
            &arena,
            File {
                code: options.filter.as_str(),
                path: PathBuf::new(),
            },
        )
        .map_err(|errors| Failure(COMPILE, load_errors(&errors)))?;
    let filter = jaq_core::Compiler::default()
        .with_funs(functions())
        .with_global_vars(names.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| {
            let undefined = errors
                .iter()
                .flat_map(|(_, errors)| errors)
                .map(|(name, kind)| format!("error: undefined {} {name}", kind.as_str()));
            Failure(COMPILE, undefined.collect::<Vec<_>>().join("\n"))
        })?;

    let inputs: Box<dyn Iterator<Item = Result<Val, String>>> = crate::inputs::values(options);
    let inputs = RcIter::new(inputs);
    let inputs: Inputs<'_, Val> = &inputs;
    let mut code = 0;
    let first = options.null_input.then_some(Ok(Val::Null));
    let rest = if options.null_input {
        None
    } else {
        Some(inputs)
    };
    for input in first.into_iter().chain(rest.into_iter().flatten()) {
        let input = match input {
            Ok(input) => input,
            Err(error) => {
                eprintln!("jq: {error}");
                // What follows a broken value cannot be made sense of.
                return Ok(USAGE);
            }
        };
        let context = Ctx::<Kind>::new(
            Data {
                definitions: &filter.lut,
                inputs,
            },
            Vars::new(values.clone()),
        );
        for output in filter.id.run((context, input)).map(unwrap_valr) {
            match output {
                Ok(value) => emit(value).map_err(|error| Failure(USAGE, error.to_string()))?,
                Err(error) => {
                    eprintln!("jq: error: {error}");
                    code = RUNTIME;
                    break;
                }
            }
        }
    }
    Ok(code)
}

fn load_errors<P>(errors: &load::Errors<&str, P>) -> String {
    let mut lines = Vec::new();
    for (file, error) in errors {
        let place = |part: &str| {
            let at = load::span(file.code, part).start;
            if part.is_empty() {
                "at the end".to_owned()
            } else {
                format!(
                    "at character {at}, near {:?}",
                    part.chars().take(20).collect::<String>()
                )
            }
        };
        match error {
            load::Error::Io(errors) => lines.extend(
                errors
                    .iter()
                    .map(|(name, error)| format!("error: {name}: {error}")),
            ),
            load::Error::Lex(errors) => lines.extend(errors.iter().map(|(expected, part)| {
                format!(
                    "error: syntax error {}: expected {}",
                    place(part),
                    expected.as_str()
                )
            })),
            load::Error::Parse(errors) => lines.extend(errors.iter().map(|(expected, part)| {
                format!(
                    "error: syntax error {}: expected {}",
                    place(part),
                    expected.as_str()
                )
            })),
        }
    }
    lines.join("\n")
}
