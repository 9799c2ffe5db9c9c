//! `schema`: prints what the types say.

use super::{Exit, Failure, cli::SchemaOf, output};
use crate::{config, event};

/// Prints one of the descriptions.
pub(super) fn run(of: SchemaOf) -> Result<Exit, Failure> {
    let text = match of {
        SchemaOf::Events => format!("{:#}\n", event::schema()),
        SchemaOf::Config => config::default_toml(),
        SchemaOf::Alerts | SchemaOf::Labels | SchemaOf::Metrics => {
            return Err(Failure::new(Exit::Failed, "this build does not have that schema yet"));
        }
    };
    output::print(&text)?;
    Ok(Exit::Done)
}
