//! Any file and any environment give a configuration or an error with a message; neither shows a secret.
//!
//! The input is the text of the file and, after each NUL, a variable as `NAME=value` without the prefix `FORESHOCK_`.
#![no_main]

use foreshock::config::Config;
use libfuzzer_sys::fuzz_target;

/// A variable that is always in the environment.
const SECRET: (&str, &str) = ("FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD", "open-sesame");

fuzz_target!(|input: &str| {
    let mut parts = input.split('\0');
    let text = parts.next().unwrap_or_default();
    let variables = parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (format!("FORESHOCK_{name}"), value.to_owned())
    });
    let variables = variables.chain([(SECRET.0.to_owned(), SECRET.1.to_owned())]);
    let shown = match Config::parse("foreshock.toml", text, variables) {
        Ok(config) => format!("{config:?}"),
        Err(error) => error.to_string(),
    };
    assert!(!shown.is_empty());
    assert!(!shown.contains(SECRET.1) || input.contains(SECRET.1), "a secret is shown: {shown}");
});
