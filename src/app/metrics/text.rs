//! Writes the metrics in the text format that Prometheus reads.

use prometheus::{Encoder as _, TextEncoder};

use super::{Meters, Numbers, failed};
use crate::app::{Exit, Failure};

/// Writes numbers, and meters where there are any, in Prometheus' text format.
///
/// # Errors
/// Exit 1 where they cannot be written, which a fixed list of valid names does not do.
pub fn text(numbers: &Numbers, meters: Option<&Meters>) -> Result<String, Failure> {
    let mut families = numbers.registry().map_err(|e| failed(&e))?.gather();
    families.extend(meters.into_iter().flat_map(Meters::gather));
    families.sort_by(|a, b| a.name().cmp(b.name()));
    let mut bytes = Vec::new();
    TextEncoder::new().encode(&families, &mut bytes).map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| Failure::new(Exit::Failed, e.to_string()))
}
