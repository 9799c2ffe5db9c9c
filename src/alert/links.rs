//! Links: the addresses that an alert leads to, from templates in the configuration (`[action]`).

use std::collections::BTreeMap;

use leon::Template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Alert;
use crate::setting::Invalid;

/// The names that a template may have in braces.
const NAMES: [&str; 7] = ["detector", "from_ms", "incident", "severity", "symbol", "to_ms", "venue"];

/// The characters that are encoded in an address: all but those that RFC 3986 leaves unreserved.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Templates of addresses; none by default. In each, `{detector}` (the one that the summary is about), `{incident}`, `{severity}`,
/// `{symbol}` (the first one), `{venue}`, `{from_ms}` (when the incident began to build) and `{to_ms}` (when it was revised,
/// both in milliseconds since 1970 by the venue's clock) are replaced, percent-encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The runbook of the alert.
    pub runbook: Option<String>,
    /// A dashboard of the affected symbol.
    pub dashboard: Option<String>,
    /// The incident on the product's own page.
    pub page: Option<String>,
    /// Address at which the alert can be silenced.
    pub silence: Option<String>,
}

impl Links {
    /// Checks that every template can be filled.
    ///
    /// # Errors
    /// Returns the key of the first template that cannot be filled, and why.
    pub fn check(&self) -> Result<(), Invalid> {
        let Self { runbook, dashboard, page, silence } = self;
        for (key, text) in [("runbook", runbook), ("dashboard", dashboard), ("page", page), ("silence", silence)] {
            let Some(text) = text else { continue };
            let template = Template::parse(text).map_err(|e| Invalid::new(key, format!("expected `{{name}}`: {e}")))?;
            if let Some(unknown) = template.keys().find(|name| !NAMES.contains(*name)) {
                return Err(Invalid::new(key, format!("`{{{unknown}}}` is none of {}", NAMES.join(", "))));
            }
        }
        Ok(())
    }

    /// Fills an alert's addresses.
    ///
    /// # Panics
    /// Where a template was not checked ([`Links::check`]).
    pub fn fill(&self, alert: &mut Alert, venue: Option<&str>) {
        let millis = |nanos: i64| (nanos / 1_000_000).to_string();
        let values = [
            ("detector", Some(alert.headline.detector.name().to_owned())),
            ("from_ms", Some(millis(alert.starts_at.nanos()))),
            ("incident", Some(alert.id.clone())),
            ("severity", Some(alert.severity.name().to_owned())),
            ("symbol", alert.symbols.first().cloned()),
            ("to_ms", Some(millis(alert.revised_at.nanos()))),
            ("venue", venue.map(str::to_owned)),
        ];
        let encoded = |text: String| utf8_percent_encode(&text, &RESERVED).to_string();
        let values: BTreeMap<&str, String> =
            values.into_iter().map(|(name, value)| (name, value.map(encoded).unwrap_or_default())).collect();
        let filled = |template: &Option<String>| {
            let template = Template::parse(template.as_deref()?).expect("templates were checked");
            Some(template.render(&values).expect("templates were checked"))
        };
        alert.action.runbook = filled(&self.runbook);
        alert.action.dashboard = filled(&self.dashboard);
        alert.action.page = filled(&self.page);
        alert.action.silence = filled(&self.silence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_only_known_names() {
        let links = |text: &str| Links { dashboard: Some(text.to_owned()), ..Links::default() }.check();
        assert!(links("https://g/d/x?var-symbol={symbol}&from={from_ms}&to={to_ms}").is_ok());
        assert!(links("https://g/{symbl}").unwrap_err().message.contains("symbl"));
        assert!(links("https://g/{symbol").is_err());
    }
}
