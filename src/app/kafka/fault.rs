//! What an error of Kafka means for who meets it: the one place that knows the codes.
//!
//! The codes are those that the service can meet; one that it does not know is taken to pass, because a service that tries
//! again and says so is worth more than one that has ended.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::app::{Exit, Failure};

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It passes by itself or with a new client: the broker is away, a leader or a coordinator moved, a transaction timed out.
    Passing,
    /// Another process has, or may have, taken over.
    Superseded,
    /// A topic is not there. It may have been a moment's gap after a start of the broker.
    Missing,
    /// A person has not given the right.
    Refused,
    /// The record alone, or with others in its batch, is larger than the topic takes.
    TooLarge,
    /// The broker or the settings do not allow what the service needs.
    Unusable,
}

/// Rights that the broker asks for, and who needs them. See [`Fault::Refused`].
const RIGHTS: [(Code, &str); 4] = [
    (
        Code::TopicAuthorizationFailed,
        "its user needs Read and Describe on the input, Write and Describe on the output topics",
    ),
    (Code::GroupAuthorizationFailed, "its user needs Read on `kafka.group`"),
    (Code::TransactionalIdAuthorizationFailed, "its user needs Write and Describe on `kafka.transactional_id`"),
    (Code::ClusterAuthorizationFailed, "its user needs IdempotentWrite on the cluster, and Create to make topics"),
];
/// Why no connection comes about. At a start that is a mistake; later it may be a broker that is not quite up: it passes.
const LOGIN: [(Code, &str); 5] = [
    (Code::Authentication, "correct the `sasl.*` settings in `kafka.client`"),
    (Code::SaslAuthenticationFailed, "correct the `sasl.*` settings in `kafka.client`"),
    (Code::UnsupportedSASLMechanism, "set a `sasl.mechanism` in `kafka.client` that the broker has"),
    (Code::IllegalSASLState, "correct `security.protocol` in `kafka.client`"),
    (Code::SSL, "correct `security.protocol` and the `ssl.*` settings in `kafka.client`"),
];
/// See [`Fault::Superseded`].
const SUPERSEDED: [Code; 5] =
    [Code::Fenced, Code::ProducerFenced, Code::InvalidProducerEpoch, Code::FencedInstanceId, Code::AssignmentLost];
/// See [`Fault::Missing`].
const MISSING: [Code; 4] =
    [Code::UnknownTopicOrPartition, Code::UnknownTopic, Code::UnknownPartition, Code::UnknownTopicId];
/// See [`Fault::TooLarge`].
const TOO_LARGE: [Code; 3] = [Code::MessageSizeTooLarge, Code::MessageBatchTooLarge, Code::InvalidMessageSize];
/// See [`Fault::Unusable`].
const UNUSABLE: [Code; 16] = [
    Code::InvalidArgument,
    Code::NotImplemented,
    Code::UnsupportedFeature,
    Code::NotConfigured,
    Code::InvalidTopic,
    Code::InvalidRequiredAcks,
    Code::InconsistentGroupProtocol,
    Code::InvalidGroupId,
    Code::InvalidSessionTimeout,
    Code::UnsupportedVersion,
    Code::InvalidTransactionTimeout,
    Code::UnsupportedForMessageFormat,
    Code::PolicyViolation,
    Code::InvalidRecord,
    Code::UnsupportedCompressionType,
    Code::GroupMaxSizeReached,
];

impl Fault {
    /// By the code that an error has; one without a code is the client's own trouble, and passes with a new client.
    #[must_use]
    pub fn of(error: &KafkaError) -> Self {
        code(error).map_or(Self::Passing, Self::of_code)
    }

    /// By the code alone.
    #[must_use]
    pub fn of_code(code: Code) -> Self {
        if RIGHTS.iter().any(|(refused, _)| *refused == code) {
            Self::Refused
        } else if SUPERSEDED.contains(&code) {
            Self::Superseded
        } else if MISSING.contains(&code) {
            Self::Missing
        } else if TOO_LARGE.contains(&code) {
            Self::TooLarge
        } else if UNUSABLE.contains(&code) {
            Self::Unusable
        } else {
            Self::Passing
        }
    }

    /// Whether a new beginning may do better.
    const fn passes(self) -> bool {
        match self {
            Self::Passing | Self::Superseded | Self::Missing => true,
            Self::Refused | Self::TooLarge | Self::Unusable => false,
        }
    }
}

