//! Coverage in words: what each detector judges, and why not the rest.

use crate::{
    detect::{CoverageState, Detector},
    engine::{Coverage, Covered, StateCounts},
};

/// The subjects that each detector judges, by its name: `3 of 5 symbols (2 in warm-up)`. Empty before the first count.
#[must_use]
pub fn words(coverage: &Coverage) -> Vec<(&'static str, String)> {
    if *coverage == Coverage::default() {
        return Vec::new();
    }
    let of = |detector: Detector| {
        let rows = Coverage::ROWS.iter().filter(|row| row.0 == detector);
        let rows: Vec<String> = rows.map(|row| of_row(row.1, &coverage.of(*row), coverage.not_priced())).collect();
        (detector.name(), rows.join(", "))
    };
    Detector::ALL.into_iter().map(|(detector, _)| of(detector)).collect()
}

fn of_row(kind: Covered, counts: &StateCounts, not_priced: Option<&str>) -> String {
    let judged = counts[CoverageState::Judged as usize];
    let total: u64 = counts.iter().sum();
    let others = CoverageState::ALL.iter().filter(|(state, _)| *state != CoverageState::Judged);
    let others = others.filter(|(state, _)| counts[*state as usize] > 0);
    let kinds = match kind {
        Covered::Symbol => "symbols",
        Covered::Account => "accounts",
        Covered::Partition => "partitions",
        Covered::Market => {
            let why: Vec<&str> = others.map(|(state, _)| reason(*state)).collect();
            return if judged > 0 { "the market".to_owned() } else { format!("not the market ({})", why.join(", ")) };
        }
    };
    let others = others.map(|(state, _)| match not_priced.filter(|_| *state == CoverageState::PriceNotPositive) {
        Some(symbol) if kind == Covered::Symbol => {
            format!("{} {}, {symbol} among them", counts[*state as usize], reason(*state))
        }
        Some(_) | None => format!("{} {}", counts[*state as usize], reason(*state)),
    });
    let others: Vec<String> = others.collect();
    let why = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    format!("{judged} of {total} {kinds}{why}")
}

const fn reason(state: CoverageState) -> &'static str {
    match state {
        CoverageState::Judged => "judged",
        CoverageState::WarmUp => "in warm-up",
        CoverageState::NoEvents => "without events of its kind",
        CoverageState::NoBook => "without such a book",
        CoverageState::BookUnusable => "with a book that is unusable, stale or one-sided",
        CoverageState::PriceNotPositive => "at a price not above zero",
        CoverageState::NoPositions => "without positions and equity",
        CoverageState::Closed => "closed",
        CoverageState::Silent => "silent for an hour",
        CoverageState::TooFewSymbols => "too few symbols",
        CoverageState::Disabled => "switched off",
    }
}
