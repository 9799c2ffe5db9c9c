//! What a service knows before it takes its first record: the newest usable snapshot, and the input read again from there up to
//! the committed offsets.
//!
//! What has been put out is a function of the offsets read, so what comes out meanwhile was published before and is discarded.
//! Without a usable snapshot the input is read from its first offset on. Why a snapshot is not used is logged, each with its
//! reason; none is ever changed or removed for it.

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    topic_partition_list::TopicPartitionListElem,
};

use crate::{
    app::{
        Failure, Interrupt, audit, clock,
        kafka::{
            self, ANSWER_MAX,
            batch::{Received, appended_at},
            consumer::Handle,
            range,
            state::{self, Candidate, Found, Manifest, Position, Refusal, Slot},
            topics::{self, Range},
            unavailable,
        },
        plan,
    },
    config::Config,
    engine::{Engine, Fates, Inputs, Outbox, Snapshot},
};

/// What there is to go on with.
pub struct Restored {
    /// As of the committed offsets.
    pub engine: Engine,
    /// What each partition holds, from its first offset to the committed one.
    pub held: Vec<Range>,
    /// Where the next snapshot goes: not over the one that was used, nor over the newest.
    pub slot: Slot,
    /// Whether a snapshot was used.
    pub from_snapshot: bool,
}

/// A partition's committed offset, and how many of its records had which fate up to there.
struct Committed {
    range: Range,
    fates: Option<Fates>,
}

/// Brings an engine up to the committed offsets of the partitions. `handle` takes a record into it, and before it the recorded inputs
/// that come before.
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
    let committed = committed(config, reader, partitions)?;
    let held: Vec<Range> = committed.iter().map(|partition| partition.range.clone()).collect();
    let found = state::find(config, interrupt)?;
    let (used, slot) = choose(config, &found, &held, interrupt)?;
    let from_snapshot = used.is_some();
    let mut unread = held.clone();
    let mut engine = match used {
        None => Engine::new(plan::of_partitions(config, &held, Some(config.topics.audit.as_str()))),
        Some((engine, manifest)) => {
            for range in &mut unread {
                let of = |position: &&Position| position.topic == range.topic && position.partition == range.partition;
                range.from = manifest.positions.iter().find(of).map_or(range.from, |position| position.next);
            }
            engine
        }
    };
    let (mut inputs, last) = recorded(config, &engine, interrupt)?;
    let decided = inputs.len();
    let mut records = 0_u64;
    range::read(&kafka::consumer(&config.kafka), &unread, interrupt, |partition, message| {
        records += 1;
        handle(
            &mut engine,
            &mut inputs,
            Received {
                partition,
                offset: message.offset(),
                appended_at: appended_at(message),
                key: message.key().unwrap_or_default(),
                payload: message.payload().unwrap_or_default(),
            },
        )
    })?;
    let mut published = Outbox::default();
    while let Some(input) = inputs.rest() {
        engine.handle(input, &mut published);
    }
    engine.resume_decided(last);
    resume_fates(&mut engine, &committed, from_snapshot);
    let seconds = clock::monotonic().duration_since(began).as_secs_f64();
    tracing::info!(records, decided, seconds, "the input was read again up to the committed offsets");
    Ok(Restored { engine, held, slot, from_snapshot })
}

/// What the service had decided by its clock since the engine's state, and the number of the last of it.
fn recorded(config: &Config, engine: &Engine, interrupt: &Interrupt) -> Result<(Inputs, u64), Failure> {
    let service = config.kafka.transactional_id.as_str();
    let mut entries = audit::of_topic(&config.kafka, config.topics.audit.as_str(), Some(service), interrupt)?;
    entries.retain(|entry| entry.number > engine.decided());
    let last = entries.last().map_or(engine.decided(), |entry| entry.number);
    let inputs = Inputs::new(entries.into_iter().map(|entry| entry.input), &engine.context().sources);
    if inputs.unknown() > 0 {
        tracing::warn!(inputs = inputs.unknown(), "recorded inputs of partitions that are not read are left out");
    }
    Ok((inputs, last))
}

