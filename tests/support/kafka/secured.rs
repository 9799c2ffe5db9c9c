//! A broker with TLS: on one port for users with a password, on another for clients with a certificate.
//!
//! The JDK's keytool makes the keys and self-signed certificates of each broker.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Address, Cluster, port};

/// The user and its password.
pub const USER: (&str, &str) = ("foreshock", "opensesame-of-the-user");
/// The password of the client's key.
pub const KEY_PASSWORD: &str = "opensesame-of-the-key";

/// A broker of one node.
pub struct SecuredBroker {
    cluster: Cluster,
    keys: TempDir,
    ports: Vec<u16>,
}

impl SecuredBroker {
    pub fn start() -> Self {
        let keys = tempfile::Builder::new().prefix("keys-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for name in ["broker", "client"] {
            make_key(keys.path(), name);
        }
        trust(keys.path(), "client");
        let ports = port::free(2);
        let cluster = Cluster::start_with(1, |address| settings(address, &ports, keys.path()));
        Self { cluster, keys, ports }
    }

    /// The address without TLS, for the test itself.
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap()
    }

    /// The address for users with a password.
    pub fn users_bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// The address for clients with a certificate.
    pub fn clients_bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1])
    }

    /// The certificate that clients are to trust, in PEM.
    pub fn certificate(&self) -> PathBuf {
        self.keys.path().join("broker.pem")
    }

    /// A certificate that is not the broker's, in PEM.
    pub fn other_certificate(&self) -> PathBuf {
        self.keys.path().join("client.pem")
    }

    /// The client's key and certificate, in PKCS 12.
    pub fn client_key(&self) -> PathBuf {
        self.keys.path().join("client.p12")
    }

    pub fn create_topic(&self, name: &str, partitions: i32) {
        self.cluster.create_topic(name, partitions, &[]);
    }
}

/// Makes a key and its certificate for the loopback address.
fn make_key(dir: &Path, name: &str) {
    let store = dir.join(format!("{name}.p12"));
    keytool(
        &store,
        &["-genkeypair", "-alias", name, "-keyalg", "EC", "-dname", &format!("CN={name}"), "-validity", "2"],
        &["-ext", "san=ip:127.0.0.1", "-ext", "bc:c"],
    );
    let pem = dir.join(format!("{name}.pem"));
    keytool(&store, &["-exportcert", "-alias", name, "-rfc", "-file"], &[pem.to_str().unwrap()]);
}

/// Adds a certificate to those that the broker trusts.
fn trust(dir: &Path, name: &str) {
    let pem = dir.join(format!("{name}.pem"));
    keytool(&dir.join("trusted.p12"), &["-importcert", "-noprompt", "-alias", name, "-file"], &[pem.to_str().unwrap()]);
}

fn keytool(store: &Path, action: &[&str], further: &[&str]) {
    let output = Command::new("keytool")
        .args(action)
        .args(further)
        .args(["-storetype", "PKCS12", "-storepass", KEY_PASSWORD, "-keystore"])
        .arg(store)
        .output()
        .expect("keytool of the JDK");
    assert!(output.status.success(), "{output:?}");
}

fn settings(Address { broker, controller }: Address, ports: &[u16], keys: &Path) -> String {
    let (user, password) = USER;
    let [users, clients] = [ports[0], ports[1]];
    let keys = keys.display();
    format!(
        r#"
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller},USERS://127.0.0.1:{users},CLIENTS://127.0.0.1:{clients}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},USERS://127.0.0.1:{users},CLIENTS://127.0.0.1:{clients}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,USERS:SASL_SSL,CLIENTS:SSL
listener.name.users.sasl.enabled.mechanisms=PLAIN
listener.name.users.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.clients.ssl.client.auth=required
ssl.keystore.type=PKCS12
ssl.keystore.location={keys}/broker.p12
ssl.keystore.password={KEY_PASSWORD}
ssl.truststore.type=PKCS12
ssl.truststore.location={keys}/trusted.p12
ssl.truststore.password={KEY_PASSWORD}
"#
    )
}
