//! Classifies the errors of Kafka by what to do about them. No other file knows their codes.
//!
//! The lists hold the codes that the service can meet. A code in no list counts as passing, because a service that tries again and
//! reports it is worth more than one that has ended.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::app::{Exit, Failure};

/// The kind of an error, by what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The error passes by itself or with a new client: a broker is away, a leader or a coordinator moved, a transaction timed out.
    Passing,
    /// Another process has taken over, or may have.
    Superseded,
    /// A topic does not exist, perhaps only for a moment after a start of the broker.
    Missing,
    /// The user lacks a right.
    Refused,
    /// A record, alone or with others in its batch, is larger than the topic accepts.
    TooLarge,
    /// The broker or the settings do not allow what the service needs.
    Unusable,
}

/// Codes of missing rights, each with the right to give. See [`Fault::Refused`].
const RIGHTS: [(Code, &str); 4] = [
    (
        Code::TopicAuthorizationFailed,
        "its user needs Read and Describe on the input, Write and Describe on the output topics",
    ),
    (Code::GroupAuthorizationFailed, "its user needs Read on `kafka.group`"),
    (Code::TransactionalIdAuthorizationFailed, "its user needs Write and Describe on `kafka.transactional_id`"),
    (Code::ClusterAuthorizationFailed, "its user needs IdempotentWrite on the cluster, and Create to make topics"),
];
/// Codes of failed logins, each with the setting to correct. At the start of the service a failed login is a mistake in the
/// settings. Later it may be a broker that has not quite started, so it counts as passing.
const LOGIN: [(Code, &str); 5] = [
    (Code::Authentication, "correct the `sasl.*` settings in `kafka.client`"),
    (Code::SaslAuthenticationFailed, "correct the `sasl.*` settings in `kafka.client`"),
    (Code::UnsupportedSASLMechanism, "set a `sasl.mechanism` in `kafka.client` that the broker has"),
    (Code::IllegalSASLState, "correct `security.protocol` in `kafka.client`"),
    (Code::SSL, "correct `security.protocol` and the `ssl.*` settings in `kafka.client`"),
];
/// Codes of [`Fault::Superseded`].
const SUPERSEDED: [Code; 5] =
    [Code::Fenced, Code::ProducerFenced, Code::InvalidProducerEpoch, Code::FencedInstanceId, Code::AssignmentLost];
/// Codes of [`Fault::Missing`].
const MISSING: [Code; 4] =
    [Code::UnknownTopicOrPartition, Code::UnknownTopic, Code::UnknownPartition, Code::UnknownTopicId];
/// Codes of [`Fault::TooLarge`].
const TOO_LARGE: [Code; 3] = [Code::MessageSizeTooLarge, Code::MessageBatchTooLarge, Code::InvalidMessageSize];
/// Codes of [`Fault::Unusable`].
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
    /// Classifies an error by its code. An error without a code comes from the client itself, and passes with a new client.
    #[must_use]
    pub fn of(error: &KafkaError) -> Self {
        code(error).map_or(Self::Passing, Self::of_code)
    }

    /// Classifies a code.
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

    /// Whether a new start may succeed.
    const fn passes(self) -> bool {
        match self {
            Self::Passing | Self::Superseded | Self::Missing => true,
            Self::Refused | Self::TooLarge | Self::Unusable => false,
        }
    }
}

/// Returns the code of an error, if it has one.
#[must_use]
pub fn code(error: &KafkaError) -> Option<Code> {
    if let KafkaError::Transaction(error) = error { Some(error.code()) } else { error.rdkafka_error_code() }
}

/// Whether the login failed.
#[must_use]
pub fn is_login(error: &KafkaError) -> bool {
    code(error).is_some_and(|code| LOGIN.iter().any(|(refused, _)| *refused == code))
}

/// Makes the failure of a request that Kafka does not answer or refuses, with what an operator can do.
#[must_use]
pub fn unavailable(what: &str, error: &KafkaError) -> Failure {
    let advice = code(error).and_then(|code| RIGHTS.iter().chain(&LOGIN).find(|(refused, _)| *refused == code));
    let advice = advice.map(|(_, advice)| format!("; {advice}")).unwrap_or_default();
    let failure = Failure::new(Exit::Unavailable, format!("{what}: {}{advice}", words(error)));
    if Fault::of(error).passes() { failure.passing() } else { failure }
}

/// Describes an error. The message about a setting shows its value, which may be a secret, so the value is left out.
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
