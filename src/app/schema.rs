//! `schema`: prints descriptions that are generated from the types.

use schemars::schema_for;

use super::{Exit, Failure, cli::SchemaOf, metrics, output};
use crate::{alert::Alert, config, evaluate::Label, event};

/// Prints one description.
pub(super) fn run(of: SchemaOf) -> Result<Exit, Failure> {
    let text = match of {
        SchemaOf::Events => format!("{:#}\n", event::schema()),
        SchemaOf::Config => config::default_toml(),
        SchemaOf::Alerts => format!("{:#}\n", schema_for!(Alert).to_value()),
        SchemaOf::Labels => format!("{:#}\n", schema_for!(Label).to_value()),
        SchemaOf::Metrics => {
            let json = serde_json::to_string_pretty(metrics::ALL);
            json.map_err(|e| Failure::new(Exit::Failed, e.to_string()))? + "\n"
        }
    };
    output::print(&text)?;
    Ok(Exit::Done)
}
