//! What an alert says in words: title, one sentence, and what to do. Written for whoever it wakes.

mod input;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{Context, render::identity};
use crate::{
    correlate::{CALM, Incident, Part, Revision, Source, Status},
    detect::{Detector, Finding, Severity, Subject, Unit},
    time::{EventTime, Span},
    trust::{Mode, Standing},
};

/// How many names a sentence lists, and a title.
const TOLD: usize = 5;
const TITLED: usize = 3;

/// The words of an alert.
pub struct Words {
    /// A few.
    pub title: String,
    /// One plain sentence.
    pub summary: String,
    /// What to do.
    pub suggested: &'static str,
}

/// Finds the words for a revision of an incident and its strongest finding. The sentence is of what is new in this revision, so that
/// whoever follows reads that, and where nothing is, of the strongest.
#[must_use]
pub fn words(strongest: (&Source, &Part), revision: &Revision, context: &Context, standing: &Standing) -> Words {
    let incident = &revision.incident;
    let now = match (revision.status, incident.absorbed_by()) {
        (Status::Firing | Status::Amended, _) => String::new(),
        (Status::Resolved, _) => "over; at its strongest: ".to_owned(),
        (Status::Withdrawn, None) => "no longer followed; at its strongest: ".to_owned(),
        (Status::Withdrawn, Some(by)) => {
            format!("now part of incident {}; at its strongest: ", identity(by, context))
        }
    };
    let told = newest(revision).unwrap_or(strongest);
    let sentence = sentence(told, context);
    let ((detector, subject), Part { finding, .. }) = strongest;
    let kinds = Kind::of(in_turn(incident, Severity::Warning));
    if kinds.len() > 1 && *detector != Detector::Feed {
        let since = to_millisecond(incident.starts_at());
        return Words {
            title: titled(&kinds, incident),
            summary: format!("{now}{sentence}; building since {since}: {}{}", written(&kinds), why_it_pages(incident)),
            suggested: TOGETHER,
        };
    }
    let (with, slight): (Vec<_>, Vec<_>) = in_turn(incident, Severity::Info)
        .into_iter()
        .filter(|source| *source != told.0)
        .partition(|source| incident.parts()[*source].severity > Severity::Info);
    let named = |said: &str, sources: Vec<_>| {
        if sources.is_empty() { String::new() } else { format!("; {said} {}", written(&Kind::of(sources))) }
    };
    let and =
        [named("with it", with), named("unusual too, though no ticket by itself:", slight), why_it_pages(incident)]
            .concat();
    Words {
        title: title(*detector, subject, standing),
        summary: format!("{now}{sentence}{and}"),
        suggested: suggested(*detector, finding),
    }
}

/// Why an incident pages, where its title does not say so.
fn why_it_pages(incident: &Incident) -> String {
    if incident.severity() < Severity::Critical {
        return String::new();
    }
    let critical = || incident.parts().iter().filter(|(_, part)| part.severity == Severity::Critical);
    if critical().next().is_none() {
        return "; it pages because detectors that warn each by itself agree".to_owned();
    }
    critical().find(|((detector, _), _)| *detector == Detector::CancelBurst).map_or_else(String::new, |((_, of), _)| {
        let whose = name(of);
        format!("; it pages because the short and the sustained cancels of {whose} both reached their highest level")
    })
}

/// Of what an amended revision is the first to tell the most severe, and of those the strongest.
fn newest(revision: &Revision) -> Option<(&Source, &Part)> {
    let incident = &revision.incident;
    if revision.status != Status::Amended {
        return None;
    }
    let new = |(_, part): &(&Source, &Part)| part.told_in == incident.revision() && part.severity > Severity::Info;
    let order = |a: &Part, b: &Part| b.severity.cmp(&a.severity).then(a.finding.p.total_cmp(&b.finding.p));
    incident.parts().iter().filter(new).min_by(|a, b| order(a.1, b.1))
}

/// What to do where several detectors agree.
const TOGETHER: &str = "several things come together: hold back forced orders that can wait, ask the accounts and makers that are \
     named, and consider reduce-only, wider bands, or a halt of the symbols concerned";

/// What one detector found, and of whom.
struct Kind<'a> {
    what: &'static str,
    whose: Vec<&'a Subject>,
}

impl<'a> Kind<'a> {
    /// Findings by detector; of each the subjects, in the order given.
    fn of(sources: Vec<&'a Source>) -> Vec<Self> {
        let mut kinds: BTreeMap<Detector, Self> = BTreeMap::new();
        for (detector, subject) in sources {
            let kind = kinds.entry(*detector).or_insert_with(|| Self { what: what(*detector), whose: Vec::new() });
            kind.whose.push(subject);
        }
        kinds.into_values().collect()
    }

    /// `thin book on S1, S2 and 7 more`.
    fn written(&self) -> String {
        if self.whose == [&Subject::Market] {
            return self.what.to_owned();
        }
        let told: Vec<_> = self.whose.iter().take(TOLD).map(|subject| name(subject)).collect();
        let more = self.whose.len() - told.len();
        let and = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{} of {}{and}", self.what, told.join(", "))
    }
}

