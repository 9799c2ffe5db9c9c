//! Repeats a question to a broker until there is an answer, and keeps the reason why there is none.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode as Code},
};

use crate::app::{clock, kafka::ANSWER_MAX};

/// How long one attempt waits before the client's complaints are read.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How many complaints are read after an attempt, which leaves one or two.
const COMPLAINTS_MAX: usize = 10;
/// How long a poll waits for a complaint: not long, because the client has queued its complaints already.
const POLL: Duration = Duration::from_millis(5);

/// Keeps the client's last complaint: its calls report only that there was no answer, and the complaint says why.
#[derive(Default)]
pub struct Complaints(Mutex<Option<String>>);

impl Complaints {
    /// The last complaint in parentheses, for the end of a message.
    pub fn last(&self) -> String {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
    }
}

impl ClientContext for Complaints {
    fn error(&self, error: KafkaError, reason: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // "All brokers are down" follows from earlier complaints and says less.
        if last.is_none() || error.rdkafka_error_code() != Some(Code::AllBrokersDown) {
            *last = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Complaints {}

/// Repeats a question until there is an answer, or until the client has a complaint for which `hopeless` is true: more
/// waiting would not help.
///
/// # Errors
/// The reason why there is no answer.
pub fn retry<T>(
    client: &BaseConsumer<Complaints>,
    ask: impl Fn(Duration) -> Result<T, KafkaError>,
    hopeless: impl Fn(&KafkaError) -> bool,
) -> Result<T, KafkaError> {
    let until = clock::monotonic() + ANSWER_MAX;
    loop {
        let error = match ask(ATTEMPT) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        // Each poll returns one complaint.
        let complaints = (0..COMPLAINTS_MAX).filter_map(|_| client.poll(POLL)?.err());
        if let Some(complaint) = complaints.into_iter().find(&hopeless) {
            return Err(complaint);
        }
        if hopeless(&error) || clock::monotonic() >= until {
            return Err(error);
        }
    }
}
