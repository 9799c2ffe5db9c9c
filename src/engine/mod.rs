//! The engine: a pure function from inputs to outputs.
//!
//! [`Engine::handle`] takes one [`Input`] and leaves what follows from it in an [`Outbox`]. It reads no clock, draws no random
//! number, logs nothing and waits for nothing, so the same inputs give the same bytes: in a replay, after a restart, and however
//! the partitions interleave.
//!
//! This file is wiring alone. Each feed (a Kafka partition, or the files of a replay) has a market stage that evaluates on arrival;
//! account shards and correlation take a message once the watermark is strictly above its time (`watermark`). The end of the input
//! does not advance the watermark.
//!
//! ```text
//!                      ┌─ facts ──▶ inbox ─▶ account shard ─ signals, facts ┐
//! record ─▶ FeedStage ─┼─ facts ──▶ inbox ─▶ CorrelationStage ◀───────────┤ ─▶ alerts
//!                      └─ signals ────────────────────────────────────────┘
//! ```
//! There are two other inputs, numbered together: decisions ([`Decision`]), which depend on the wall clock, and changes of the settings
//! ([`Settings`]). The shell records each, and a replay hands it in again ([`Stretches`], [`Inputs`]).

mod coverage;
mod input;
mod inputs;
mod link;
pub mod message;
mod observe;
mod output;
mod plan;
mod readings;
mod recorded;
mod settings;
mod snapshot;
mod stage;
mod state;
mod stretches;
mod watermark;

pub use self::{
    coverage::{Coverage, Covered, StateCounts},
    input::{Input, Record},
    inputs::Inputs,
    link::Link,
    observe::{Counters, Fate, Fates, Keys, Occupancy, SymbolReading, SymbolReadings},
    output::{Outbox, Output},
    plan::{Limits, Plan, StageSettings},
    recorded::{Place, Recorded, RecordedReason, RecordedSettings},
    settings::{Settings, WrittenSettings},
    snapshot::{Snapshot, Unusable, VERSION},
    stretches::{SettingsChange, Stretch, Stretches},
};
use self::{
    message::Route,
    stage::{account, market, market::FeedStage},
    state::State,
};
pub use crate::detect::Detection;
use crate::{
    alert::Context,
    event::{Body, Event, Origin, Reason, RecordRef, Rejection, SourceId},
    time::{EventTime, Span},
    trust::{Decision, Idle, Loss, ModeChange, NewLog, SetBack, Use},
};

/// Records after which the stages behind the feeds are run at the latest: their code and data then stay in the caches for the
/// whole batch. No result depends on it.
const BATCH_MAX: usize = 64;

/// The stages, joined in memory.
pub struct Engine {
    state: State,
    context: Context,
    /// Records taken since the stages behind the feeds were last run.
    taken: usize,
    /// The plan, for stages that begin anew.
    plan: Plan,
    /// Scratch outbox of a feed; drained after each record, its allocations reused.
    feed_outbox: market::Outbox,
    /// Scratch outbox of an account shard; drained after each message, its allocations reused.
    shard_outbox: account::Outbox,
    link: Link,
}

