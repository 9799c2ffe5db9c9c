//! From an incident's revision to the alert that is published: identity, numbers, lists within their limits.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use compact_str::CompactString;
use sha2::{Digest, Sha256};

use super::{Action, Alert, Audit, Edge, Evidence, Feature, Impact, Records, Trust, words::words};
use crate::{
    correlate::{Incident, Opening, Part, Revision, Source as Finder, Status},
    detect::{Detector, Node, Subject, ThresholdSource, Unit, WarmUp},
    event::{Place, RecordRange, Source},
    stats::math,
    trust::Standing,
};

/// The longest list of accounts, orders and trades (CONTRACT).
const LIST_MAX: usize = 20;
/// And that of symbols.
const SYMBOLS_MAX: usize = 64;

/// What an alert says that does not come from its incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// `sha256:` and the hash of the detection settings.
    pub config: String,
    /// The sources that positions refer to.
    pub sources: Vec<Source>,
    /// The command that reads the same input again.
    pub replay: String,
}

impl Context {
    /// A position as people write it: `topic:partition:offset`, in files `file:line`.
    #[must_use]
    pub fn written(&self, place: Place) -> String {
        let Some(source) = self.sources.get(place.source.0 as usize) else { return place.offset.to_string() };
        match source.partition {
            Some(partition) => format!("{}:{partition}:{}", source.name, place.offset),
            None => format!("{}:{}", source.name, place.offset),
        }
    }
}

/// The alert of a revision, in the mode that was in force.
#[must_use]
pub fn render(revision: &Revision, context: &Context, standing: &Standing) -> Alert {
    let incident = &revision.incident;
    let strongest = strongest(incident);
    let ended = matches!(revision.status, Status::Resolved | Status::Withdrawn);
    let words = strongest.map(|strongest| words(strongest, revision, context, standing));
    let (title, summary, suggested) =
        words.map_or_else(Default::default, |w| (w.title, w.summary, w.suggested.to_owned()));
    let threshold = strongest
        .map_or(super::Threshold { value: 0.0, unit: Unit::Nats, source: ThresholdSource::Default }, |(_, part)| {
            part.finding.threshold
        });
    let detectors: BTreeSet<Detector> = incident.parts().keys().map(|(detector, _)| *detector).collect();
    let (symbols, symbols_total) = named(incident, SYMBOLS_MAX, |node| match node {
        Node::Symbol(name) => Some(name),
        Node::Account(_) | Node::Owner(_) | Node::Market | Node::Pipeline => None,
    });
    let (owners, _) = named(incident, LIST_MAX, |node| match node {
        Node::Owner(name) => Some(name),
        Node::Account(_) | Node::Symbol(_) | Node::Market | Node::Pipeline => None,
    });
    let (accounts, accounts_total) = accounts(incident);
    Alert {
        id: identity(incident.opening(), context),
        fingerprint: fingerprint(incident),
        revision: incident.revision(),
        status: revision.status,
        severity: incident.severity(),
        title,
        summary,
        starts_at: incident.starts_at(),
        ends_at: incident.cleared_at().filter(|_| ended),
        merged_into: incident.absorbed_by().map(|by| identity(by, context)),
        detected_at: incident.detected_at(),
        revised_at: revision.at,
        emitted_at: None,
        latency_ms: None,
        detectors: detectors.into_iter().collect(),
        symbols,
        symbols_total,
        accounts,
        accounts_total,
        owners,
        p: incident.p(),
        // −log10 of 1 is −0.
        score: (-math::log10(incident.p())).max(0.0),
        features: features(incident),
        statistic: strongest.map_or(0.0, |(_, part)| part.finding.statistic),
        threshold,
        evidence: evidence(incident, context),
        impact: Impact::default(),
        trust: trust(incident, standing),
        audit: Audit { config: context.config.clone(), build: None, chain: None },
        action: Action { suggested, runbook: None, dashboard: None, silence: None },
    }
}

/// A record opens one incident of a subject. Of the pipeline's the place is only where its input stood, and it may stand there when
/// the next one opens (a gap that was over before its partition fell silent): the instant tells them apart.
pub fn identity(opening: &Opening, context: &Context) -> String {
    let place = context.written(opening.place);
    let place = match opening.subject {
        Subject::Pipeline => format!("{place}@{}", opening.at),
        Subject::Symbol(_)
        | Subject::Account(_)
        | Subject::AccountSymbol(..)
        | Subject::Owner(_)
        | Subject::OwnerSymbol(..)
        | Subject::Market => place,
    };
    hash(16, &[&opening.config, &written(&opening.subject), opening.detector.name(), &place])
}

fn fingerprint(incident: &Incident) -> String {
    hash(8, &[&written(incident.subject()), incident.opening().detector.name()])
}

