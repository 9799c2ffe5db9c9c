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

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rdkafka::{
    Message as _, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};

use super::positions::{Begun, Committed, Facts, Position};
use crate::{
    app::{
        Failure, Interrupt,
        audit::{self, Crash, Log},
        clock,
        kafka::{
            self, ANSWER_MAX,
            batch::{Received, appended_at},
            consumer::Handle,
            range,
            state::{self, Candidate, Found, Held, Manifest, PartitionOffset, Refusal, Slot},
            topics::{self, Range},
            unavailable,
        },
        plan,
    },
    config::{Config, Subscription},
    engine::{Engine, Input, Inputs, Outbox, Plan, Recorded, Settings, Snapshot, Stretch, Stretches},
    event::SourceId,
};

/// The longest wait for the ids of topics: the client learns them with metadata that it has or is about to get.
const IDS_MAX: Duration = Duration::from_millis(500);
/// How often the client is asked for the ids: short against [`IDS_MAX`].
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A restored state.
pub struct Restored {
    /// The engine, with all records before the committed offsets.
    pub engine: Engine,
    /// The position at which each partition goes on, in the engine's order.
    pub positions: Vec<Position>,
    /// The slot of the next snapshot: not that of the one that was used, nor that of the newest.
    pub slot: Slot,
    /// Whether a snapshot was used.
    pub from_snapshot: bool,
    /// The records at which a process stopped.
    pub crashes: Vec<Crash>,
}

