//! Rendering: from a revision of an incident to the alert that is published, with numbers, names and lists within their
//! limits.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use super::{
    Action, Alert, Audit, Breadth, Context, Edge, Evidence, Feature, Flow, Headline, Impact, Party, Records, SideTotal,
    Sweep, Trust, WithdrawnSides,
    headline::{headline, strongest},
    identity::{fingerprint, incident_id, node_text, subject_text},
    nulls::nulls,
    pages::{level, pages_because},
    words,
};
use crate::{
    correlate::{FindingKey, Incident, Part, Revision, Status},
    detect::{Detector, Node, Subject, WarmUp},
    event::{LogPosition, RecordRange},
    stats::math,
    trust::Standing,
};

/// The longest list of accounts, owners, orders and trades (CONTRACT).
const LIST_MAX: usize = 20;
/// The longest list of symbols (CONTRACT).
const SYMBOLS_MAX: usize = 64;

/// Returns the alert of a revision. `standing` is the mode that was in force, `active_symbols` how many symbols were active.
///
/// # Panics
/// Never: an incident has a finding.
#[must_use]
pub fn render(revision: &Revision, context: &Context, standing: &Standing, active_symbols: Option<u64>) -> Alert {
    let incident = &revision.incident;
    let lead = headline(incident).expect("an incident has a finding");
    let ended = matches!(revision.status, Status::Resolved | Status::Withdrawn);
    let (trend, breadth) = (words::trend(revision, lead.1), breadth(incident, active_symbols));
    let words = words::compose(lead, revision, context, &words::Asides { trend: &trend, breadth, standing });
    let ends_at = incident.cleared_at().filter(|_| ended);
    let (symbols, symbols_total) = limited(symbols(incident), SYMBOLS_MAX);
    let (accounts, accounts_total) = limited(accounts(incident), LIST_MAX);
    let (owners, _) = limited(names(incident, owner), LIST_MAX);
    let mut alert = Alert {
        id: incident_id(incident.opening(), context),
        fingerprint: fingerprint(incident.opening()),
        revision: incident.revision(),
        status: revision.status,
        severity: incident.severity(),
        maintenance: incident.maintenance().map(ToOwned::to_owned),
        shadow: incident.is_shadow(),
        title: words.title,
        headline: Headline { detector: lead.0.0, subject: subject_text(&lead.0.1) },
        summary: words.summary,
        news: words.news,
        description: words.description,
        starts_at: incident.starts_at(),
        ends_at,
        merged_into: incident.absorbed_by().map(|opening| incident_id(opening, context)),
        detected_at: incident.detected_at(),
        revised_at: revision.at,
        starts_at_text: incident.starts_at().to_string(),
        ends_at_text: ends_at.map(|at| at.to_string()),
        detected_at_text: incident.detected_at().to_string(),
        revised_at_text: revision.at.to_string(),
        emitted_at: None,
        latency_ms: None,
        detectors: detectors(incident),
        symbols,
        symbols_total,
        accounts,
        accounts_total,
        owners,
        p: incident.p(),
        // The logarithm of 1 gives −0.0; `max` makes it +0.0.
        score: (-math::log10(incident.p())).max(0.0),
        features: features(incident),
        statistic: lead.1.finding.statistic,
        threshold: level(lead.0, lead.1),
        pages_because: pages_because(incident),
        trend,
        breadth,
        flow: flow(incident, lead, context),
        history: None,
        evidence: evidence(incident, context),
        impact: Impact::default(),
        trust: trust(incident, standing),
        audit: Audit { config: context.config.clone(), build: None, chain: None },
        action: Action {
            suggested: words.suggested.to_owned(),
            runbook: None,
            dashboard: None,
            page: None,
            silence: None,
        },
        nulls: BTreeMap::new(),
    };
    alert.nulls = nulls(&alert);
    alert
}

/// Returns how many symbols the incident concerns; `None` where it names none, and of a fault of the input, which is about no market.
fn breadth(incident: &Incident, active_symbols: Option<u64>) -> Option<Breadth> {
    let symbols = symbols(incident).len() as u64;
    let is_of_input = incident.opening().detector == Detector::Feed;
    // Its own symbols need not be among those that trade, so that no more than it concerns says nothing of others.
    let active_symbols = active_symbols.filter(|active| *active > symbols);
    (symbols > 0 && !is_of_input).then_some(Breadth { symbols, active_symbols })
}

/// Returns the market around the headline's finding, or else around the strongest finding that has one.
fn flow(incident: &Incident, lead: (&FindingKey, &Part), context: &Context) -> Option<Flow> {
    let with_flow = incident.parts().values().filter_map(|part| Some((part, part.flow.as_deref()?)));
    let strongest = || with_flow.min_by(|a, b| a.0.finding.p.total_cmp(&b.0.finding.p)).map(|(_, facts)| facts);
    let facts = lead.1.flow.as_deref().or_else(strongest)?;
    Some(Flow { facts: facts.clone(), currency: context.currency.clone() })
}

