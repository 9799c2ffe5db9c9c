//! The state of an engine, which snapshots hold.

use serde::{Deserialize, Serialize};

use super::{
    Fates, Plan,
    message::{AccountFact, CorrelationFact},
    stage::{
        account::{self, AccountStage},
        correlation::CorrelationStage,
        market::{self, FeedStage},
    },
    watermark::{Inbox, Watermarks},
};
use crate::event::{RecordRef, SourceId};

/// The engine's memory of the inputs so far. The next output depends on it, on the plan and on the next input alone.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) feeds: Vec<FeedStage>,
    /// The fates of the records, by source.
    pub(super) fates: Vec<Fates>,
    /// The position after the last record taken, by source.
    pub(super) next: Vec<u64>,
    /// The position of the next record that is left out, by source.
    pub(super) skip: Vec<Option<u64>>,
    /// The number of the last input that was no record.
    pub(super) decided: u64,
    pub(super) watermarks: Watermarks,
    pub(super) shards: Vec<AccountStage>,
    /// The inbox in front of each shard; its upstreams are the feeds.
    pub(super) to_shards: Vec<Inbox<AccountFact>>,
    pub(super) correlation: CorrelationStage,
    /// The inbox in front of correlation; its upstreams are the shards and then the feeds. Signals wait in a queue of their own.
    pub(super) to_correlation: Inbox<CorrelationFact>,
}

impl State {
    /// The state of an engine that has seen nothing. `config` is the hash of its settings.
    pub(super) fn new(plan: &Plan, config: &str) -> Self {
        let (feeds, shards) = (plan.feeds(), plan.stages.account_shards);
        Self {
            feeds: (0..feeds).map(|_| FeedStage::new(&plan.limits, &plan.detection, &plan.calendars)).collect(),
            fates: vec![Fates::default(); plan.sources.len()],
            next: vec![0; plan.sources.len()],
            skip: vec![None; plan.sources.len()],
            decided: 0,
            watermarks: Watermarks::new(feeds),
            shards: (0..shards).map(|_| AccountStage::new(plan)).collect(),
            to_shards: vec![Inbox::new(feeds); shards],
            correlation: CorrelationStage::new(plan, config),
            to_correlation: Inbox::new(shards + feeds),
        }
    }

    /// Replaces the account stage and all waiting messages by new ones, because the clock of the only feed was set back.
    /// Correlation begins anew by a call of its own, because it has incidents to end.
    pub(super) fn begin_anew(&mut self, plan: &Plan, config: &str) {
        let Self { watermarks, shards, to_shards, to_correlation, .. } = Self::new(plan, config);
        (self.watermarks, self.shards, self.to_shards, self.to_correlation) =
            (watermarks, shards, to_shards, to_correlation);
        self.feeds.iter_mut().for_each(FeedStage::forget_clock);
    }

    /// Continues under another plan, in the stages behind the feeds. Sources that are new begin empty.
    pub(super) fn retune(&mut self, plan: &Plan, config: &str, outbox: &mut account::Outbox) {
        let (feeds, sources) = (plan.feeds(), plan.sources.len());
        self.fates.resize(sources, Fates::default());
        self.next.resize(sources, 0);
        self.skip.resize(sources, None);
        self.watermarks.extend(feeds);
        self.to_shards.iter_mut().for_each(|inbox| inbox.extend(feeds));
        self.to_correlation.extend(self.shards.len() + feeds);
        self.feeds.resize_with(feeds, || FeedStage::new(&plan.limits, &plan.detection, &plan.calendars));
        for shard in &mut self.shards {
            shard.retune(plan, outbox);
            self.correlation.enqueue(outbox.signals.drain(..));
        }
        self.correlation.retune(plan, config);
    }

    /// Continues under another plan, in one feed.
    pub(super) fn retune_feed(&mut self, feed: usize, plan: &Plan, outbox: &mut market::Outbox) {
        let last = plan.sources.iter().rposition(|source| source.feed == feed);
        let source = last.expect("every feed has at least one source");
        let last = RecordRef { source: SourceId::of_index(source), offset: self.next[source] };
        self.feeds[feed].retune(&plan.limits, (&plan.detection, &plan.calendars), last, outbox);
    }
}
