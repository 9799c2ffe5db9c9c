//! The environment variables that steer the tests. They are read here and nowhere else.
//!
//! | variable | effect |
//! |---|---|
//! | `TEST_LONG=1` | runs the full forms of the tests on a broker; `make test-long` sets it |
//! | `TEST_SEED=N` | gives a test that draws random numbers the seed `N`; a failure prints the command that uses it |
//! | `TEST_GOLDEN=write` | writes golden files instead of comparing with them; `make golden` sets it |
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]

use std::env;

/// Whether the tests run in their full forms.
pub fn is_long() -> bool {
    env::var_os("TEST_LONG").is_some()
}

/// The seed to use instead of a fresh one.
pub fn seed() -> Option<u64> {
    let value = env::var_os("TEST_SEED")?;
    let seed = value.to_str().and_then(|text| text.parse().ok());
    Some(seed.unwrap_or_else(|| panic!("TEST_SEED is `{}`: expected a whole number", value.display())))
}

/// Whether golden files are written instead of compared.
pub fn writes_golden() -> bool {
    let value = env::var_os("TEST_GOLDEN");
    assert!(value.as_ref().is_none_or(|value| value == "write"), "TEST_GOLDEN is {value:?}: expected `write`");
    value.is_some()
}
