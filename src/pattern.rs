//! Patterns of names, as the configuration has them: `*` stands for any text, `?` for any one character.
//!
//! Calendars, maintenance windows and overrides choose symbols by such patterns, and overrides accounts and owners too. A list of
//! patterns matches a name if any of them does.

use wildmatch::WildMatch;

use crate::setting::Invalid;

/// Patterns of one list; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Patterns(Vec<WildMatch>);

impl Patterns {
    /// Reads the patterns of a key.
    ///
    /// # Errors
    /// The key, where there is no pattern or an empty one.
    pub fn new(key: &str, texts: &[String]) -> Result<Self, Invalid> {
        if texts.is_empty() || texts.iter().any(String::is_empty) {
            return Err(Invalid::new(key, format!("expected the names or patterns of {key}, like `ES*`")));
        }
        Ok(Self(texts.iter().map(|text| WildMatch::new(text)).collect()))
    }

    /// Whether a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }
}

/// The patterns that all names match.
#[must_use]
pub fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

/// Whether one of the patterns matches all names by itself.
#[must_use]
pub fn is_all(texts: &[String]) -> bool {
    texts.iter().any(|text| !text.is_empty() && text.bytes().all(|byte| byte == b'*'))
}
