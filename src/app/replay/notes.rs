//! Notes at the end of a replay on records that did not count: which were rejected, late, seen before or held back, and why.

use std::collections::BTreeMap;

use crate::{
    app::progress,
    engine::{Engine, Fate, Fates},
    event::{Event, Reason, RecordRef, Rejection},
    time::EventTime,
};

/// How many rejected records are printed as they come; `--dead-letters` writes all of them.
const REPORTED_MAX: u64 = 5;

/// The records that did not count, each kind with its first.
#[derive(Debug, Default)]
pub(super) struct Notes {
    rejected: BTreeMap<Reason, (u64, RecordRef)>,
    late: Option<RecordRef>,
    duplicate: Option<RecordRef>,
    held_back: Option<HeldBack>,
    /// Records rejected, and events held back, so far.
    seen: [u64; 2],
}

/// The first event that was held back, and how far it was ahead of the clock.
#[derive(Debug)]
struct HeldBack {
    record: RecordRef,
    ahead_s: f64,
}

impl Notes {
    /// Takes a rejection, and prints the first of them.
    pub(super) fn rejected(&mut self, engine: &Engine, record: RecordRef, rejection: &Rejection) {
        let (n, _) = self.rejected.entry(rejection.reason).or_insert((0, record));
        *n += 1;
        self.seen[0] += 1;
        if self.seen[0] <= REPORTED_MAX {
            progress::print_line(&format!("replay: {}: {rejection}", engine.context().record_text(record)));
        }
    }

    /// Takes a record that the engine has handled; `clock` is the clock of its feed before the record.
    pub(super) fn handled(
        &mut self,
        engine: &Engine,
        record: RecordRef,
        events: &[Event<'_>],
        clock: Option<EventTime>,
    ) {
        let fates: Fates = engine.fates()[record.source.index()];
        let held_back = engine.held_back();
        if held_back > self.seen[1] && self.held_back.is_none() {
            let newest = events.iter().map(|event| event.ts).max();
            let ahead = newest.zip(clock).map_or(0.0, |(newest, clock)| newest.since(clock).secs_f64());
            self.held_back = Some(HeldBack { record, ahead_s: ahead });
        }
        self.seen[1] = held_back;
        if fates.of(Fate::Late) > 0 {
            self.late.get_or_insert(record);
        }
        if fates.of(Fate::Duplicate) > 0 {
            self.duplicate.get_or_insert(record);
        }
    }

    /// Prints what a person should know at the end.
    pub(super) fn print(&self, engine: &Engine) {
        let text = |record: RecordRef| engine.context().record_text(record);
        let fates = engine.fates().iter().fold(Fates::default(), Fates::plus);
        if self.seen[0] > REPORTED_MAX {
            let n = self.seen[0];
            progress::print_line(&format!(
                "replay: {n} records were rejected in all; `--dead-letters F` writes every one"
            ));
            for (reason, (n, first)) in &self.rejected {
                let (name, first) = (Reason::ALL[*reason as usize].1, text(*first));
                progress::print_line(&format!("replay: {n} of them as `{name}`, the first {first}"));
            }
        }
        if let (Some(first), n @ 1..) = (self.late, fates.of(Fate::Late)) {
            let first = text(first);
            progress::print_line(&format!(
                "replay: {n} records came too late to be counted, the first {first}: they are more than 60 s behind the newest of \
                 their symbol and kind, or their sequence number is a lower one"
            ));
        }
        if let (Some(first), n @ 1..) = (self.duplicate, fates.of(Fate::Duplicate)) {
            let first = text(first);
            progress::print_line(&format!("replay: {n} records were seen before, the first {first}"));
        }
        if let n @ 1.. = engine.counters().set_back {
            progress::print_line(&format!(
                "replay: the clock was set back {n} times: records far ahead of the others had been believed, and everything \
                 was learned anew from there"
            ));
        }
        if let (Some(HeldBack { record, ahead_s }), n) = (&self.held_back, self.seen[1]) {
            let record = text(*record);
            progress::print_line(&format!(
                "replay: {n} events were held back, the first {record}: it is stamped {ahead_s:.1} s ahead of the records before it, \
                 and such a jump is believed when three in a row agree; books follow what is held back, windows do not count it"
            ));
        }
    }
}
