//! What a tool is made of: one function from its input to contents, made an export by [`macro@crate::tool`].
//!
//! What a call comes to is an [`Answer`]; [`IntoAnswer`] is all that turns into one. The schema of the input is computed
//! when the tool is asked what it is, never in a call. A panic ends the call as a trap; what the model should see is
//! returned as an [`Error`] or a [`Failure`].

mod answer;
mod input;
mod schema;

pub use crate::bindings::glovebox::tool::context;
pub use answer::{Answer, Error, IntoAnswer, IntoFailure, Result, failed, invalid, text};
pub use exports::glovebox::tool::types::{
    Access, Blob, Content, Description, Effects, Failure, Limits, SearchHit,
};
#[doc(hidden)]
pub use input::{NoInput, dispatch};

use exports::glovebox::tool::types::{Mount, Wishes};

/// The bindings of the exported interface, used by [`macro@crate::tool`].
#[doc(hidden)]
pub mod exports {
    wit_bindgen::generate!({
        path: ["../../wit/process", "../../wit/tool/0.2.0"],
        world: "glovebox:kit/tool-guest",
        inline: "package glovebox:kit; world tool-guest { export glovebox:tool/tool@0.2.0; }",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "glovebox_kit::tool::exports",
    });
}

/// What the attribute says.
#[doc(hidden)]
pub struct Says<'a> {
    pub name: &'a str,
    pub text: &'a str,
    pub effects: Effects,
    pub hosts: &'a [&'a str],
    pub mounts: &'a [(&'a str, Access)],
    pub programs: &'a [&'a str],
    pub secrets: &'a [&'a str],
    pub settings: &'a [&'a str],
    pub limits: Limits,
}

/// The description of a tool with that input.
#[doc(hidden)]
pub fn describe<Input: schemars::JsonSchema>(says: Says) -> Description {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Description {
        name: says.name.to_owned(),
        text: says.text.to_owned(),
        input_schema: schema::of::<Input>().as_value().to_string(),
        effects: says.effects,
        wishes: Wishes {
            hosts: names(says.hosts),
            mounts: says
                .mounts
                .iter()
                .map(|&(path, access)| Mount {
                    path: path.to_owned(),
                    access,
                })
                .collect(),
            programs: names(says.programs),
            secrets: names(says.secrets),
            settings: names(says.settings),
            limits: says.limits,
        },
    }
}
