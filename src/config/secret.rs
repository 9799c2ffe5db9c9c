//! Values that must not be seen: shown as `***` wherever the configuration is printed or logged.

use std::fmt;

/// Words in a setting's name that mark its value as secret.
const WORDS: [&str; 5] = ["password", "secret", "key", "jaas", "token"];

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

/// Whether a name is that of a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}
