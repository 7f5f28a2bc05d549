//! A tool that multiplies: the service knows what things cost, the tool knows what to do with it.

wit_bindgen::generate!({
    path: ["../../../wit/tool/0.2.0", "../wit"],
    inline: "
        package example:tool;
        world price {
            include glovebox:tool/tool-world@0.2.0;
            import example:shop/prices@1.0.0;
        }",
    world: "example:tool/price",
    generate_all,
});

use example::shop::prices;
use exports::glovebox::tool::tool::Guest;
use glovebox::tool::types::{Content, Description, Effects, Failure, Limits, Wishes};

struct Price;

impl Guest for Price {
    fn describe() -> Description {
        let nothing = Wishes {
            hosts: vec![],
            mounts: vec![],
            programs: vec![],
            secrets: vec![],
            settings: vec![],
            limits: Limits {
                memory_bytes: None,
                cpu_ms: None,
                wall_ms: None,
                output_bytes: None,
            },
        };
        Description {
            name: "price".into(),
            text: "Says what a number of things costs.".into(),
            input_schema: r#"{"type": "object", "properties": {"thing": {"type": "string"}, "count": {"type": "integer"}}, "required": ["thing", "count"]}"#.into(),
            effects: Effects::None,
            wishes: nothing,
        }
    }

    fn call(input: String) -> Result<Vec<Content>, Failure> {
        let input: serde_json::Value = serde_json::from_str(&input)
            .map_err(|error| Failure::InvalidInput(error.to_string()))?;
        let (Some(thing), Some(count)) = (input["thing"].as_str(), input["count"].as_u64()) else {
            return Err(Failure::InvalidInput(
                "thing: a text, and count: a number, are needed".into(),
            ));
        };
        let cents = prices::price(thing)
            .ok_or_else(|| Failure::Failed(vec![Content::Text(format!("nobody sells {thing}"))]))?;
        let answer = serde_json::json!({"thing": thing, "count": count, "cents": cents.saturating_mul(count)});
        Ok(vec![Content::Json(answer.to_string())])
    }
}

export!(Price);
