//! The context of a run: the facts in its alerts that do not come from incidents.

use crate::event::{LogPosition, RecordRef, Source, SourceId};

/// The surroundings of a run, which all of its alerts share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// `sha256:` and the hash of the detection settings.
    pub config: String,
    /// The sources that record positions refer to, by [`SourceId`].
    pub sources: Vec<Source>,
    /// The currency of notionals, where the configuration says so.
    pub currency: Option<String>,
    /// The command that reads the same input again.
    pub replay: String,
}

impl Context {
    /// Returns a record's position as text: `topic:partition:offset`, and `file:line` for a file. A record of a later log
    /// than the partition's first has the log too: `topic:partition:1#offset`. A source that is not in the list leaves
    /// the offset alone.
    #[must_use]
    pub fn record_text(&self, record: RecordRef) -> String {
        let position = LogPosition::of(record.offset);
        match self.source_text(record.source) {
            Some(source) => format!("{source}:{position}"),
            None => position.to_string(),
        }
    }

    /// Returns a source as text: `topic:partition`, or the path of a file.
    pub(super) fn source_text(&self, id: SourceId) -> Option<String> {
        let Source { name, partition, .. } = self.source(id)?;
        Some(partition.map_or_else(|| name.clone(), |partition| format!("{name}:{partition}")))
    }

    /// Returns the source of this id.
    pub(super) fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }
}