/// Returns the detectors with findings in the incident, sorted by name as every list of an alert is (CONTRACT).
fn detectors(incident: &Incident) -> Vec<Detector> {
    let found = incident.parts().keys().map(|(detector, _)| (detector.name(), *detector));
    found.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Returns the names of one kind among the nodes that the incident's findings touch.
fn names(incident: &Incident, kind: fn(Node) -> Option<CompactString>) -> BTreeSet<String> {
    let touched = incident
        .parts()
        .iter()
        .flat_map(|((_, subject), part)| subject.nodes().into_iter().chain(part.finding.related.iter().cloned()));
    touched.filter_map(kind).map(|name| name.to_string()).collect()
}

fn symbol(node: Node) -> Option<CompactString> {
    match node {
        Node::Symbol(name) => Some(name),
        Node::Account(_) | Node::Owner(_) | Node::Market | Node::Pipeline | Node::Records => None,
    }
}

fn account(node: Node) -> Option<CompactString> {
    match node {
        Node::Account(name) => Some(name),
        Node::Owner(_) | Node::Symbol(_) | Node::Market | Node::Pipeline | Node::Records => None,
    }
}

fn owner(node: Node) -> Option<CompactString> {
    match node {
        Node::Owner(name) => Some(name),
        Node::Account(_) | Node::Symbol(_) | Node::Market | Node::Pipeline | Node::Records => None,
    }
}

/// Returns the symbols that the findings touch, and those in their evidence: a fault of a symbol's feed is not about its market, so
/// it touches no symbol.
fn symbols(incident: &Incident) -> BTreeSet<String> {
    let seen = incident.parts().values().flat_map(|part| &part.finding.evidence.symbols).map(ToString::to_string);
    seen.chain(names(incident, symbol)).collect()
}

/// Returns the accounts that the findings touch, and those in their evidence.
fn accounts(incident: &Incident) -> BTreeSet<String> {
    let seen = incident.parts().values().flat_map(|part| &part.finding.evidence.accounts).map(ToString::to_string);
    seen.chain(names(incident, account)).collect()
}

/// Returns at most `max` of the names, sorted, and how many there are if that is not all of them.
fn limited(names: BTreeSet<String>, max: usize) -> (Vec<String>, Option<u64>) {
    let total = Some(names.len() as u64).filter(|_| names.len() > max);
    (names.into_iter().take(max).collect(), total)
}

/// Returns the numbers of the strongest findings: at most [`LIST_MAX`] findings.
fn features(incident: &Incident) -> Vec<Feature> {
    let mut parts: Vec<_> = incident.parts().iter().collect();
    parts.sort_by(|a, b| a.1.finding.p.total_cmp(&b.1.finding.p));
    parts.truncate(LIST_MAX);
    parts.sort_by_key(|(key, _)| *key);
    let all = || parts.iter().flat_map(|(key, part)| part.finding.features.iter().map(move |f| (*key, f)));
    let sum: f64 = all().map(|(_, f)| -math::ln(f.p)).sum();
    all()
        .map(|((detector, subject), f)| Feature {
            detector: *detector,
            subject: subject_text(subject),
            name: f.name.name().to_owned(),
            window_ms: f.window.millis(),
            value: f.value,
            expected: f.expected,
            low: f.low,
            high: f.high,
            unit: f.unit.name().to_owned(),
            dispersion: f.dispersion,
            // The logarithm of 1 gives −0.0; `max` makes it +0.0.
            share: if sum > 0.0 { (-math::ln(f.p) / sum).max(0.0) } else { 0.0 },
            would_not_fire_below: f.would_not_fire_below.filter(|least| *least <= f.value),
        })
        .collect()
}

fn evidence(incident: &Incident, context: &Context) -> Evidence {
    let found = || incident.parts().values().map(|part| &part.finding.evidence);
    let by_subject = || incident.parts().iter().map(|((_, subject), part)| (subject, &part.finding.evidence));
    let (orders, orders_total) = ids(by_subject().map(|(s, e)| (s, e.orders.as_slice(), e.orders_total)));
    let (trades, trades_total) = ids(by_subject().map(|(s, e)| (s, e.trades.as_slice(), e.trades_total)));
    let mut ranges: Vec<RecordRange> = Vec::new();
    for range in found().flat_map(|evidence| &evidence.records) {
        if !ranges.contains(range) {
            ranges.push(*range);
        }
    }
    let records = ranges.iter().filter_map(|range| {
        let source = context.source(range.source)?;
        let (from, to) = (LogPosition::of(range.from), LogPosition::of(range.to));
        // Records of an older log no longer exist, so a range over two logs keeps only the newer part.
        let first = if from.generation == to.generation { from.offset } else { 0 };
        let generation = Some(to.generation).filter(|generation| *generation > 0);
        let (topic, partition) = (source.name.clone(), source.partition);
        Some(Records { topic, partition, from: first, to: to.offset, generation })
    });
    Evidence {
        records: records.collect(),
        orders,
        orders_total,
        trades,
        trades_total,
        parties: parties(incident),
        withdrawn: withdrawn(incident, context),
        thin_side: thin_side(incident),
        sweep: sweep(incident),
        path: path(incident),
        replay: context.replay.clone(),
    }
}

/// Returns the accounts with most of each burst's orders, those with most first.
fn parties(incident: &Incident) -> Vec<Party> {
    let of_finding = |((detector, subject), part): (&FindingKey, &Part)| {
        let shares = &part.finding.evidence.shares;
        let (detector, subject, of) = (*detector, subject_text(subject), u64::from(shares.of));
        let party = move |(account, count): &(CompactString, u32)| Party {
            detector,
            subject: subject.clone(),
            account: account.to_string(),
            count: u64::from(*count),
            of,
        };
        shares.by.iter().map(party).collect::<Vec<_>>()
    };
    let mut parties: Vec<Party> = incident.parts().iter().flat_map(of_finding).collect();
    parties.sort_by_key(|party| std::cmp::Reverse(party.count));
    parties.truncate(LIST_MAX);
    parties
}

/// Returns the orders of each burst of cancels by side, those with most orders first.
fn withdrawn(incident: &Incident, context: &Context) -> Vec<WithdrawnSides> {
    let of_finding = |((detector, subject), part): (&FindingKey, &Part)| {
        let sums = part.finding.evidence.withdrawn;
        let side = |nth: usize| SideTotal { orders: u64::from(sums.orders[nth]), notional: sums.notional[nth] };
        let (bids, asks) = (side(0), side(1));
        (bids.orders + asks.orders > 0).then(|| WithdrawnSides {
            detector: *detector,
            subject: subject_text(subject),
            bids,
            asks,
            bids_share: sums.bids_share(),
            notional: sums.total(),
            currency: context.currency.clone(),
        })
    };
    let mut all: Vec<WithdrawnSides> = incident.parts().iter().filter_map(of_finding).collect();
    all.sort_by_key(|sides| std::cmp::Reverse(sides.bids.orders + sides.asks.orders));
    all.truncate(LIST_MAX);
    all
}

/// Returns the thinner side of the strongest finding of a thin book.
fn thin_side(incident: &Incident) -> Option<super::BookSide> {
    let sides = incident.parts().values().filter_map(|part| Some((part.finding.p, part.finding.evidence.thin_side?)));
    sides.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, side)| side.into())
}