/// Brings an engine up to the committed offsets of the partitions. `handle` hands a record to it, after the recorded decisions that
/// come before the record.
///
/// # Errors
/// Exit 69 where Kafka fails for good, 130 at an interrupt.
pub fn restore(
    config: &Config,
    reader: &Handle,
    partitions: &[(String, i32)],
    interrupt: &Interrupt,
    mut handle: impl FnMut(&mut Engine, &mut Inputs, Received<'_>) -> Result<(), Failure>,
) -> Result<Restored, Failure> {
    let began = clock::monotonic();
    let service = config.kafka.transactional_id.as_str();
    let audit = config.topics.audit.as_str();
    let Log { inputs: entries, crashes } = audit::log_of_topic(&config.kafka, audit, Some(service), interrupt)?;
    let found = state::find(config, interrupt)?;
    let saved = saved(config, &found);
    let positions = positions(config, reader, partitions, &saved, &entries, interrupt)?;
    let held: Vec<Held> = positions.iter().map(|position| position.held.clone()).collect();
    let ranges: Vec<Range> = held.iter().map(|held| held.range.clone()).collect();
    let (used, slot) = choose(config, &found, &held, interrupt)?;
    let from_snapshot = used.is_some();
    let mut unread = ranges.clone();
    let mut engine = match used {
        None => {
            let settings = first_settings(&entries).unwrap_or_else(|| config.settings());
            Engine::new(plan_under(config, &ranges, settings))
        }
        Some((engine, manifest)) => {
            for (range, held) in unread.iter_mut().zip(&held) {
                let of = |position: &&PartitionOffset| {
                    let PartitionOffset { topic, partition, generation, .. } = position;
                    (topic, partition, generation) == (&range.topic, &range.partition, &held.generation)
                };
                range.from = manifest.positions.iter().find(of).map_or(range.from, |position| position.next);
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
    resume_fates(&mut engine, &positions, from_snapshot);
    let seconds = clock::monotonic().duration_since(began).as_secs_f64();
    tracing::info!(records, decided, seconds, "the input was read again up to the committed offsets");
    Ok(Restored { engine, positions, slot, from_snapshot, crashes })
}

/// Returns the positions in the newest snapshot of this service.
fn saved(config: &Config, found: &Found) -> Vec<PartitionOffset> {
    let candidates = found.candidates();
    let manifests = candidates.iter().filter_map(|candidate| candidate.manifest.as_ref().ok());
    let mut ours = manifests.filter(|manifest| manifest.service == config.kafka.transactional_id);
    ours.next().map_or_else(Vec::new, |manifest| manifest.positions.clone())
}

/// Returns the position at which each partition goes on, in the order of the snapshot with new partitions last, so that a snapshot
/// with fewer partitions can be used. A topic that the configuration names but that no longer exists keeps its partitions, so that
/// its state can be used if the topic is made again.
fn positions(
    config: &Config,
    reader: &Handle,
    assigned: &[(String, i32)],
    saved: &[PartitionOffset],
    entries: &[audit::Entry],
    interrupt: &Interrupt,
) -> Result<Vec<Position>, Failure> {
    let committed = committed(config, reader, assigned)?;
    let (begun, ids) = (begun(entries), topic_ids(reader, assigned, interrupt)?);
    let (mut known, mut new) = (BTreeMap::new(), Vec::new());
    for ((topic, partition), committed) in assigned.iter().zip(committed) {
        let of = |saved: &&PartitionOffset| saved.topic == *topic && saved.partition == *partition;
        let (index, saved_here) = (saved.iter().position(|one| of(&one)), saved.iter().find(of).cloned());
        let position = Position::of(Facts {
            holds: topics::range(reader, topic, *partition)?,
            topic_id: ids.get(topic.as_str()).cloned(),
            committed,
            saved: saved_here,
            begun: begun.get(&(topic.as_str(), *partition)).copied(),
        });
        match index {
            Some(index) => _ = known.insert(index, position),
            None if saved.is_empty() => new.push(position),
            None => {
                tracing::info!(topic, partition, "a partition is new: it is read from now on");
                new.push(position);
            }
        }
    }
    let named = |topic: &str| {
        config.kafka.input.iter().any(|input| matches!(input, Subscription::Topic(name) if name.as_str() == topic))
    };
    for (index, gone) in saved.iter().enumerate().filter(|(_, gone)| named(&gone.topic)) {
        known.entry(index).or_insert_with(|| {
            tracing::warn!(topic = gone.topic, partition = gone.partition, "a partition is not there: it is not read");
            Position::gone(gone.clone())
        });
    }
    Ok(known.into_values().chain(new).collect())
}

/// Returns the ids of the assigned topics, as far as the client learns them in time.
fn topic_ids<'a>(
    reader: &Handle,
    assigned: &'a [(String, i32)],
    interrupt: &Interrupt,
) -> Result<BTreeMap<&'a str, String>, Failure> {
    let give_up_at = clock::monotonic() + IDS_MAX;
    let ids = &reader.context().topic_ids;
    loop {
        let topics: BTreeSet<&str> = assigned.iter().map(|(topic, _)| topic.as_str()).collect();
        let known: BTreeMap<&str, String> = topics.iter().filter_map(|topic| Some((*topic, ids.of(topic)?))).collect();
        if known.len() == topics.len() || clock::monotonic() >= give_up_at {
            return Ok(known);
        }
        interrupt.wait(ASK_EVERY)?;
    }
}

/// Returns the last log that began of each partition.
fn begun(entries: &[audit::Entry]) -> BTreeMap<(&str, i32), Begun> {
    let mut begun = BTreeMap::new();
    for entry in entries {
        if let Recorded::NewLog { topic, partition, generation, after_offset, .. } = &entry.input {
            begun.insert((topic.as_str(), *partition), Begun { generation: *generation, after_offset: *after_offset });
        }
    }
    begun
}

/// Returns the plan of an engine under these settings.
fn plan_under(config: &Config, ranges: &[Range], settings: Settings) -> Plan {
    plan::of_partitions(config, ranges, Some(config.topics.audit.as_str()), &[]).with(settings)
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

/// Returns the engine of the newest snapshot that can be used, and the slot of the next snapshot.
fn choose(
    config: &Config,
    found: &Found,
    held: &[Held],
    interrupt: &Interrupt,
) -> Result<(Option<(Engine, Manifest)>, Slot), Failure> {
    let candidates = found.candidates();
    for candidate in &candidates {
        match load(config, found, candidate, held, interrupt)? {
            Ok((engine, manifest)) => {
                let age_s = clock::wall().since(manifest.taken_at).secs_f64();
                let (slot, bytes, build) = (candidate.slot.name(), manifest.bytes, manifest.build.as_str());
                tracing::info!(slot, age_s, bytes, build, "the state was loaded from a snapshot");
                if manifest.config != engine.context().config {
                    tracing::warn!(
                        "the settings of the snapshot are not known: what came since is read under those of the configuration"
                    );
                }
                return Ok((Some((engine, manifest)), candidate.slot.other()));
            }
            Err(refusal) => {
                let (slot, reason) = (candidate.slot.name(), refusal.name());
                tracing::warn!(slot, reason, "a snapshot is not used: {refusal}");
            }
        }
    }
    if held.iter().any(|held| held.range.from < held.range.to) {
        tracing::info!("no snapshot can be used: the input is read from its start");
    }
    // A later build may be able to use what this one cannot: the newest is written over last.
    Ok((None, candidates.first().map_or_else(Slot::default, |newest| newest.slot.other())))
}

fn load(
    config: &Config,
    found: &Found,
    candidate: &Candidate,
    held: &[Held],
    interrupt: &Interrupt,
) -> Result<Result<(Engine, Manifest), Refusal>, Failure> {
    let judged = candidate.manifest.clone().and_then(|manifest| manifest.judge(config, held).map(|()| manifest));
    let manifest = match judged {
        Ok(manifest) => manifest,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let fetched = found.fetch(candidate, &manifest, config, interrupt)?;
    let engine = fetched.and_then(|snapshot: Snapshot| {
        let ranges: Vec<Range> = held.iter().map(|held| held.range.clone()).collect();
        // Those of another build may have other keys, and earlier builds wrote none.
        let written = manifest.settings.as_ref().and_then(|written| Settings::read(written).ok());
        let plan = plan_under(config, &ranges, written.unwrap_or_else(|| config.settings()));
        let engine = Engine::restore(&plan, snapshot);
        engine.map_err(Refusal::from)
    });
    Ok(engine.map(|engine| (engine, manifest)))
}

/// Asks for the position that the group has committed of each partition.
fn committed(config: &Config, reader: &Handle, partitions: &[(String, i32)]) -> Result<Vec<Committed>, Failure> {
    let mut question = TopicPartitionList::new();
    for (topic, partition) in partitions {
        question.add_partition(topic, *partition);
    }
    let ask = || reader.committed_offsets(question.clone(), ANSWER_MAX);
    // While the coordinator moves to another broker the first question may fail.
    let answer = ask().or_else(|error| {
        if is_kept_back(config, &question) { ask().map_err(|e| held_back(config, &e)) } else { Err(unknown(&error)) }
    })?;
    let of = |(topic, partition): &(String, i32)| Committed::of(answer.find_partition(topic, *partition).as_ref());
    Ok(partitions.iter().map(of).collect())
}

fn unknown(error: &KafkaError) -> Failure {
    unavailable("cannot ask for the committed offsets", error)
}

/// Whether Kafka answers the question once open transactions are allowed: if so, an open transaction keeps the answer back.
fn is_kept_back(config: &Config, question: &TopicPartitionList) -> bool {
    let reader: Result<BaseConsumer, _> =
        kafka::consumer(&config.kafka).set("isolation.level", "read_uncommitted").create();
    reader.is_ok_and(|reader| reader.committed_offsets(question.clone(), ANSWER_MAX).is_ok())
}

/// Makes the failure for committed offsets that an open transaction of the group keeps back. Such a transaction can stay open for
/// ever: a broker that restarts while a partition has no leader counts it as finished without writing that to the partition.
fn held_back(config: &Config, error: &KafkaError) -> Failure {
    let failure = unknown(error);
    let group = config.kafka.group.as_str();
    let advice = format!(
        "Kafka keeps the offsets of group `{group}` back, for a transaction that is not over. If that stays so, one hangs: find it \
         with `kafka-transactions.sh find-hanging`, and abort the one on `__consumer_offsets`; what it has published may then be \
         published a second time"
    );
    Failure::new(failure.exit, format!("{advice} ({error})")).passing()
}

/// Compares the counted fates with the committed ones. If they differ, because the start of the input is no longer kept, counting
/// goes on from the committed fates: a restart must not lose counts.
fn resume_fates(engine: &mut Engine, positions: &[Position], from_snapshot: bool) {
    for (source, position) in positions.iter().enumerate() {
        let (Some(fates), counted) = (position.fates, engine.fates()[source]) else { continue };
        if fates == counted {
            continue;
        }
        if from_snapshot {
            let Range { topic, partition, .. } = &position.held.range;
            tracing::warn!(topic, partition, ?counted, committed = ?fates, "the records' fates are not those committed");
        }
        engine.resume_fates(source, fates);
    }
}