/// The newest snapshot that can be used, as an engine, and where the next one goes.
fn choose(
    config: &Config,
    found: &Found,
    held: &[Range],
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
                    tracing::info!(
                        "the detection settings have changed since: thresholds are learned anew, rates kept"
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
    if held.iter().any(|range| range.from < range.to) {
        tracing::info!("no snapshot can be used: the input is read from its start");
    }
    // A later build may be able to use what this one cannot: the newest is written over last.
    Ok((None, candidates.first().map_or_else(Slot::default, |newest| newest.slot.other())))
}

fn load(
    config: &Config,
    found: &Found,
    candidate: &Candidate,
    held: &[Range],
    interrupt: &Interrupt,
) -> Result<Result<(Engine, Manifest), Refusal>, Failure> {
    let judged = candidate.manifest.clone().and_then(|manifest| manifest.judge(config, held).map(|()| manifest));
    let manifest = match judged {
        Ok(manifest) => manifest,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let fetched = found.fetch(candidate, &manifest, config, interrupt)?;
    let engine = fetched.and_then(|snapshot: Snapshot| {
        let engine = Engine::restore(&plan::of_partitions(config, held, Some(config.topics.audit.as_str())), snapshot);
        engine.map_err(Refusal::from)
    });
    Ok(engine.map(|engine| (engine, manifest)))
}

/// What each partition holds up to the committed offset; nothing where none was committed yet: it begins at the earliest.
fn committed(config: &Config, reader: &Handle, partitions: &[(String, i32)]) -> Result<Vec<Committed>, Failure> {
    let mut question = TopicPartitionList::new();
    for (topic, partition) in partitions {
        question.add_partition(topic, *partition);
    }
    let ask = || reader.committed_offsets(question.clone(), ANSWER_MAX);
    // A coordinator that moves answers the second time.
    let answer = ask().or_else(|error| {
        if is_kept_back(config, &question) { ask().map_err(|e| held_back(config, &e)) } else { Err(unknown(&error)) }
    })?;
    let mut all = Vec::new();
    for (topic, partition) in partitions {
        let range = topics::range(reader, topic, *partition)?;
        let found = answer.find_partition(topic, *partition);
        let to = match found.as_ref().map(TopicPartitionListElem::offset) {
            Some(Offset::Offset(offset)) => offset.max(range.from),
            Some(_) | None => range.from,
        };
        let fates = found.and_then(|found| serde_json::from_str(found.metadata()).ok());
        all.push(Committed { range: Range { to, ..range }, fates });
    }
    Ok(all)
}

fn unknown(error: &KafkaError) -> Failure {
    unavailable("cannot ask for the committed offsets", error)
}

/// Whether Kafka would tell the committed offsets to whoever does not mind open transactions.
fn is_kept_back(config: &Config, question: &TopicPartitionList) -> bool {
    let reader: Result<BaseConsumer, _> =
        kafka::consumer(&config.kafka).set("isolation.level", "read_uncommitted").create();
    reader.is_ok_and(|reader| reader.committed_offsets(question.clone(), ANSWER_MAX).is_ok())
}

/// Kafka keeps the committed offsets back while a transaction of the group is open, and that can be for ever: a broker that
/// restarts while a partition has no leader takes a transaction for finished without writing so there.
fn held_back(config: &Config, error: &KafkaError) -> Failure {
    let failure = unknown(error);
    let group = config.kafka.group.as_str();
    let advice = format!(
        "Kafka keeps the offsets of group `{group}` back, for a transaction that is not over. If that stays so, one hangs: find it \
         with `kafka-transactions.sh find-hanging`, and abort the one on `__consumer_offsets`; what it has put out may then be \
         put out a second time"
    );
    Failure::new(failure.exit, format!("{advice} ({error})")).passing()
}

/// Holds the fates that were counted to those that were committed. They differ where the input's start is no longer kept: then
/// the committed ones go on, or a restart would lose counts.
fn resume_fates(engine: &mut Engine, committed: &[Committed], from_snapshot: bool) {
    for (source, partition) in committed.iter().enumerate() {
        let (Some(fates), counted) = (partition.fates, engine.fates()[source]) else { continue };
        if fates == counted {
            continue;
        }
        if from_snapshot {
            let Range { topic, partition, .. } = &partition.range;
            tracing::warn!(topic, partition, ?counted, committed = ?fates, "the records' fates are not those committed");
        }
        engine.resume_fates(source, fates);
    }
}