/// An error's code, if it has one.
#[must_use]
pub fn code(error: &KafkaError) -> Option<Code> {
    if let KafkaError::Transaction(error) = error { Some(error.code()) } else { error.rdkafka_error_code() }
}

/// Whether the client is not let in.
#[must_use]
pub fn is_login(error: &KafkaError) -> bool {
    code(error).is_some_and(|code| LOGIN.iter().any(|(refused, _)| *refused == code))
}

/// A failure because Kafka is not there or says no, with what an operator can do.
#[must_use]
pub fn unavailable(what: &str, error: &KafkaError) -> Failure {
    let advice = code(error).and_then(|code| RIGHTS.iter().chain(&LOGIN).find(|(refused, _)| *refused == code));
    let advice = advice.map(|(_, advice)| format!("; {advice}")).unwrap_or_default();
    let failure = Failure::new(Exit::Unavailable, format!("{what}: {}{advice}", words(error)));
    if Fault::of(error).passes() { failure.passing() } else { failure }
}

/// An error in words. Those for a setting show its value, which may be a secret: it is left out.
fn words(error: &KafkaError) -> String {
    let KafkaError::ClientConfig(_, why, name, _) = error else { return error.to_string() };
    format!("`{name}`: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code that a list names is in that list only.
    #[test]
    fn no_code_means_two_things() {
        let mut named: Vec<Code> = RIGHTS.iter().chain(&LOGIN).map(|(code, _)| *code).collect();
        named.extend(SUPERSEDED.iter().chain(&MISSING).chain(&TOO_LARGE).chain(&UNUSABLE));
        for (i, code) in named.iter().enumerate() {
            assert!(!named[i + 1..].contains(code), "{code:?}");
        }
    }

    #[test]
    fn what_a_broker_that_is_away_or_moves_gives_passes() {
        for code in [
            Code::BrokerTransportFailure,
            Code::AllBrokersDown,
            Code::OperationTimedOut,
            Code::MessageTimedOut,
            Code::TimedOutQueue,
            Code::Resolve,
            Code::WaitingForCoordinator,
            Code::LeaderNotAvailable,
            Code::NotLeaderForPartition,
            Code::FencedLeaderEpoch,
            Code::RequestTimedOut,
            Code::BrokerNotAvailable,
            Code::NetworkException,
            Code::CoordinatorLoadInProgress,
            Code::CoordinatorNotAvailable,
            Code::NotCoordinator,
            Code::NotEnoughReplicas,
            Code::NotEnoughReplicasAfterAppend,
            Code::KafkaStorageError,
            Code::ThrottlingQuotaExceeded,
            Code::ConcurrentTransactions,
            Code::UnstableOffsetCommit,
            Code::Authentication,
            Code::SSL,
        ] {
            assert_eq!(Fault::of_code(code), Fault::Passing, "{code:?}");
        }
    }

    #[test]
    fn what_the_group_and_the_transactions_lose_passes_with_a_new_beginning() {
        for code in [
            Code::UnknownMemberId,
            Code::IllegalGeneration,
            Code::RebalanceInProgress,
            Code::UnknownProducerId,
            Code::InvalidProducerIdMapping,
            Code::OutOfOrderSequenceNumber,
            Code::InvalidTransactionalState,
            Code::PollExceeded,
            Code::Fatal,
            Code::State,
        ] {
            assert_eq!(Fault::of_code(code), Fault::Passing, "{code:?}");
        }
    }

    #[test]
    fn a_failure_passes_as_its_error_does_and_says_what_right_is_missing() {
        let failure = |code| unavailable("cannot", &KafkaError::MessageProduction(code));
        for code in [Code::BrokerTransportFailure, Code::ProducerFenced, Code::UnknownTopicOrPartition] {
            assert!(failure(code).is_passing(), "{code:?}");
        }
        for code in [Code::TopicAuthorizationFailed, Code::MessageSizeTooLarge, Code::InvalidTopic] {
            assert!(!failure(code).is_passing(), "{code:?}");
        }
        let refused = failure(Code::TopicAuthorizationFailed);
        assert_eq!(refused.exit, Exit::Unavailable);
        assert!(
            refused
                .message
                .ends_with("its user needs Read and Describe on the input, Write and Describe on the output topics")
        );
    }
}
