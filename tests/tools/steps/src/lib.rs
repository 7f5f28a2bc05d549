//! Takes its time, reports every step, and stops when it is told to: for tests of what clients see of a long call.

use std::time::Duration;

use glovebox_kit::{Result, cancelled, progress};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// How many steps to take.
    count: u32,
    /// How long each of them takes.
    pause_ms: u64,
}

const ANSWER: &str = if cfg!(feature = "second") {
    "the second version took"
} else {
    "took"
};

/// Takes steps, one after the other.
#[cfg_attr(
    not(feature = "job"),
    glovebox_kit::tool(name = "steps", effects = "none")
)]
#[cfg_attr(
    feature = "job",
    glovebox_kit::tool(name = "job", effects = "external")
)]
fn steps(input: Input) -> Result {
    for step in 1..=input.count {
        std::thread::sleep(Duration::from_millis(input.pause_ms));
        if cancelled() {
            return Ok(format!("{ANSWER} {step} steps and was stopped"));
        }
        progress(
            format!("step {step} of {}", input.count),
            f64::from(step) / f64::from(input.count),
        );
    }
    Ok(format!("{ANSWER} {} steps", input.count))
}