/// Returns the largest order that took, of all bursts of trades.
fn sweep(incident: &Incident) -> Option<Sweep> {
    let sweeps = incident
        .parts()
        .iter()
        .filter_map(|((_, subject), part)| Some((subject.symbol()?, part.finding.evidence.sweep.as_ref()?)));
    let (symbol, largest) = sweeps.max_by(|a, b| a.1.notional.abs().total_cmp(&b.1.notional.abs()))?;
    Some(Sweep {
        symbol: symbol.to_owned(),
        at: largest.at,
        side: largest.side,
        from: largest.from,
        to: largest.to,
        levels: u64::from(largest.levels),
        quantity: largest.quantity,
        notional: largest.notional,
        account: largest.taker.as_ref().map(ToString::to_string),
    })
}

/// Returns ids, sorted and cut to the limit, and how many there are if that is not all of them. Findings about a symbol
/// and about an account on that symbol count the same orders or trades, so the largest count of a symbol's findings is
/// the symbol's count.
fn ids<'a>(lists: impl Iterator<Item = (&'a Subject, &'a [CompactString], u64)>) -> (Vec<String>, Option<u64>) {
    let (mut ids, mut on_symbols, mut on_all) = (BTreeSet::new(), BTreeMap::new(), 0);
    for (subject, list, n) in lists {
        ids.extend(list.iter().map(ToString::to_string));
        let most = subject.symbol().map_or(&mut on_all, |symbol| on_symbols.entry(symbol).or_default());
        *most = n.max(*most);
    }
    let total = on_symbols.values().sum::<u64>().max(on_all).max(ids.len() as u64);
    let ids: Vec<String> = ids.into_iter().take(LIST_MAX).collect();
    let cut = total > ids.len() as u64;
    (ids, Some(total).filter(|_| cut))
}

/// Returns how the findings came together, in the order in which they began, the opening one first. A single finding
/// has no path.
fn path(incident: &Incident) -> Option<Vec<Edge>> {
    if incident.parts().len() < 2 {
        return None;
    }
    let mut edges: Vec<Edge> = incident
        .parts()
        .iter()
        .map(|(key @ (detector, subject), part)| Edge {
            detector: *detector,
            subject: subject_text(subject),
            starts_at: part.starts_at,
            severity: part.severity,
            p: part.finding.p,
            statistic: part.finding.statistic,
            threshold: level(key, part),
            through: part.join_reason.as_ref().map(node_text),
        })
        .collect();
    edges.sort_by_key(|edge| (edge.through.is_some(), edge.starts_at));
    Some(edges)
}

fn trust(incident: &Incident, standing: &Standing) -> Trust {
    let findings = || incident.parts().values().map(|part| &part.finding);
    let warm_up = findings().map(|f| f.warm_up).min().unwrap_or(WarmUp::Learning);
    let borrowed_share = strongest(incident).map_or(0.0, |(_, part)| part.finding.borrowed_share);
    Trust { mode: standing.mode, reasons: standing.reasons.clone(), warm_up, borrowed_share }
}
