//! Secret values. They are shown as `***` wherever the configuration is printed or logged.
//!
//! A secret must not be in the configuration file, because that file is copied, committed and pasted. It comes from a
//! file of its own or from the environment. The name of a setting decides whether its value is secret, with two lists:
//! a narrow one for refusing values in the file, so that no harmless setting is refused, and a wide one for hiding
//! values, so that no secret is shown.

use std::fmt;

/// Words that hide a value if its name, or the line that it is in, contains one of them.
const HIDDEN_WORDS: [&str; 6] = ["password", "passphrase", "secret", "key", "jaas", "token"];
/// Endings of the names of librdkafka's settings whose values are secrets. Settings with the location of a secret are
/// not among them.
const SECRET_ENDINGS: [&str; 7] =
    [".password", ".passphrase", ".secret", ".key.pem", ".jaas.config", ".oauthbearer.config", ".token"];
/// Suffix of a secret setting's name that makes its value the path of a file with the secret.
const FILE_SUFFIX: &str = "_file";

/// A text that only [`Secret::expose`] shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text. Only the code that uses the secret calls it.
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

/// Value of a setting of librdkafka.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientValue {
    /// The value may be shown.
    Plain(String),
    /// The value must not be shown.
    Secret(Secret),
}

impl ClientValue {
    /// Makes the value secret or plain by the name of its setting.
    #[must_use]
    pub fn new(name: &str, value: String) -> Self {
        if is_secret(name) { Self::Secret(Secret::new(value)) } else { Self::Plain(value) }
    }

    /// Returns the text, for librdkafka.
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

/// Whether the value of a setting is a secret, and so must not be in the configuration file.
pub(super) fn holds_secret(setting: &str) -> bool {
    SECRET_ENDINGS.iter().any(|ending| setting.ends_with(ending))
}

/// Returns the secret setting whose value is in the file that this setting names; `None` if this is another kind of
/// setting.
pub(super) fn in_file(setting: &str) -> Option<&str> {
    setting.strip_suffix(FILE_SUFFIX).filter(|name| holds_secret(name))
}

/// Returns the name of a setting that a variable of the environment spells with underscores in place of dots.
pub(super) fn from_variable(name: &str) -> String {
    let dotted = name.replace('_', ".");
    match dotted.strip_suffix(".file") {
        Some(secret) if holds_secret(secret) => format!("{secret}{FILE_SUFFIX}"),
        Some(_) | None => dotted,
    }
}

/// Whether a name, or a line of the file, may belong to a secret, and so its value must not be shown.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    HIDDEN_WORDS.iter().any(|word| name.contains(word))
}
