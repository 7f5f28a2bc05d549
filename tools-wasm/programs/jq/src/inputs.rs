//! Where jq's inputs come from.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};

use jaq_json::{Val, read};

use crate::options::Options;

type Values = Box<dyn Iterator<Item = Result<Val, String>>>;

/// The inputs in order, read as they are asked for.
pub(crate) fn values(options: &Options) -> Values {
    let (raw, slurp) = (options.raw_input, options.slurp);
    let mut sources: Vec<Box<dyn FnOnce() -> Result<Box<dyn BufRead>, String>>> = Vec::new();
    if options.files.is_empty() {
        sources.push(Box::new(|| Ok(Box::new(BufReader::new(std::io::stdin())))));
    }
    for file in options.files.clone() {
        sources.push(Box::new(move || {
            let opened = File::open(&file)
                .map_err(|error| format!("error: Could not open {file}: {error}"))?;
            Ok(Box::new(BufReader::new(opened)))
        }));
    }
    if raw && slurp {
        let whole = sources
            .into_iter()
            .try_fold(Vec::new(), |mut bytes, source| {
                source()?
                    .read_to_end(&mut bytes)
                    .map_err(|error| error.to_string())?;
                Ok(bytes)
            });
        return Box::new(std::iter::once(whole.map(Val::utf8_str)));
    }
    let each = sources.into_iter().flat_map(move |source| match source() {
        Ok(reader) if raw => lines(reader),
        Ok(reader) => {
            Box::new(read::read_many(reader).map(|value| value.map_err(|error| error.to_string())))
                as Values
        }
        Err(error) => Box::new(std::iter::once(Err(error))),
    });
    if slurp {
        Box::new(std::iter::once(
            each.collect::<Result<Vec<_>, _>>()
                .map(|values| values.into_iter().collect()),
        ))
    } else {
        Box::new(each)
    }
}

fn lines(reader: Box<dyn BufRead>) -> Values {
    Box::new(
        reader
            .split(b'\n')
            .map(|line| line.map(Val::utf8_str).map_err(|error| error.to_string())),
    )
}
