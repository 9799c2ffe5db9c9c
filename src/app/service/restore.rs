//! Restores a service before it takes its first record: from the newest usable snapshot, and by reading the input again from there
//! up to the committed offsets.
//!
//! Outputs are a function of the offsets read, so the outputs of records that are read again were published before and are
//! discarded. Without a usable snapshot the input is read from its first offset on. For each snapshot that is not used the reason
//! is logged; the snapshot itself is neither changed nor removed.
//!
//! Records are read again under the settings that held when they were read first: those of the snapshot, up to the place of the next
//! recorded change, and so on. If this process's own configuration has others, they count from the committed offsets on, as another
//! recorded change ([`super::worker::Worker::adopt`]).
//!
//! A standby does the same while another process works, over and over (`follow`), and keeps the state between. The process that
//! works commits meanwhile, so `follow` takes only those recorded inputs that belong to the offsets that it reads up to. When the
//! standby takes over, it goes on from the state that it holds, and reads again only what was committed since.

mod begin;
mod choose;
mod places;

use rdkafka::Message as _;

pub use self::begin::Ground;
use self::{
    begin::{Begin, plan_under},
    choose::{choose, saved},
    places::{committed, positions},
};
use super::positions::{Committed, Position};
use crate::{
    app::{
        Exit, Failure,
        audit::{self, Crash, Log},
        clock,
        kafka::{
            self,
            batch::{Received, appended_at},
            range,
            state::{self, Found, Held, PartitionOffset, Refusal, Slot, judge_positions},
            topics::Range,
        },
    },
    config::Config,
    engine::{Engine, Input, Inputs, Outbox, Recorded, Settings, Snapshot, Stretch, Stretches},
    event::{LogPosition, SourceId},
};

/// A restored state.
pub struct Restored {
    /// The engine, with all records before the committed offsets.
    pub engine: Engine,
    /// The position at which each partition goes on, in the engine's order.
    pub positions: Vec<Position>,
    /// The slot of the next snapshot: not that of the one that was used, nor that of the newest.
    pub slot: Slot,
    /// Whether the state began with a snapshot in the topic, so that another is not due at once.
    pub from_snapshot: bool,
    /// The records at which a process stopped.
    pub crashes: Vec<Crash>,
    reread: Reread,
}

/// The effort of a restore, for the log.
struct Reread {
    records: u64,
    /// Number of recorded inputs.
    decided: usize,
    seconds: f64,
}

impl Restored {
    fn log(self) -> Self {
        let Reread { records, decided, seconds } = self.reread;
        tracing::info!(records, decided, seconds, "the input was read again up to the committed offsets");
        self
    }
}

/// A state in this process's memory that contains all records before some committed offsets.
pub struct Ahead {
    snapshot: Snapshot,
    settings: Settings,
    positions: Vec<PartitionOffset>,
}

impl From<Restored> for Ahead {
    fn from(Restored { engine, positions, .. }: Restored) -> Self {
        let settings = engine.settings();
        Self { snapshot: engine.into_snapshot(), settings, positions: positions.iter().map(Position::offset).collect() }
    }
}

impl Ahead {
    /// Returns an engine with this state, for partitions as they are found now.
    fn resume(self, config: &Config, held: &[Held]) -> Result<(Engine, Vec<PartitionOffset>), Refusal> {
        judge_positions(&self.positions, false, held)?;
        let ranges: Vec<Range> = held.iter().map(|held| held.range.clone()).collect();
        let engine = Engine::restore(&plan_under(config, &ranges, self.settings), self.snapshot)?;
        Ok((engine, self.positions))
    }
}

