//! What is drawn: from the input, or from a CSV file.

use glovebox_kit::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;

/// More points than this fit in no picture.
const POINTS_MAX: usize = 100_000;

/// A place on the horizontal axis.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Place {
    Number(f64),
    Name(String),
}

/// One line, one set of bars or one cloud of points.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Shown in the legend.
    pub name: String,
    /// One value for each x; null where there is none.
    pub values: Vec<Option<f64>>,
}

/// Columns of a CSV file with a header line.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// Path of the file in the workspace.
    pub path: String,
    /// The column for the horizontal axis. Default: the first.
    pub x: Option<String>,
    /// The columns to draw. Default: every other column that holds numbers.
    pub y: Option<Vec<String>>,
    /// What stands between two fields. Default: a comma, or a tab in a .tsv file.
    pub delimiter: Option<char>,
}

/// Where the values stand.
pub enum Axis {
    Numbers(Vec<f64>),
    Names(Vec<String>),
}

impl Axis {
    fn of(places: Vec<Place>) -> Self {
        let numbers: Option<Vec<f64>> = places
            .iter()
            .map(|place| match place {
                Place::Number(number) => Some(*number),
                Place::Name(_) => None,
            })
            .collect();
        numbers.map(Self::Numbers).unwrap_or_else(|| {
            Self::Names(
                places
                    .into_iter()
                    .map(|place| match place {
                        Place::Number(number) => number.to_string(),
                        Place::Name(name) => name,
                    })
                    .collect(),
            )
        })
    }
}

/// All that is drawn.
pub struct Data {
    pub axis: Axis,
    pub series: Vec<Series>,
    /// What the CSV file calls its axis.
    pub axis_name: Option<String>,
}

impl Data {
    /// From what the model gave.
    pub fn given(x: Option<Vec<Place>>, series: Vec<Series>) -> Result<Self> {
        let length = series.iter().map(|one| one.values.len()).max().unwrap_or(0);
        let axis = match x {
            Some(x) if x.len() != length => {
                return Err(Error::invalid(format!(
                    "x: has {} places for {length} values",
                    x.len()
                )));
            }
            Some(x) => Axis::of(x),
            None => Axis::Numbers((1..=length).map(|index| index as f64).collect()),
        };
        Self {
            axis,
            series,
            axis_name: None,
        }
        .checked()
    }

    /// From a file.
    pub fn read(csv: &Csv) -> Result<Self> {
        let named = |message: String| Error::failed(format!("{}: {message}", csv.path));
        let delimiter = csv.delimiter.unwrap_or(if csv.path.ends_with(".tsv") {
            '\t'
        } else {
            ','
        });
        let delimiter = u8::try_from(delimiter)
            .map_err(|_| Error::invalid("csv.delimiter: has to be an ASCII character"))?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_path(&csv.path)
            .map_err(|error| named(error.to_string()))?;
        let header: Vec<String> = reader
            .headers()
            .map_err(|error| named(error.to_string()))?
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
            .collect();
        let rows: Vec<csv::StringRecord> = reader
            .records()
            .take(POINTS_MAX + 1)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| named(error.to_string()))?;
        let position = |field: &str, name: &str| {
            header
                .iter()
                .position(|column| column == name)
                .ok_or_else(|| {
                    Error::invalid(format!(
                        "{field}: {} has no column {name:?}; it has {}",
                        csv.path,
                        header.join(", ")
                    ))
                })
        };
        let x = match &csv.x {
            Some(name) => position("csv.x", name)?,
            None => 0,
        };
        let columns = match &csv.y {
            Some(names) => names
                .iter()
                .map(|name| position("csv.y", name))
                .collect::<Result<Vec<_>>>()?,
            None => (0..header.len())
                .filter(|&column| column != x && is_numeric(&rows, column))
                .collect(),
        };
        if columns.is_empty() {
            return Err(named(format!(
                "no column with numbers besides {:?}; its columns are {}",
                header.get(x).map_or("", String::as_str),
                header.join(", ")
            )));
        }
        let places = rows
            .iter()
            .map(|row| {
                let text = row.get(x).unwrap_or("").trim();
                number(text).map_or_else(|| Place::Name(text.to_owned()), Place::Number)
            })
            .collect();
        let series = columns
            .into_iter()
            .map(|column| Series {
                name: header[column].clone(),
                values: rows
                    .iter()
                    .map(|row| row.get(column).and_then(number))
                    .collect(),
            })
            .collect();
        Self {
            axis: Axis::of(places),
            series,
            axis_name: header.get(x).cloned(),
        }
        .checked()
    }

    fn checked(self) -> Result<Self> {
        let points: usize = self.series.iter().map(|one| one.values.len()).sum();
        if points > POINTS_MAX {
            return Err(Error::failed(format!(
                "{points} points are too many to draw; at most {POINTS_MAX}"
            )));
        }
        let values = self.series.iter().flat_map(|one| &one.values).flatten();
        if values.clone().next().is_none() {
            return Err(Error::invalid("series: there is no value to draw"));
        }
        if !values.clone().all(|value| value.is_finite()) {
            return Err(Error::invalid("series: every value has to be finite"));
        }
        Ok(self)
    }

    /// The axis by name, for bars.
    pub fn names(&self) -> Vec<String> {
        match &self.axis {
            Axis::Names(names) => names.clone(),
            Axis::Numbers(numbers) => numbers.iter().map(f64::to_string).collect(),
        }
    }
}

/// A number as people write them into tables: with separators of thousands, a percent sign or a currency's.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_matches(['%', '$', '€', '£', ' ']);
    text.parse()
        .or_else(|_| text.replace([',', '_', ' '], "").parse())
        .ok()
        .filter(|number: &f64| number.is_finite())
}

fn is_numeric(rows: &[csv::StringRecord], column: usize) -> bool {
    let mut filled = rows
        .iter()
        .filter_map(|row| row.get(column))
        .filter(|text| !text.trim().is_empty())
        .peekable();
    filled.peek().is_some() && filled.all(|text| number(text).is_some())
}
