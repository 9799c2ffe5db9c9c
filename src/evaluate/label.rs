//! A label: what really happened, as one JSON line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// An episode of the flow and whether it deserves a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    /// Which detector's business it is, by the detector's name; `cascade` is an episode of forced selling.
    pub kind: String,
    /// Where; null where it is about the whole market.
    #[serde(default)]
    pub symbol: Option<String>,
    /// Who; null where it is about many.
    #[serde(default)]
    pub account: Option<String>,
    /// Its first event.
    pub start: EventTime,
    /// Its last event.
    pub end: EventTime,
    /// A look-alike that must stay quiet.
    #[serde(default)]
    pub benign: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_line_with_its_nulls_and_reads_back() {
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
    fn a_person_may_leave_out_what_is_null_or_false() {
        let label: Label = serde_json::from_str(r#"{"kind":"cascade","start":1,"end":2}"#).unwrap();
        assert_eq!((label.symbol, label.account, label.benign), (None, None, false));
    }
}
