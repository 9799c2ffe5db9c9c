//! The mode in force and its reasons at any instant, from the decisions of the service and the feeds' reports on themselves.
//!
//! Both are kept as schedules, because alerts are rendered in batches: an alert shows the mode of the instant at which it became
//! visible, however far the watermark has come since.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    detect::Node,
    event::SourceId,
    time::EventTime,
    trust::{Cause, Mode, ModeChange, Overall, Report, Schedule, Scope, Standing, Trouble},
};

/// The standing at every instant that may still be asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Standings {
    decided: Schedule<Decided>,
    reported: Schedule<Reported>,
    /// The troubles that the service decided last.
    troubles: Vec<Trouble>,
    /// The last report of each feed.
    reports: BTreeMap<SourceId, Report>,
}

/// The last decision of the service by its clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Decided {
    standing: Standing,
    /// The partitions that are silent or have nothing usable.
    silent: Vec<SourceId>,
}

/// The reports of all feeds together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Reported {
    overall: Overall,
    troubles: Arc<Troubles>,
}

/// The troubles of all feeds, by what they affect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Troubles {
    causes: Vec<Cause>,
    symbols: BTreeMap<CompactString, BTreeSet<Cause>>,
}

impl Standings {
    /// Takes a decision of the service.
    pub fn decide(&mut self, change: &ModeChange) {
        let is_silent = |trouble: &&Trouble| matches!(trouble.cause, Cause::Silence | Cause::NothingUsable);
        let silent = change.troubles.iter().filter(is_silent).map(|trouble| trouble.source).collect();
        self.decided.push(change.from, Decided { standing: Standing::from(change), silent });
        self.troubles.clone_from(&change.troubles);
    }

    /// Takes a feed's report on itself. Returns the troubles of all feeds with the mode that follows, if the troubles changed.
    pub fn report(&mut self, report: &Report, visible_at: EventTime) -> Option<ModeChange> {
        let mut reported = self.reported.latest().clone();
        reported.overall.observe(report.standing);
        let before = self.reports.insert(report.standing.source, report.clone());
        let before = before.as_ref().map_or(&[][..], |before| &before.troubles);
        let is_same = Trouble::are_same(before, &report.troubles);
        if !is_same {
            reported.troubles = Arc::new(Troubles::of(self.reports.values().flat_map(|report| &*report.troubles)));
        }
        let mode_before = self.at(visible_at, std::iter::empty()).mode;
        self.reported.push(visible_at, reported);
        let mode = self.at(visible_at, std::iter::empty()).mode;
        // A mode that becomes blind pages, even if the troubles are the same as before.
        if is_same && (mode == mode_before || mode < Mode::Blind) {
            return None;
        }
        let mut troubles: Vec<Trouble> =
            self.reports.values().flat_map(|report| report.troubles.iter().cloned()).collect();
        troubles.sort_by_key(|trouble| (!trouble.pages, trouble.scope == Scope::Symbol));
        Some(ModeChange { from: visible_at, mode, troubles })
    }

    /// The standing at a time, for an alert that touches these nodes: a symbol's own trouble degrades the alerts about it.
    pub fn at(&self, time: EventTime, nodes: impl Iterator<Item = Node>) -> Standing {
        standing(self.decided.at(time), self.reported.at(time), nodes)
    }

    /// Returns the standing by the last decision and the last reports, with all troubles.
    pub fn latest(&self) -> (Standing, Vec<Trouble>) {
        let standing = standing(self.decided.latest(), self.reported.latest(), std::iter::empty());
        let reported = self.reports.values().flat_map(|report| report.troubles.iter());
        (standing, self.troubles.iter().chain(reported).cloned().collect())
    }

    /// The last decision of the service: its mode and its troubles.
    pub fn decided(&self) -> (Mode, &[Trouble]) {
        (self.decided.latest().standing.mode, &self.troubles)
    }

    /// Moves the clock on, and forgets the standing at instants that no alert will ask for any more.
    pub fn advance(&mut self, watermark: EventTime) {
        self.decided.advance(watermark);
        self.reported.advance(watermark);
    }
}

impl Troubles {
    fn of<'a>(troubles: impl Iterator<Item = &'a Trouble>) -> Self {
        let mut all = Self::default();
        for trouble in troubles {
            all.causes.push(trouble.cause);
            if let (Scope::Symbol, Some(symbol)) = (trouble.scope, &trouble.who) {
                all.symbols.entry(symbol.clone()).or_default().insert(trouble.cause);
            }
        }
        all.causes.sort_unstable();
        all.causes.dedup();
        all
    }
}

fn standing(decided: &Decided, reported: &Reported, nodes: impl Iterator<Item = Node>) -> Standing {
    let mode = reported.overall.mode(decided.standing.mode, &decided.silent);
    let Troubles { causes, symbols } = &*reported.troubles;
    let decided = decided.standing.reasons.iter().copied();
    if mode > Mode::Normal {
        return Standing::new(mode, decided.chain(causes.iter().copied()));
    }
    if symbols.is_empty() {
        return Standing::default();
    }
    let own = nodes.filter_map(|node| if let Node::Symbol(name) = node { symbols.get(&name) } else { None });
    let own: Vec<Cause> = own.flatten().copied().collect();
    if own.is_empty() { Standing::default() } else { Standing::new(Mode::Degraded, own) }
}
