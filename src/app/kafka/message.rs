//! A record to be published, which can be cut where its topic does not accept it whole.

use serde_json::Value;

/// The header with the payload's length before it was cut.
pub const CUT: &str = "cut_from_bytes";
/// Lists in an alert whose length depends on the incident. The fields that identify the incident and describe it stay.
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
    /// Topic to publish to.
    pub topic: String,
    /// Key.
    pub key: Vec<u8>,
    /// Value.
    pub payload: Vec<u8>,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Message {
    /// Approximate size in memory.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.key.len() + self.payload.len() + 256
    }

    /// Makes the message as small as possible: an alert loses its lists, any other message its payload. Returns `false` where it
    /// cannot become smaller.
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
    fn a_message_that_cannot_become_smaller_is_not_cut_again() {
        let mut letter = message(b"\xff bytes of somebody");
        assert!(letter.cut());
        assert_eq!((letter.payload.len(), letter.headers.len()), (0, 1));
        assert!(!letter.cut());
        let mut alert = message(br#"{"features":[1]}"#);
        assert!(alert.cut() && alert.cut() && !alert.cut());
        assert_eq!(alert.headers, [(CUT, "16".to_owned())]);
    }
}
