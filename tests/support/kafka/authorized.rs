//! A broker that authenticates its users and checks their rights.
//!
//! Besides the listener of every node, whose clients may do anything, it has one for a user with a password. At the
//! start of every test the user has no rights.

use super::node::{java, no_java};
use super::{Address, Cluster, port};

/// The user and its password.
pub const USER: (&str, &str) = ("foreshock", "opensesame");

/// A broker of one node.
pub struct AuthorizedBroker {
    cluster: Cluster,
    users_port: u16,
}

impl AuthorizedBroker {
    pub fn start() -> Self {
        let users_port = port::free(1)[0];
        Self { cluster: Cluster::start_with(1, |address| settings(address, users_port)), users_port }
    }

    /// The address for clients that may do anything.
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap()
    }

    /// The address for the user.
    pub fn users_bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.users_port)
    }

    pub fn create_topic(&self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        self.cluster.create_topic(name, partitions, configs);
    }

    /// Grants the user rights, each a type of resource, its name and an operation, in the broker's words.
    pub fn allow(&self, rights: &[[&str; 3]]) {
        let output = java("64m")
            .arg("tests/kafka/Allow.java")
            .args([&self.bootstrap(), USER.0])
            .args(rights.iter().flatten())
            .output()
            .unwrap_or_else(|error| panic!("{}", no_java(&error)));
        assert!(output.status.success(), "{output:?}");
    }
}

fn settings(Address { broker, controller }: Address, users: u16) -> String {
    let (user, password) = USER;
    format!(
        r#"
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller},USERS://127.0.0.1:{users}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},USERS://127.0.0.1:{users}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,USERS:SASL_PLAINTEXT
listener.name.users.sasl.enabled.mechanisms=PLAIN
listener.name.users.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"#
    )
}