/// `thin book of S1, S2, leverage jump of account a1`.
fn written(kinds: &[Kind<'_>]) -> String {
    kinds.iter().map(Kind::written).collect::<Vec<_>>().join(", ")
}

/// Who found what that matters so much at least, in the order in which it began.
fn in_turn(incident: &Incident, least: Severity) -> Vec<&Source> {
    let mut parts: Vec<_> = incident.parts().iter().filter(|(_, part)| part.severity >= least).collect();
    parts.sort_by_key(|(_, part)| part.starts_at);
    parts.into_iter().map(|(source, _)| source).collect()
}

/// `Cancel burst, thin book, leverage jump on S4, S5, S6 and 9 more symbols`: the first three are where it began.
fn titled(kinds: &[Kind<'_>], incident: &Incident) -> String {
    let mut all = kinds.iter().map(|kind| kind.what).collect::<Vec<_>>().join(", ");
    if let Some(first) = all.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut seen = BTreeSet::new();
    let touched = in_turn(incident, Severity::Warning).into_iter().filter_map(|(_, subject)| subject.symbol());
    let symbols: Vec<&str> = touched.filter(|&symbol| seen.insert(symbol)).collect();
    let (told, more) = symbols.split_at(symbols.len().min(TITLED));
    match more.len() {
        0 if told.is_empty() => all,
        0 => format!("{all} on {}", told.join(", ")),
        1 => format!("{all} on {} and 1 more symbol", told.join(", ")),
        more => format!("{all} on {} and {more} more symbols", told.join(", ")),
    }
}

const fn what(detector: Detector) -> &'static str {
    match detector {
        Detector::CancelBurst => "cancel burst",
        Detector::Feed => "untrusted input",
        Detector::TradeBurst => "trade burst",
        Detector::ThinBook => "thin book",
        Detector::OneSidedBook => "one-sided book",
        Detector::StaleBook => "stale book",
        Detector::ThinBookCluster => "many books thin at once",
        Detector::LeverageJump => "leverage jump",
        Detector::Insolvent => "nothing left",
    }
}

fn title(detector: Detector, subject: &Subject, standing: &Standing) -> String {
    let of = |what: &str| format!("{what} {}", name(subject));
    match detector {
        Detector::CancelBurst => format!("Cancel burst {}", where_or_whose(subject)),
        Detector::TradeBurst => format!("Trade burst {}", where_or_whose(subject)),
        Detector::ThinBook => of("Thin book on"),
        Detector::OneSidedBook => of("One-sided book on"),
        Detector::StaleBook => of("Stale book on"),
        Detector::ThinBookCluster => "Many books are thin at once".to_owned(),
        Detector::LeverageJump => of("Leverage jump of"),
        Detector::Insolvent => of("Nothing left of"),
        Detector::Feed if standing.mode == Mode::Blind => "Blind: no order flow arrives".to_owned(),
        Detector::Feed => "Order flow cannot be trusted".to_owned(),
    }
}

fn sentence(((detector, subject), part): (&Source, &Part), context: &Context) -> String {
    let finding = &part.finding;
    let (who, since) = (name(subject), since(finding));
    match detector {
        Detector::TradeBurst if *subject == Subject::Market => {
            let share = finding.statistic * 100.0;
            format!("{share:.0} % of the active symbols trade far faster than usual within a minute, since {since}")
        }
        Detector::CancelBurst | Detector::TradeBurst => burst(part, subject),
        Detector::ThinBook => thin(finding, subject),
        Detector::OneSidedBook => format!("one side of the book of {who} has been empty since {since}"),
        Detector::StaleBook => {
            format!("{} trades on {who} since its book last changed at {since}", finding.statistic)
        }
        Detector::ThinBookCluster => cluster(finding),
        Detector::LeverageJump => leverage(finding, subject),
        Detector::Insolvent => {
            format!("{who} holds positions and its equity is {:.2} below zero since {since}", finding.statistic)
        }
        Detector::Feed => input::sentence(finding, context),
    }
}

fn suggested(detector: Detector, finding: &Finding) -> &'static str {
    match detector {
        Detector::CancelBurst => {
            "see whose orders were withdrawn and whether the book thins behind them; \
             if one account does it, ask its owner and consider a throttle"
        }
        Detector::TradeBurst => {
            "see what is being traded and by whom, and whether news explains it; \
             watch depth, marks and liquidations"
        }
        Detector::ThinBook => {
            "see whose quotes are gone and ask them; forced orders now move the price several times as far: \
             hold back liquidations that can wait, and consider wider bands"
        }
        Detector::OneSidedBook => {
            "see whether the makers are connected; orders on the other side have nobody to trade with: consider a halt"
        }
        Detector::StaleBook => {
            "see whether the book feed of the symbol has stopped; \
             nothing that is said of its depth holds until it moves again"
        }
        Detector::ThinBookCluster => {
            "ask the makers in common whether they have pulled out and why; \
             forced orders now move every one of these prices: hold back liquidations that can wait"
        }
        Detector::LeverageJump => {
            "see what the account bought or sold and whether its margin still covers a fast move; \
             ask its owner, and consider reduce-only"
        }
        Detector::Insolvent => "see whether the venue is liquidating the account; if not, ask why",
        Detector::Feed => input::advice(finding),
    }
}

