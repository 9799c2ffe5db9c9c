//! Hands one record to an engine.

use crate::{
    app::{
        Failure, clock,
        kafka::batch::Received,
        metrics::Meters,
        service::{crashes::failpoint, partitions::packed},
    },
    engine::{Engine, Input, Inputs, Outbox, Record},
    event::{DecodeLimits, Event, Rejection, SourceId, decode_counting},
};

/// Hands a record to an engine, after the recorded decisions that come before it. `meters`, if given, measure how long that takes.
pub fn take(
    (engine, inputs): (&mut Engine, &mut Inputs),
    outbox: &mut Outbox,
    record: Received<'_>,
    event: &Result<Event<'_>, Rejection>,
    meters: Option<&Meters>,
) -> Result<(), Failure> {
    let source = SourceId::of_index(record.partition);
    let content = event.as_ref().map(std::slice::from_ref).map_err(Clone::clone);
    let offset = packed(record.generation, record.offset)?;
    while let Some(decision) = inputs.before(source, offset, content.as_deref().unwrap_or_default()) {
        engine.handle(Input::Decision(decision), outbox);
    }
    if !engine.skips(source, offset) {
        failpoint(record.payload);
    }
    let input = Input::Record(Record { source, offset, appended_at: record.appended_at, content });
    let Some(meters) = meters else {
        engine.take(input, outbox);
        return Ok(());
    };
    // Earlier records of the batch are handled first, so that their time is not measured as this record's.
    engine.flush(outbox);
    let began = clock::monotonic();
    engine.handle(input, outbox);
    meters.engine(clock::monotonic().duration_since(began));
    Ok(())
}

/// Returns what hands records that are read again to an engine. Their outputs were published before, and are discarded.
pub fn discarding(limits: DecodeLimits) -> impl FnMut(&mut Engine, &mut Inputs, Received<'_>) -> Result<(), Failure> {
    let mut outbox = Outbox::default();
    move |engine, inputs, record| {
        let event = decode_counting(record.payload, limits, &mut 0);
        take((engine, inputs), &mut outbox, record, &event, None)?;
        outbox.drain().for_each(drop);
        Ok(())
    }
}