/// Brings an engine up to the committed offsets of the partitions. No other process may commit meanwhile. `ahead` is a state that
/// this process holds already. `handle` hands a record to the engine, after the recorded decisions that come before the record.
///
/// # Errors
/// Exit 69 where Kafka fails for good, 130 at an interrupt.
pub fn restore(
    ground: Ground<'_>,
    ahead: Option<Ahead>,
    handle: impl FnMut(&mut Engine, &mut Inputs, Received<'_>) -> Result<(), Failure>,
) -> Result<Restored, Failure> {
    let Ground { config, reader, partitions, interrupt } = ground;
    let committed = committed(config, reader, partitions)?;
    let log = log(ground)?;
    let found = state::find(config, interrupt)?;
    if let Some(ahead) = ahead {
        let positions = positions(ground, &committed, &ahead.positions, &log.inputs)?;
        let held = held(&positions);
        match ahead.resume(config, &held) {
            Ok(base) => {
                tracing::info!("the state that was kept while standing by is used");
                let begin = Begin { base: Some(base), slot: found.free_slot(), from_snapshot: false };
                return read_again(ground, log, positions, begin, handle).map(Restored::log);
            }
            Err(refusal) => {
                let reason = refusal.name();
                tracing::warn!(reason, "the state that was kept while standing by is not used: {refusal}");
            }
        }
    }
    let positions = positions(ground, &committed, &saved(config, &found), &log.inputs)?;
    let begin = choose(ground, &found, &positions)?;
    for Range { topic, partition, .. } in positions.iter().filter(|one| !one.is_there).map(|one| &one.held.range) {
        tracing::warn!(topic, partition, "a partition is not there: it is not read");
    }
    read_again(ground, log, positions, begin, handle).map(Restored::log)
}

/// Does as [`restore`] does while another process works and commits: reads up to offsets that it has committed.
///
/// # Errors
/// As [`restore`]; also a passing failure where a partition does not go on in the log in which it was read, which only the process
/// that works records.
pub fn follow(
    ground: Ground<'_>,
    ahead: Option<Ahead>,
    handle: impl FnMut(&mut Engine, &mut Inputs, Received<'_>) -> Result<(), Failure>,
) -> Result<Ahead, Failure> {
    let Ground { config, reader, partitions, interrupt } = ground;
    // The inputs that belong to these offsets are in the log by now, and later ones are left out.
    let committed = committed(config, reader, partitions)?;
    let mut log = log(ground)?;
    leave_out_later(&mut log.inputs, partitions, &committed);
    let found = if ahead.is_some() { Found::default() } else { state::find(config, interrupt)? };
    let saved = ahead.as_ref().map_or_else(|| saved(config, &found), |ahead| ahead.positions.clone());
    let positions = positions(ground, &committed, &saved, &log.inputs)?;
    if positions.iter().any(|position| position.moved.is_some() || !position.is_there) {
        return Err(Failure::new(Exit::Failed, "the log of a partition does not go on where it was read").passing());
    }
    let begin = match ahead {
        None => choose(ground, &found, &positions)?,
        Some(ahead) => {
            let held = held(&positions);
            let base = ahead.resume(config, &held);
            let base = base.map_err(|refusal| Failure::new(Exit::Failed, refusal.to_string()).passing())?;
            Begin { base: Some(base), slot: Slot::default(), from_snapshot: true }
        }
    };
    read_again(ground, log, positions, begin, handle).map(Ahead::from)
}

/// Returns what is kept and committed of each partition, for the judgement of a state.
fn held(positions: &[Position]) -> Vec<Held> {
    positions.iter().map(|position| position.held.clone()).collect()
}

fn log(Ground { config, interrupt, .. }: Ground<'_>) -> Result<Log, Failure> {
    let service = config.kafka.transactional_id.as_str();
    audit::log_of_topic(&config.kafka, config.topics.audit.as_str(), Some(service), interrupt)
}

/// Leaves out the recorded inputs from the first on that belongs behind the committed offsets. One that comes after it may belong to
/// the offsets too; left out, it comes next time, in its place as well, because inputs of different partitions have no order.
fn leave_out_later(entries: &mut Vec<audit::Entry>, partitions: &[(String, i32)], committed: &[Committed]) {
    let end = |topic: &str, number: i32| {
        let of = |(name, partition): &(String, i32)| name == topic && *partition == number;
        let nth = partitions.iter().position(of)?;
        let Committed { offset, metadata } = &committed[nth];
        let generation = metadata.as_ref().map_or(0, |metadata| metadata.generation);
        Some(LogPosition { generation, offset: u64::try_from(offset.unwrap_or(0)).unwrap_or(0) })
    };
    let kept = entries.iter().take_while(|entry| !entry.input.is_behind(end)).count();
    entries.truncate(kept);
}

fn read_again(
    ground: Ground<'_>,
    log: Log,
    positions: Vec<Position>,
    begin: Begin,
    mut handle: impl FnMut(&mut Engine, &mut Inputs, Received<'_>) -> Result<(), Failure>,
) -> Result<Restored, Failure> {
    let Ground { config, interrupt, .. } = ground;
    let (Log { inputs: entries, crashes }, Begin { base, slot, from_snapshot }) = (log, begin);
    let began = clock::monotonic();
    let held = held(&positions);
    let is_resumed = base.is_some();
    let mut unread: Vec<Range> = held.iter().map(|held| held.range.clone()).collect();
    let mut engine = match base {
        None => {
            let settings = first_settings(&entries).unwrap_or_else(|| config.settings());
            Engine::new(plan_under(config, &unread, settings))
        }
        Some((engine, read)) => {
            for (range, held) in unread.iter_mut().zip(&held) {
                let of = |position: &&PartitionOffset| {
                    let PartitionOffset { topic, partition, generation, .. } = position;
                    (topic, partition, generation) == (&range.topic, &range.partition, &held.generation)
                };
                range.from = read.iter().find(of).map_or(range.from, |position| position.next);
            }
            engine
        }
    };
    let (stretches, last) = recorded(entries, &engine);
    let decided = stretches.len();
    let (mut records, mut published) = (0_u64, Outbox::default());
    for Stretch { mut inputs, change } in stretches {
        let end = |nth: usize| Some(change.as_ref()?.reads_up_to(SourceId::of_index(nth), held[nth].generation));
        let part = range::up_to(&unread, end);
        range::read(&kafka::consumer(&config.kafka), &part, interrupt, |partition, message| {
            records += 1;
            handle(
                &mut engine,
                &mut inputs,
                Received {
                    partition,
                    generation: held[partition].generation,
                    offset: message.offset(),
                    appended_at: appended_at(message),
                    key: message.key().unwrap_or_default(),
                    payload: message.payload().unwrap_or_default(),
                },
            )
        })?;
        while let Some(decision) = inputs.rest() {
            engine.handle(Input::Decision(decision), &mut published);
        }
        if let Some(change) = &change {
            engine.handle(Input::Settings(&change.now), &mut published);
        }
        unread.iter_mut().zip(part).for_each(|(unread, read)| unread.from = read.to);
    }
    engine.flush(&mut published);
    engine.resume_decided(last);
    resume_fates(&mut engine, &positions, is_resumed);
    let seconds = clock::monotonic().duration_since(began).as_secs_f64();
    let reread = Reread { records, decided, seconds };
    Ok(Restored { engine, positions, slot, from_snapshot, crashes, reread })
}

/// Returns the settings before the first recorded change that can be read.
fn first_settings(entries: &[audit::Entry]) -> Option<Settings> {
    entries.iter().find_map(|entry| match &entry.input {
        Recorded::Settings { before, .. } => Settings::read(&before.settings).ok(),
        Recorded::Idle { .. }
        | Recorded::Ceiling { .. }
        | Recorded::Mode { .. }
        | Recorded::NewLog { .. }
        | Recorded::Loss { .. }
        | Recorded::Skip { .. } => None,
    })
}

/// Returns the inputs that were recorded after the engine's state, and the number of the last one.
fn recorded(mut entries: Vec<audit::Entry>, engine: &Engine) -> (Stretches, u64) {
    entries.retain(|entry| entry.number > engine.decided());
    let last = entries.last().map_or(engine.decided(), |entry| entry.number);
    let stretches = Stretches::new(entries.into_iter().map(|entry| entry.input), &engine.context().sources);
    if stretches.unknown() > 0 {
        tracing::warn!(inputs = stretches.unknown(), "recorded inputs of partitions that are not read are left out");
    }
    for reason in stretches.unreadable() {
        tracing::warn!(reason, "recorded settings of another build cannot be read: this change of them is left out");
    }
    (stretches, last)
}

/// Compares the counted fates with the committed ones. If they differ, because the start of the input is no longer kept, counting
/// goes on from the committed fates: a restart must not lose counts.
fn resume_fates(engine: &mut Engine, positions: &[Position], is_resumed: bool) {
    for (source, position) in positions.iter().enumerate() {
        let (Some(fates), counted) = (position.fates, engine.fates()[source]) else { continue };
        if fates == counted {
            continue;
        }
        if is_resumed {
            let Range { topic, partition, .. } = &position.held.range;
            tracing::warn!(topic, partition, ?counted, committed = ?fates, "the records' fates are not those committed");
        }
        engine.resume_fates(source, fates);
    }
}
