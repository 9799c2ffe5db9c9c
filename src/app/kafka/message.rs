//! A record to be published, and what is left of it where the topic does not take it whole.

use serde_json::Value;

/// The header that says how long the payload was before it was cut.
pub const CUT: &str = "cut_from_bytes";
/// Lists in an alert whose length an incident decides; what identifies it and says what happened stays.
const LISTS: [&str; 9] = [
    "/features",
    "/symbols",
    "/accounts",
    "/owners",
    "/evidence/orders",
    "/evidence/trades",
    "/evidence/records",
    "/trust/reasons",
    "/detectors",
];

/// A record to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub topic: String,
    /// Its key.
    pub key: Vec<u8>,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Message {
    /// Its size in memory, about.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.key.len() + self.payload.len() + 256
    }

    /// Makes it as small as it can be, because the topic does not take it: an alert loses its lists, anything else its payload.
    /// `false` if it is that small already.
    pub fn cut(&mut self) -> bool {
        if self.payload.is_empty() {
            return false;
        }
        let before = self.payload.len();
        self.payload = without_lists(&self.payload).unwrap_or_default();
        if !self.headers.iter().any(|(name, _)| *name == CUT) {
            self.headers.push((CUT, before.to_string()));
        }
        true
    }
}

/// The JSON of an alert with its lists empty; `None` where it has none.
fn without_lists(payload: &[u8]) -> Option<Vec<u8>> {
    let mut alert: Value = serde_json::from_slice(payload).ok()?;
    let mut emptied = false;
    for list in LISTS {
        let list = alert.pointer_mut(list).and_then(Value::as_array_mut).filter(|list| !list.is_empty());
        if let Some(list) = list {
            list.clear();
            emptied = true;
        }
    }
    emptied.then(|| alert.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &[u8]) -> Message {
        Message { topic: "t".to_owned(), key: Vec::new(), payload: payload.to_vec(), headers: Vec::new() }
    }

    #[test]
    fn an_alert_keeps_what_identifies_it() {
        let mut alert = message(br#"{"id":"a","evidence":{"orders":["1","2"],"trades":[]},"features":[{"value":1}]}"#);
        let before = alert.payload.len();
        assert!(alert.cut());
        assert_eq!(alert.payload, br#"{"evidence":{"orders":[],"trades":[]},"features":[],"id":"a"}"#);
        assert_eq!(alert.headers, [(CUT, before.to_string())]);
    }

    #[test]
    fn what_cannot_be_made_smaller_says_so() {
        let mut letter = message(b"\xff bytes of somebody");
        assert!(letter.cut());
        assert_eq!((letter.payload.len(), letter.headers.len()), (0, 1));
        assert!(!letter.cut());
        let mut alert = message(br#"{"features":[1]}"#);
        assert!(alert.cut() && alert.cut() && !alert.cut());
        assert_eq!(alert.headers, [(CUT, "16".to_owned())]);
    }
}
