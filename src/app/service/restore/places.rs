//! Asks Kafka, and the recorded inputs, where each partition goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};

use super::begin::Ground;
use crate::{
    app::{
        Failure, Interrupt, audit, clock,
        kafka::{self, ANSWER_MAX, consumer::Handle, state::PartitionOffset, topics, unavailable},
        service::positions::{Begun, Committed, Facts, Position},
    },
    config::{Config, Subscription},
    engine::Recorded,
};

/// The longest wait for the ids of topics: the client learns them with metadata that it has or is about to get.
const IDS_MAX: Duration = Duration::from_millis(500);
/// How often the client is asked for the ids: short against [`IDS_MAX`].
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Returns the position at which each partition goes on, in the order of the snapshot with new partitions last, so that a snapshot
/// with fewer partitions can be used. A topic that the configuration names but that no longer exists keeps its partitions, so that
/// its state can be used if the topic is made again.
pub fn positions(
    ground: Ground<'_>,
    committed: &[Committed],
    saved: &[PartitionOffset],
    entries: &[audit::Entry],
) -> Result<Vec<Position>, Failure> {
    let Ground { config, reader, partitions, interrupt } = ground;
    let (begun, ids) = (begun(entries), topic_ids(reader, partitions, interrupt)?);
    let (mut known, mut new) = (BTreeMap::new(), Vec::new());
    for ((topic, partition), committed) in partitions.iter().zip(committed) {
        let of = |saved: &&PartitionOffset| saved.topic == *topic && saved.partition == *partition;
        let (index, saved_here) = (saved.iter().position(|one| of(&one)), saved.iter().find(of).cloned());
        let position = Position::of(Facts {
            holds: topics::range(reader, topic, *partition)?,
            topic_id: ids.get(topic.as_str()).cloned(),
            committed: committed.clone(),
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
        known.entry(index).or_insert_with(|| Position::gone(gone.clone()));
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

/// Asks for the position that the group has committed of each partition.
pub fn committed(config: &Config, reader: &Handle, partitions: &[(String, i32)]) -> Result<Vec<Committed>, Failure> {
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