/// A subject as `kind:name`.
fn written(subject: &Subject) -> String {
    match subject {
        Subject::Symbol(name) => format!("symbol:{name}"),
        Subject::Account(name) => format!("account:{name}"),
        Subject::AccountSymbol(account, symbol) => format!("account:{account}:symbol:{symbol}"),
        Subject::Owner(name) => format!("owner:{name}"),
        Subject::OwnerSymbol(owner, symbol) => format!("owner:{owner}:symbol:{symbol}"),
        Subject::Market => "market".to_owned(),
        Subject::Pipeline => "pipeline".to_owned(),
    }
}

fn node(node: &Node) -> String {
    match node {
        Node::Account(name) => format!("account:{name}"),
        Node::Owner(name) => format!("owner:{name}"),
        Node::Symbol(name) => format!("symbol:{name}"),
        Node::Market => "market".to_owned(),
        Node::Pipeline => "pipeline".to_owned(),
    }
}

/// The names of one kind that the incident's findings touch, sorted and cut, and how many there are where they were cut.
fn named(incident: &Incident, max: usize, kind: fn(Node) -> Option<CompactString>) -> (Vec<String>, Option<u64>) {
    let touched = incident
        .parts()
        .iter()
        .flat_map(|((_, subject), part)| subject.nodes().into_iter().chain(part.finding.related.iter().cloned()));
    cut(touched.filter_map(kind).map(|name| name.to_string()).collect(), max)
}

fn cut(names: BTreeSet<String>, max: usize) -> (Vec<String>, Option<u64>) {
    let total = Some(names.len() as u64).filter(|_| names.len() > max);
    (names.into_iter().take(max).collect(), total)
}

/// The first bytes of the SHA-256 of parts that a line feed keeps apart, in hexadecimal. Names have no control characters.
fn hash(bytes: usize, parts: &[&str]) -> String {
    hexadecimal(&Sha256::digest(parts.join("\n"))[..bytes])
}

/// Two digits a byte.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn accounts(incident: &Incident) -> (Vec<String>, Option<u64>) {
    let seen = incident.parts().values().flat_map(|part| &part.finding.evidence.accounts).map(ToString::to_string);
    let touched = named(incident, usize::MAX, |node| match node {
        Node::Account(name) => Some(name),
        Node::Owner(_) | Node::Symbol(_) | Node::Market | Node::Pipeline => None,
    });
    cut(seen.chain(touched.0).collect(), LIST_MAX)
}

/// The findings' numbers: of as many findings as a list may have, the strongest.
fn features(incident: &Incident) -> Vec<Feature> {
    let mut parts: Vec<_> = incident.parts().iter().collect();
    parts.sort_by(|a, b| a.1.finding.p.total_cmp(&b.1.finding.p));
    parts.truncate(LIST_MAX);
    parts.sort_by_key(|(source, _)| *source);
    let all = || parts.iter().flat_map(|(source, part)| part.finding.features.iter().map(move |f| (*source, f)));
    let sum: f64 = all().map(|(_, f)| -math::ln(f.p)).sum();
    all()
        .map(|((detector, subject), f)| Feature {
            detector: *detector,
            subject: written(subject),
            name: f.name.name().to_owned(),
            window_ms: f.window.millis(),
            value: f.value,
            expected: f.expected,
            low: f.low,
            high: f.high,
            unit: f.unit.name().to_owned(),
            // −ln of 1 is −0.
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
        let source = context.sources.get(range.source.0 as usize)?;
        Some(Records { topic: source.name.clone(), partition: source.partition, from: range.from, to: range.to })
    });
    Evidence {
        records: records.collect(),
        orders,
        orders_total,
        trades,
        trades_total,
        path: path(incident),
        replay: context.replay.clone(),
    }
}

/// Ids sorted and cut, and how many there are where they were. What is found of a symbol and of an account on it is the same.
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

/// How the findings came together, in the order in which they began.
fn path(incident: &Incident) -> Option<Vec<Edge>> {
    if incident.parts().len() < 2 {
        return None;
    }
    let mut edges: Vec<Edge> = incident
        .parts()
        .iter()
        .map(|((detector, subject), part)| Edge {
            detector: *detector,
            subject: written(subject),
            starts_at: part.starts_at,
            severity: part.severity,
            p: part.finding.p,
            statistic: part.finding.statistic,
            threshold: part.finding.threshold,
            through: part.through.as_ref().map(node),
        })
        .collect();
    edges.sort_by_key(|edge| (edge.through.is_some(), edge.starts_at));
    Some(edges)
}

fn strongest(incident: &Incident) -> Option<(&Finder, &Part)> {
    incident.parts().iter().min_by(|a, b| a.1.finding.p.total_cmp(&b.1.finding.p))
}

fn trust(incident: &Incident, standing: &Standing) -> Trust {
    let findings = || incident.parts().values().map(|part| &part.finding);
    let warm_up = findings().map(|f| f.warm_up).min().unwrap_or(WarmUp::Learning);
    let borrowed_share = strongest(incident).map_or(0.0, |(_, part)| part.finding.borrowed_share);
    Trust { mode: standing.mode, reasons: standing.reasons.clone(), warm_up, borrowed_share }
}
