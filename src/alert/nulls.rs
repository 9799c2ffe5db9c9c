//! The meaning of fields that are null or empty: not known, none, not configured, or not applicable, and why.
//!
//! A reader at night cannot tell "nobody was named" from "nobody did it". So an alert says for each such field which one it is.

use std::collections::BTreeMap;

use super::Alert;
use crate::detect::{Detector, Severity};

/// Returns the meaning of each field of the alert that is null or empty, by its path.
pub(super) fn nulls(alert: &Alert) -> BTreeMap<String, String> {
    let mut nulls = BTreeMap::new();
    let mut note = |path: &str, is_null: bool, why: &str| {
        if is_null {
            nulls.insert(path.to_owned(), why.to_owned());
        }
    };
    let lead = alert.headline.detector;
    let has = |detector| alert.detectors.contains(&detector);
    note("accounts", alert.accounts.is_empty(), accounts(lead));
    note("breadth", alert.breadth.is_none(), "does not apply: it is about no symbol by itself");
    let others = alert.breadth.is_some_and(|breadth| breadth.active_symbols.is_none());
    note("breadth.active_symbols", others, "not known: of late no more symbols were traded than it concerns");
    note(
        "evidence.sweep",
        alert.evidence.sweep.is_none() && has(Detector::TradeBurst),
        "none: no order of the burst stands out",
    );
    let no_sides = alert.evidence.withdrawn.is_empty() && has(Detector::CancelBurst);
    note("evidence.withdrawn", no_sides, "not known: sides are counted by symbol, for orders whose placement was seen");
    let margin = "not known for some: it is how few events in one window would have kept the detector quiet, and there is no such number \
                  for a book or for what went on over several windows; `threshold.times` says how near it was";
    note("features.would_not_fire_below", alert.features.iter().any(|f| f.would_not_fire_below.is_none()), margin);
    note("flow", alert.flow.is_none(), "does not apply: no finding is about the market of one symbol");
    note(
        "history",
        alert.history.is_none(),
        "not known here: only readers of the alerts topic know what happened before",
    );
    let impact = "not known: this version does not model it";
    note(
        "impact",
        true,
        if lead == Detector::Feed { "not seen: the market goes on while its input cannot be used" } else { impact },
    );
    note("news", alert.news.is_none(), "none: this is the first revision");
    note("owners", alert.owners.is_empty(), owners(lead));
    note("pages_because", alert.pages_because.is_none(), why_no_page(alert));
    note("symbols", alert.symbols.is_empty(), symbols(lead));
    if let Some(flow) = &alert.flow {
        let (facts, nothing) =
            (&flow.facts, "none: no trade with a stated aggressor since the start, or for five minutes");
        let was_traded = facts.volume > 0.0;
        note("flow.aggressor_share", facts.aggressor_share.is_none(), nothing);
        let unsaid = "not known: the feed does not say which trades are liquidations";
        note("flow.liquidation_share", facts.liquidation_share.is_none(), if was_traded { unsaid } else { nothing });
        let price = facts.price_move_bps.since_start;
        note(
            "flow.price_move_bps",
            price.is_none(),
            "not known: there was no trade with a stated aggressor, or its price is not above zero",
        );
        note("flow.spread_bps", facts.spread_bps.is_none(), "not known: the book does not have both sides");
        let depth =
            "not known: the usual depth of this time of day is still learned, or the book does not have both sides";
        note("flow.depth_share", facts.depth_share.is_none(), depth);
        let currency = "not configured (venue.currency): amounts are in the quote currency of the symbol";
        note("flow.currency", flow.currency.is_none(), currency);
    }
    nulls
}

/// Returns what it means that no account is named.
const fn accounts(lead: Detector) -> &'static str {
    match lead {
        Detector::Feed => "does not apply: it is about the input",
        Detector::CancelBurst | Detector::TradeBurst | Detector::LeverageJump | Detector::Insolvent => {
            "not known: the records behind it name no account"
        }
        Detector::ThinBook | Detector::SpreadWidening | Detector::ThinBookCluster => {
            "none: no account stands out among the withdrawals of late, as far as their records name accounts"
        }
        Detector::OneSidedBook | Detector::StaleBook | Detector::PriceShock => {
            "not known: this detector looks at the book or at prices, not at accounts"
        }
    }
}

/// Returns what it means that no owner is named.
const fn owners(lead: Detector) -> &'static str {
    match lead {
        Detector::Feed => "does not apply: it is about the input",
        Detector::CancelBurst
        | Detector::TradeBurst
        | Detector::LeverageJump
        | Detector::Insolvent
        | Detector::ThinBook
        | Detector::SpreadWidening
        | Detector::ThinBookCluster
        | Detector::OneSidedBook
        | Detector::StaleBook
        | Detector::PriceShock => "none: no owner has half of it, as far as the records behind it name owners",
    }
}

/// Returns what it means that no symbol is named.
const fn symbols(lead: Detector) -> &'static str {
    match lead {
        Detector::Feed => "does not apply: it is about all that the input carries",
        Detector::CancelBurst
        | Detector::TradeBurst
        | Detector::LeverageJump
        | Detector::Insolvent
        | Detector::ThinBook
        | Detector::SpreadWidening
        | Detector::ThinBookCluster
        | Detector::OneSidedBook
        | Detector::StaleBook
        | Detector::PriceShock => "not known here: it is counted over all symbols together",
    }
}

/// Returns why an alert does not page.
fn why_no_page(alert: &Alert) -> &'static str {
    if alert.shadow {
        "does not apply: its detector is in shadow, so it pages nobody"
    } else if alert.maintenance.is_some() {
        "does not apply: a maintenance window covers it, so it pages nobody"
    } else if alert.severity == Severity::Warning {
        "does not apply: it does not page, a warning is a ticket"
    } else {
        "does not apply: it does not page"
    }
}
