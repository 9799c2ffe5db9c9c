//! Values that must not be seen: shown as `***` wherever the configuration is printed or logged.
//!
//! A secret never stands in the configuration file, which is copied, committed and pasted: it comes from a file of its own or
//! from the environment. What is one is told by its name, strictly where it is refused and widely where it is hidden.

use std::fmt;

/// Words in a setting's name because of which its value is not shown.
const WORDS: [&str; 6] = ["password", "passphrase", "secret", "key", "jaas", "token"];
/// Ends of the names of librdkafka's settings that are secrets themselves; those of files and places are not.
const ENDS: [&str; 7] =
    [".password", ".passphrase", ".secret", ".key.pem", ".jaas.config", ".oauthbearer.config", ".token"];
/// With this after a secret's name, the value is the path of a file that holds the secret.
const FILE: &str = "_file";

/// A text that only [`Secret::expose`] shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one who needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The value of a librdkafka setting.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientValue {
    /// May be seen.
    Plain(String),
    /// May not.
    Secret(Secret),
}

impl ClientValue {
    /// Secret or not, as its name says.
    #[must_use]
    pub fn new(name: &str, value: String) -> Self {
        if is_secret(name) { Self::Secret(Secret::new(value)) } else { Self::Plain(value) }
    }

    /// The text, for librdkafka.
    #[must_use]
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

impl fmt::Debug for ClientValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => text.fmt(f),
            Self::Secret(secret) => secret.fmt(f),
        }
    }
}

/// Whether a setting's value is a secret.
pub(super) fn holds_secret(setting: &str) -> bool {
    ENDS.iter().any(|end| setting.ends_with(end))
}

/// The secret setting whose value is in the file that this setting names.
pub(super) fn in_file(setting: &str) -> Option<&str> {
    setting.strip_suffix(FILE).filter(|name| holds_secret(name))
}

/// A setting's name as a variable spells it, where dots and underscores are one.
pub(super) fn from_variable(name: &str) -> String {
    let dotted = name.replace('_', ".");
    match dotted.strip_suffix(".file") {
        Some(secret) if holds_secret(secret) => format!("{secret}{FILE}"),
        Some(_) | None => dotted,
    }
}

/// Whether a name or a line speaks of a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}
