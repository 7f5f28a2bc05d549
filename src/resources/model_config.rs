//! Which model an agent runs on, and how.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::{Fields, Invalid, check_length, quoted};

const ID_CHARACTERS_MAX: usize = 256;

/// How hard the model works on each request. On the wire an object, `{"type": "high"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Effort {
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Effort {
    /// What every model runs at when nothing is asked for (Messages API, effort): sending it says nothing new.
    pub const DEFAULT: Self = Self::High;

    const NAMES: [&'static str; 5] = ["low", "medium", "high", "xhigh", "max"];

    /// The level's name, as the Messages API takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    fn parse(fields: &Fields<'_>) -> Result<Option<Self>, Invalid> {
        let Some(value) = fields.given("effort") else {
            return Ok(None);
        };
        let name = match value {
            Value::String(name) => name.as_str(),
            _ => Fields::of(value, fields.at("effort"))?.discriminator(&Self::NAMES)?,
        };
        Ok(Some(match name {
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::Xhigh,
            "max" => Self::Max,
            _ => {
                return Err(
                    fields.refuse("effort", format!("must be one of {}", quoted(&Self::NAMES)))
                );
            }
        }))
    }
}

/// Inference speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    Standard,
    Fast,
}

/// A model and its settings, complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelConfig {
    pub id: String,
    /// The one asked for, or the model's default.
    pub effort: Effort,
    pub inference_geo: Option<String>,
    pub speed: Speed,
}

/// A model as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInput {
    id: String,
    effort: Option<Effort>,
    inference_geo: Option<String>,
    speed: Speed,
}

impl ModelInput {
    /// A model's name, or an object with its settings.
    pub fn parse(value: &Value, path: &str) -> Result<Self, Invalid> {
        if let Value::String(id) = value {
            check_length(path, id, 1..=ID_CHARACTERS_MAX)?;
            return Ok(Self {
                id: id.clone(),
                effort: None,
                inference_geo: None,
                speed: Speed::Standard,
            });
        }
        if !value.is_object() {
            return Err(Invalid::new(
                path,
                "must be a model's name or an object with its 'id'",
            ));
        }
        let fields = Fields::of(value, path)?;
        let speed = match fields.text("speed")? {
            None | Some("standard") => Speed::Standard,
            Some("fast") => Speed::Fast,
            Some(_) => return Err(fields.refuse("speed", "must be one of 'standard', 'fast'")),
        };
        Ok(Self {
            id: fields
                .required_text_within("id", 1..=ID_CHARACTERS_MAX)?
                .to_owned(),
            effort: Effort::parse(&fields)?,
            inference_geo: fields.text("inference_geo")?.map(str::to_owned),
            speed,
        })
    }

    /// Completes what was left out with the model's defaults.
    pub fn resolve(self) -> ModelConfig {
        ModelConfig {
            effort: self.effort.unwrap_or(Effort::DEFAULT),
            id: self.id,
            inference_geo: self.inference_geo,
            speed: self.speed,
        }
    }

    /// Replaces `stored`, all of it, except that the same model keeps its effort when none is given.
    pub fn replace(self, stored: &ModelConfig) -> ModelConfig {
        let keeps_effort = self.effort.is_none() && self.id == stored.id;
        let mut replaced = self.resolve();
        if keeps_effort {
            replaced.effort = stored.effort;
        }
        replaced
    }

    /// A session's override: the effort given is ignored, the session runs at the model's default.
    pub fn resolve_override(mut self) -> ModelConfig {
        self.effort = None;
        self.resolve()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn model(value: Value) -> Result<Value, String> {
        let input = ModelInput::parse(&value, "model").map_err(|refusal| refusal.field)?;
        Ok(serde_json::to_value(input.resolve()).unwrap())
    }

    #[test]
    fn every_form_comes_out_complete() {
        let complete = |effort: &str, speed: &str, geo: Value| json!({"id": "m", "effort": {"type": effort}, "inference_geo": geo, "speed": speed});
        let table = [
            (json!("m"), Ok(complete("high", "standard", Value::Null))),
            (
                json!({"id": "m"}),
                Ok(complete("high", "standard", Value::Null)),
            ),
            (
                json!({"id": "m", "effort": null, "speed": null}),
                Ok(complete("high", "standard", Value::Null)),
            ),
            (
                json!({"id": "m", "effort": "low"}),
                Ok(complete("low", "standard", Value::Null)),
            ),
            (
                json!({"id": "m", "effort": {"type": "xhigh"}, "speed": "fast", "inference_geo": "eu"}),
                Ok(complete("xhigh", "fast", json!("eu"))),
            ),
            (json!(""), Err("model")),
            (json!(7), Err("model")),
            (json!({}), Err("model.id")),
            (json!({"id": 7}), Err("model.id")),
            (json!({"id": "m", "effort": "extreme"}), Err("model.effort")),
            (
                json!({"id": "m", "effort": {"type": "extreme"}}),
                Err("model.effort.type"),
            ),
            (json!({"id": "m", "speed": "slow"}), Err("model.speed")),
        ];
        for (value, expected) in table {
            assert_eq!(
                model(value.clone()),
                expected.map_err(str::to_owned),
                "{value}"
            );
        }
    }

    #[test]
    fn an_update_keeps_the_effort_of_the_same_model_only() {
        let stored = ModelInput::parse(
            &json!({"id": "m", "effort": "low", "inference_geo": "eu"}),
            "model",
        )
        .unwrap()
        .resolve();
        let replaced = |value: Value| ModelInput::parse(&value, "model").unwrap().replace(&stored);
        assert_eq!(replaced(json!("m")).effort, Effort::Low);
        assert_eq!(
            replaced(json!("m")).inference_geo,
            None,
            "the object is replaced whole"
        );
        assert_eq!(replaced(json!("n")).effort, Effort::High);
        assert_eq!(
            replaced(json!({"id": "m", "effort": "max"})).effort,
            Effort::Max
        );
    }
}