impl Engine {
    /// An engine that has seen nothing.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let config = plan.hash();
        let state = State::new(&plan, &config);
        let context = Context {
            config,
            sources: plan.sources.clone(),
            replay: plan.replay.clone(),
            currency: plan.currency.clone(),
        };
        Self {
            state,
            context,
            taken: 0,
            plan,
            feed_outbox: market::Outbox::default(),
            shard_outbox: account::Outbox::default(),
            link: Link::Memory,
        }
    }

    /// The same engine with another link between its stages.
    #[must_use]
    pub const fn linked(mut self, link: Link) -> Self {
        self.link = link;
        self
    }

    /// Takes one input and leaves everything that follows from it.
    ///
    /// # Panics
    /// If a record's source is not in the plan: the shell reads only what it planned.
    pub fn handle(&mut self, input: Input<'_>, outbox: &mut Outbox) {
        self.take(input, outbox);
        self.flush(outbox);
    }

    /// Takes one input. The outputs of a record may wait for others of its batch, until [`Engine::flush`] at the latest: the caller
    /// flushes before a commit, and when no more records are there.
    ///
    /// # Panics
    /// If a record's source is not in the plan: the shell reads only what it planned.
    pub fn take(&mut self, input: Input<'_>, outbox: &mut Outbox) {
        match input {
            Input::Record(record) => {
                self.record(record, outbox);
                self.taken += 1;
                if self.taken >= BATCH_MAX {
                    self.flush(outbox);
                }
            }
            Input::Decision(decision) => {
                self.flush(outbox);
                self.state.decided += 1;
                match decision {
                    Decision::Idle(idle) => self.idle(idle),
                    Decision::Mode(change) => self.change_mode(&change, outbox),
                    Decision::Ceiling(ceiling) => self.feed_mut(ceiling.source).raise_ceiling(ceiling.until),
                    Decision::NewLog(new) => self.begin_log(new),
                    Decision::Loss(loss) => self.lose(loss),
                    Decision::Skip(skip) => self.state.skip[skip.source.index()] = Some(skip.offset),
                }
                self.flush(outbox);
            }
            Input::Settings(settings) => {
                self.flush(outbox);
                self.state.decided += 1;
                self.change_settings(settings.clone());
                self.flush(outbox);
            }
        }
    }

    /// Continues under other settings. Does what a restart with them would do: the windows of a burst detector whose settings
    /// changed begin their tails anew, rates stay, and open incidents keep their ids.
    fn change_settings(&mut self, settings: Settings) {
        self.plan = self.plan.clone().with(settings);
        self.context.config = self.plan.hash();
        self.retune();
    }

    /// Continues under the present plan, of which the state may know less.
    fn retune(&mut self) {
        let Self { state, context, plan, shard_outbox, .. } = self;
        state.retune(plan, &context.config, shard_outbox);
        for feed in 0..self.state.feeds.len() {
            self.state.retune_feed(feed, &self.plan, &mut self.feed_outbox);
            self.deliver(feed);
        }
    }

    /// Runs the stages behind the feeds up to the watermark.
    pub fn flush(&mut self, outbox: &mut Outbox) {
        self.taken = 0;
        let Some(watermark) = self.state.watermarks.least() else { return };
        // A record stamped with the watermark itself may still come.
        let before = watermark.minus(Span::from_nanos(1));
        let Self { state, context, shard_outbox, link, .. } = self;
        let State { shards, to_shards, correlation, to_correlation, .. } = state;
        for (nth, (shard, inbox)) in shards.iter_mut().zip(to_shards).enumerate() {
            while let Some(message) = inbox.pop_below(watermark) {
                shard.advance(message.visible_at, shard_outbox);
                shard.handle(&message, shard_outbox);
            }
            shard.advance(before, shard_outbox);
            let sources = &context.sources;
            correlation.enqueue(shard_outbox.signals.drain(..).map(|signal| link.signal(signal, sources)));
            for message in shard_outbox.facts.drain(..) {
                to_correlation.push(nth, link.correlation(message, sources));
            }
        }
        while let Some(message) = to_correlation.pop_below(watermark) {
            correlation.expire(message.visible_at);
            correlation.handle(&message);
        }
        correlation.expire(before);
        correlation.correlate(watermark, context, outbox);
    }

    /// Hands a record to its feed, counts its fate, and delivers the messages that follow.
    fn record(&mut self, record: Record<'_>, outbox: &mut Outbox) {
        let reference = RecordRef { source: record.source, offset: record.offset };
        let source = record.source.index();
        let feed = self.context.sources[source].feed;
        self.state.next[source] = record.offset.saturating_add(1);
        let skipped = self.state.skip[source].take_if(|skip| *skip <= record.offset) == Some(record.offset);
        let stopped_at = || Rejection::new(Reason::Poison, "the service stopped at it more than once");
        if let Ok(events) = record.content
            && let Some(back) = self.state.feeds[feed].set_back(events)
        {
            self.set_back(feed, back, reference.into(), outbox);
        }
        let content = if skipped { Err(stopped_at()) } else { record.content };
        let content = content.and_then(|events| match self.state.feeds[feed].judge_stamps(events) {
            Ok(until) => Ok((events, until)),
            Err(ahead) => Err(ahead_of_ceiling(ahead, events)),
        });
        let (fate, used, symbol) = match &content {
            Ok((events, until)) => {
                let origin = Origin { record: reference, appended_at: record.appended_at };
                let (fate, used) = self.events(feed, events, *until, origin);
                (fate, used, events.first().and_then(|event| event.symbol.as_deref()))
            }
            Err(rejection) => {
                outbox.push(Output::Rejected(reference, rejection.clone()));
                (Some(Fate::Rejected), Use::Rejected(rejection.reason), rejection.symbol.as_deref())
            }
        };
        self.state.feeds[feed].count(used, reference, symbol, &mut self.feed_outbox);
        self.state.fates[source].count(fate);
        self.deliver(feed);
    }

    /// Handles the events of a record. Returns the record's fate, `None` if later records settle it, and its use for the judgement
    /// of the feed. A record is accepted if it has no events, or if any of them is accepted or may still be. Events that are
    /// stamped after `until` are held back.
    fn events(&mut self, feed: usize, events: &[Event<'_>], until: EventTime, origin: Origin) -> (Option<Fate>, Use) {
        let Self { state, feed_outbox, .. } = self;
        let (stage, is_only) = (&mut state.feeds[feed], events.len() == 1);
        let (mut fate, mut is_held_back) = (Some(Fate::Accepted), false);
        for (nth, event) in events.iter().enumerate() {
            let next = if event.ts > until {
                is_held_back = true;
                stage.hold_back(event, origin, is_only, feed_outbox)
            } else {
                stage.resume(event, origin, feed_outbox);
                stage.handle(event, origin, is_only, feed_outbox)
            };
            let next = if is_only { next } else { next.or(Some(Fate::Accepted)) };
            fate = if nth == 0 || next == Some(Fate::Accepted) { next } else { fate };
        }
        let is_heartbeat = events.iter().all(|event| matches!(event.body, Body::Heartbeat(_) | Body::Unknown));
        let is_unknown = is_heartbeat && events.iter().any(|event| matches!(event.body, Body::Unknown));
        let used = match fate {
            Some(Fate::Accepted) if is_held_back => Use::HeldBack,
            Some(Fate::Accepted) if is_unknown => Use::Unknown,
            Some(Fate::Accepted) if is_heartbeat => Use::Heartbeat,
            Some(Fate::Accepted | Fate::Rejected | Fate::Shed) => Use::Counted,
            Some(Fate::Late) => Use::Late,
            Some(Fate::Duplicate) => Use::Duplicate,
            None => Use::Open,
        };
        (fate, used)
    }

    /// Begins anew after a leap of a file's clock that proved wrong: what was learned by the later clock cannot go back in time. If
    /// there are other feeds, whose time is right, only this feed begins anew, and the clock of its messages stays.
    fn set_back(&mut self, feed: usize, back: SetBack, origin: Origin, outbox: &mut Outbox) {
        self.state.feeds[feed].begin_anew_at(self.plan.limits, back, origin, &mut self.feed_outbox);
        self.deliver(feed);
        self.flush(outbox);
        if self.state.feeds.len() == 1 {
            self.state.begin_anew(&self.plan, &self.context.config);
            self.state.correlation.begin_anew(&self.plan, &self.context, outbox);
        }
    }

    fn begin_log(&mut self, new: NewLog) {
        let (feed, after) = self.after(new.source, new.after_offset);
        self.state.feeds[feed].begin_log(self.plan.limits, new.unread, (after, new.clock), &mut self.feed_outbox);
        self.deliver(feed);
    }

    fn lose(&mut self, loss: Loss) {
        let (feed, after) = self.after(loss.source, loss.after_offset);
        self.state.feeds[feed].lose(loss.offsets, (after, loss.clock), &mut self.feed_outbox);
        self.deliver(feed);
    }

    /// Returns the feed of a source, and the last record before a decision about that source.
    fn after(&self, source: SourceId, after_offset: Option<u64>) -> (usize, Option<RecordRef>) {
        let after = after_offset.map(|offset| RecordRef { source, offset });
        (self.context.sources[source.index()].feed, after)
    }

    /// Settles the fate of every record, because the input is over. The state must not be used for further records.
    pub fn conclude(&mut self) {
        for feed in 0..self.state.feeds.len() {
            self.state.feeds[feed].conclude(&mut self.feed_outbox);
            self.deliver(feed);
        }
    }

    fn feed_mut(&mut self, source: SourceId) -> &mut FeedStage {
        &mut self.state.feeds[self.context.sources[source.index()].feed]
    }

    fn idle(&mut self, idle: Idle) {
        let (feed, after) = self.after(idle.source, idle.after_offset);
        self.state.feeds[feed].idle(idle.until, after, &mut self.feed_outbox);
        self.deliver(feed);
    }

    fn change_mode(&mut self, change: &ModeChange, outbox: &mut Outbox) {
        let State { feeds, shards, correlation, .. } = &mut self.state;
        for feed in feeds {
            feed.schedule(change.from, change.mode);
        }
        for shard in shards {
            shard.schedule(change.from, change.mode);
        }
        correlation.change_mode(change, &self.context, outbox);
    }

    /// Delivers the messages in a feed's outbox to the stages behind it, and records the feed's clock for the watermark.
    fn deliver(&mut self, feed: usize) {
        let Self { state, feed_outbox, context, link, .. } = self;
        let State { feeds, fates, watermarks, to_shards, correlation, to_correlation, .. } = state;
        let sources = &context.sources;
        for (record, fate) in feed_outbox.settled.drain(..) {
            fates[record.source.index()].settle(fate);
        }
        if !feed_outbox.signals.is_empty() {
            correlation.enqueue(feed_outbox.signals.drain(..).map(|signal| link.signal(signal, sources)));
        }
        for message in feed_outbox.accounts.drain(..) {
            let message = link.account(message, sources);
            match message.body.route() {
                Route::Account(account) => {
                    let shard = account.shard(to_shards.len());
                    to_shards[shard].push(feed, message);
                }
                Route::All => to_shards.iter_mut().for_each(|inbox| inbox.push(feed, message.clone())),
            }
        }
        for message in feed_outbox.facts.drain(..) {
            to_correlation.push(to_shards.len() + feed, link.correlation(message, sources));
        }
        if let Some(clock) = feeds[feed].clock() {
            watermarks.observe(feed, clock);
        }
    }

    /// Whether a decision says that a record is to be left out.
    #[must_use]
    pub fn skips(&self, source: SourceId, offset: u64) -> bool {
        self.state.skip[source.index()] == Some(offset)
    }

    /// Counts the messages that wait for the other partitions.
    fn messages(&self) -> Occupancy {
        let of = |(held, evicted): (usize, u64)| Occupancy { held: held as u64, evicted };
        let shards = self.state.to_shards.iter().map(|inbox| of(inbox.occupancy()));
        shards.fold(of(self.state.to_correlation.occupancy()), Occupancy::plus)
    }

    /// Returns the context of the outputs: the configuration's hash and the sources.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }
}

/// Makes the rejection of a record whose stamp is so far ahead of this machine's clock that no venue's clock can be that wrong.
fn ahead_of_ceiling(ahead: Span, events: &[Event<'_>]) -> Rejection {
    let symbol = events.first().and_then(|event| event.symbol.as_deref());
    let detail = format!("{} s after this machine's clock", ahead.secs_f64());
    Rejection::new(Reason::TsFuture, detail).of_symbol(symbol)
}
