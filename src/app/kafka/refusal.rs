//! Reports settings that the Kafka client refuses, before anything is opened and without their values.

use rdkafka::error::KafkaError;

use super::client;
use crate::{app::Failure, config::Kafka};

/// Checks that the client knows all settings and accepts their values, as far as it can tell before it is created.
///
/// # Errors
/// Exit 64 with the setting's name.
pub fn settings(kafka: &Kafka) -> Result<(), Failure> {
    client(kafka).create_native_config().map(drop).map_err(|e| refused(&e))
}

/// The failure of a client that refuses its settings. The library's own message shows the value, which may be the secret of a
/// misspelt setting, so it is left out.
#[must_use]
pub fn refused(error: &KafkaError) -> Failure {
    let why = if let KafkaError::ClientConfig(_, why, name, _) = error {
        format!("`{name}`: {why}")
    } else {
        error.to_string()
    };
    Failure::usage(format!("the Kafka client refuses its settings: {why}; see `kafka.client`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_setting_is_named_and_its_value_is_not_shown() {
        for (setting, name) in [("'sasl.passwort' = 'hunter2'", "sasl.passwort"), ("'acks' = 'hunter2'", "acks")] {
            let config = Config::parse("f.toml", &format!("[kafka.client]\n{setting}\n"), []).unwrap();
            let failure = settings(&config.kafka).unwrap_err();
            assert_eq!(failure.exit, crate::app::Exit::Usage);
            assert!(failure.message.contains(name) && !failure.message.contains("hunter2"), "{failure}");
        }
        settings(&Config::default().kafka).unwrap();
    }
}