/// Since when it has been building.
const fn since(finding: &Finding) -> EventTime {
    to_millisecond(finding.starts_at)
}

/// The subject's own name.
fn name(subject: &Subject) -> Cow<'_, str> {
    match subject {
        Subject::Symbol(name) => Cow::Borrowed(name),
        Subject::Account(name) => Cow::Owned(format!("account {name}")),
        Subject::Owner(name) => Cow::Owned(format!("owner {name}")),
        Subject::AccountSymbol(account, symbol) => Cow::Owned(format!("account {account} on {symbol}")),
        Subject::OwnerSymbol(owner, symbol) => Cow::Owned(format!("owner {owner} on {symbol}")),
        Subject::Market => Cow::Borrowed("the market"),
        Subject::Pipeline => Cow::Borrowed("the input"),
    }
}

/// Where something was done, or by whom.
fn where_or_whose(subject: &Subject) -> String {
    match subject {
        Subject::Account(_) | Subject::Owner(_) => format!("by {}", name(subject)),
        Subject::AccountSymbol(account, symbol) => format!("on {symbol} by account {account}"),
        Subject::OwnerSymbol(owner, symbol) => format!("on {symbol} by owner {owner}"),
        Subject::Symbol(_) | Subject::Market | Subject::Pipeline => format!("on {}", name(subject)),
    }
}

/// How much, where, in how long, against what is usual, and since when.
fn burst(part: &Part, subject: &Subject) -> String {
    let Some(f) = part.finding.features.first() else { return String::new() };
    let seconds = Span::from_millis(f.window.millis()).secs_f64();
    let counted = f.name.name().replace('_', " ");
    let much = if f.unit == Unit::MedianTrades {
        format!("{counted} worth {} median trades", f.value)
    } else {
        format!("{} {counted}", f.value)
    };
    let digits = if f.expected < 1.0 { 2 } else { 1 };
    format!(
        "{much} {} within {seconds} s, where {:.digits$} are expected and {} to {} are usual, since {}",
        where_or_whose(subject),
        f.expected,
        f.low,
        f.high,
        to_millisecond(begun(part))
    )
}

/// When a burst began. A stronger finding with a longer window reaches back into ordinary flow, and one with a shorter begins later:
/// the first says it. What comes back much later has its own beginning.
fn begun(part: &Part) -> EventTime {
    let again = part.finding.starts_at.since(part.starts_at) > CALM;
    if again { part.finding.starts_at } else { part.starts_at }
}

/// How many books, in which order, and by whom.
fn cluster(finding: &Finding) -> String {
    let Some(f) = finding.features.first() else { return String::new() };
    let list = |names: &[compact_str::CompactString]| {
        let told: Vec<&str> = names.iter().take(TOLD).map(compact_str::CompactString::as_str).collect();
        told.join(", ")
    };
    let makers = match finding.evidence.accounts.as_slice() {
        [] => String::new(),
        makers => format!("; {} withdrew on most of them", list(makers)),
    };
    format!(
        "{:.0} % of all books are thinner than they are nine tenths of the time, where {:.0} % are expected to be, since {}; first {}{makers}",
        f.value * 100.0,
        f.expected * 100.0,
        since(finding),
        list(&finding.evidence.symbols),
    )
}

/// How much leverage, against the account's habit, and by what it came.
fn leverage(finding: &Finding, subject: &Subject) -> String {
    let [f, intent, marks] = finding.features.as_slice() else { return String::new() };
    format!(
        "{} has {:.1} times its equity in positions, where {:.1} are expected and {:.1} to {:.1} are usual; \
         of late it has multiplied that by {:.1} itself, and the marks by {:.2}, since {}",
        name(subject),
        f.value,
        f.expected,
        f.low,
        f.high,
        intent.value,
        marks.value,
        since(finding)
    )
}

/// How much rests near the touch, or how far that fell at once where that is the rarer, against what is usual, and since when.
fn thin(finding: &Finding, subject: &Subject) -> String {
    let [level, change] = finding.features.as_slice() else { return String::new() };
    let band = level.name.name().trim_start_matches("depth_").replace('_', " ");
    let (on, since) = (name(subject), since(finding));
    if change.p < level.p {
        return format!(
            "what rests within {band} of the middle on {on} fell within a second to {:.0} % of itself, where {:.0} to {:.0} % are usual: \
             orders worth {:.0} are left, since {since}",
            change.value * 100.0,
            change.low * 100.0,
            change.high * 100.0,
            level.value,
        );
    }
    format!(
        "orders worth {:.0} rest within {band} of the middle on {on}, where {:.0} are expected and {:.0} to {:.0} are usual, thinner since {since}",
        level.value, level.expected, level.low, level.high,
    )
}

/// People read milliseconds.
const fn to_millisecond(at: EventTime) -> EventTime {
    EventTime::from_nanos(at.nanos() - at.nanos().rem_euclid(1_000_000))
}
