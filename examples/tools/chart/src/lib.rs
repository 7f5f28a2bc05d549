//! The tool `chart`: a picture of numbers.

mod canvas;
mod data;
mod draw;
mod scale;

use glovebox_kit::{Blob, Content, Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use data::{Csv, Data, Place, Series};

/// What the model passes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    kind: Kind,
    /// What to draw. Give either this or csv.
    series: Option<Vec<Series>>,
    /// The places of the values on the horizontal axis: numbers or names, for all series. Default: 1, 2, 3 and so on.
    x: Option<Vec<Place>>,
    /// Draws columns of a file instead.
    csv: Option<Csv>,
    title: Option<String>,
    /// What the horizontal axis is. Default: the name of the file's column.
    x_label: Option<String>,
    /// What the vertical axis is, with its unit.
    y_label: Option<String>,
    /// In pixels, 200 to 2000. Default: 900.
    width: Option<u32>,
    /// In pixels, 200 to 2000. Default: 500.
    height: Option<u32>,
    /// Also writes the picture to this file in the workspace; its name ends in .png.
    save_as: Option<String>,
}

/// How it is drawn.
#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Bar,
    Line,
    Scatter,
}

/// What the picture looks like besides its data.
pub struct Look {
    kind: Kind,
    title: Option<String>,
    x_label: Option<String>,
    y_label: Option<String>,
    width: u32,
    height: u32,
}

/// Draws a bar, line or scatter chart and returns it as an image, from numbers you give or from a CSV file in the workspace.
///
/// Several series share one axis and get a legend. Use it to see the shape of data, or to make a picture for the user with
/// save_as.
#[glovebox_kit::tool(effects = "files", mounts = [("/workspace", write)], limits(wall_ms = 30_000))]
pub fn chart(input: Input) -> Result<Vec<Content>> {
    let data = match (&input.csv, input.series) {
        (Some(csv), None) => Data::read(csv)?,
        (None, Some(series)) => Data::given(input.x, series)?,
        _ => return Err(Error::invalid("give either series or csv")),
    };
    let look = Look {
        kind: input.kind,
        title: input.title,
        x_label: input.x_label,
        y_label: input.y_label,
        width: size("width", input.width, 900)?,
        height: size("height", input.height, 500)?,
    };
    let png = draw::png(&data, &look)?;
    let mut answer = vec![Content::Image(Blob {
        media_type: "image/png".into(),
        data: png.clone(),
    })];
    if let Some(path) = input.save_as {
        if !path.ends_with(".png") {
            return Err(Error::invalid("save_as: has to end in .png"));
        }
        std::fs::write(&path, &png).map_err(|error| Error::failed(format!("{path}: {error}")))?;
        answer.push(Content::Text(format!(
            "saved as {path}, {} bytes",
            png.len()
        )));
    }
    Ok(answer)
}

fn size(field: &str, given: Option<u32>, otherwise: u32) -> Result<u32> {
    let size = given.unwrap_or(otherwise);
    if (200..=2000).contains(&size) {
        Ok(size)
    } else {
        Err(Error::invalid(format!("{field}: has to be 200 to 2000")))
    }
}
