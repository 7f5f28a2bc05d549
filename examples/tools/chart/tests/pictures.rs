//! Draws one picture of each kind into cargo's folder for tests, to be looked at.

use std::path::Path;

use glovebox_kit::Content;
use serde_json::{Value, json};

fn draw(name: &str, input: Value) -> Vec<u8> {
    let input = serde_json::from_value(input).unwrap();
    let answer = chart::chart(input).unwrap();
    let [Content::Image(picture)] = &answer[..] else {
        panic!("one image")
    };
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, &picture.data).unwrap();
    picture.data.clone()
}

#[test]
fn every_kind_is_drawn() {
    let bars = draw(
        "bar.png",
        json!({
            "kind": "bar", "title": "Revenue by quarter", "y_label": "Revenue in €", "x": ["Q1 2025", "Q2 2025", "Q3 2025", "Q4 2025"],
            "series": [
                {"name": "Hardware", "values": [120_000, 135_500, 128_000, 161_000]},
                {"name": "Services", "values": [80_000, 92_000, 101_000, 118_000]},
                {"name": "Returns", "values": [-8_000, -12_500, -9_000, -15_000]},
            ],
        }),
    );
    assert!(bars.starts_with(b"\x89PNG"));
    let many: Vec<f64> = (0..200)
        .map(|x| (f64::from(x) / 20.0).sin() * 10.0 + 20.0)
        .collect();
    let other: Vec<Option<f64>> = (0..200)
        .map(|x| (!(80..110).contains(&x)).then(|| (f64::from(x) / 31.0).cos() * 7.0 + 18.0))
        .collect();
    draw(
        "line.png",
        json!({"kind": "line", "title": "Two signals", "x_label": "Seconds", "y_label": "Volts",
               "series": [{"name": "first", "values": many}, {"name": "second, with a gap", "values": other}]}),
    );
    let x: Vec<f64> = (0..60)
        .map(|index| f64::from(index * 37 % 60) / 3.0)
        .collect();
    let y: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(index, x)| x * 1.7 + f64::from(index as u32 * 7 % 11))
        .collect();
    draw(
        "scatter.png",
        json!({"kind": "scatter", "title": "Height and weight", "x": x, "width": 600, "height": 400,
               "series": [{"name": "people", "values": y}]}),
    );
}

#[test]
fn what_cannot_be_drawn_says_why() {
    for (input, message) in [
        (json!({"kind": "bar"}), "either series or csv"),
        (
            json!({"kind": "bar", "x": [1], "series": [{"name": "a", "values": [1, 2]}]}),
            "x: has 1 places for 2 values",
        ),
        (
            json!({"kind": "line", "series": [{"name": "a", "values": [null]}]}),
            "no value to draw",
        ),
        (
            json!({"kind": "line", "width": 5, "series": [{"name": "a", "values": [1]}]}),
            "width: has to be 200 to 2000",
        ),
    ] {
        let error = chart::chart(serde_json::from_value(input).unwrap()).unwrap_err();
        assert!(format!("{error:?}").contains(message), "{error:?}");
    }
}
