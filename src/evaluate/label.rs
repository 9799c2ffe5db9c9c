//! A label: a statement of what really happened, as one JSON line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// An episode of the flow and whether it deserves a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    /// Name of the detector that should find the episode, or stay quiet if it is benign; `cascade` is an episode of forced
    /// selling.
    pub kind: String,
    /// Symbol of the episode; null where it concerns the whole market.
    #[serde(default)]
    pub symbol: Option<String>,
    /// Account of the episode; null where it concerns many.
    #[serde(default)]
    pub account: Option<String>,
    /// Time of the episode's first event.
    pub start: EventTime,
    /// Time of the episode's last event.
    pub end: EventTime,
    /// Whether the episode is a look-alike that deserves no warning.
    #[serde(default)]
    pub benign: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_written_as_one_line_with_its_nulls_and_read_back() {
        let label = Label {
            kind: "layering".into(),
            symbol: Some("S3".into()),
            account: None,
            start: EventTime::from_nanos(7),
            end: EventTime::from_nanos(9),
            benign: false,
        };
        let line = serde_json::to_string(&label).unwrap();
        assert_eq!(line, r#"{"kind":"layering","symbol":"S3","account":null,"start":7,"end":9,"benign":false}"#);
        assert_eq!(serde_json::from_str::<Label>(&line).unwrap(), label);
    }

    #[test]
    fn fields_that_are_null_or_false_may_be_left_out() {
        let label: Label = serde_json::from_str(r#"{"kind":"cascade","start":1,"end":2}"#).unwrap();
        assert_eq!((label.symbol, label.account, label.benign), (None, None, false));
    }
}
