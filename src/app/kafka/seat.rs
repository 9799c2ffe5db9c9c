//! A seat: the number of a process among those of its host, from which its name in the group is made.
//!
//! Two living processes must never have one name in the group, and a new process should be able to follow a dead one at once. A
//! member's name is `<instance>.<host>.<seat>`. A process takes the lowest free seat, from 0 on. The kernel holds the seat while
//! the process lives and frees it however the process ends, so a process that gets a seat knows that its last owner is dead. It
//! may then take over the dead process's membership (Kafka's static membership) without waiting for the end of the session. A
//! frozen process keeps its seat, so the process that follows it has another name and is never mistaken for it.
//!
//! A seat is an abstract Unix socket where the system has them, because these leave no file behind and need no directory. Such
//! sockets belong to a network namespace of a running kernel, and that is what `<host>` names: two containers with the same host
//! name differ, and each waits for the end of the other's session. Where the system refuses such sockets, a process takes a
//! random seat: it has a name of its own and follows no other process.
//!
//! Process ids cannot serve as names: a broker goes on showing a dead process's client id after its membership is taken over, and
//! the system uses ids again.

use std::{
    fmt::Write as _,
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
};

use sha2::{Digest as _, Sha256};

/// Number of seats on a host; more processes than that are an accident.
const SEATS: u32 = 64;

/// A seat that this process holds.
pub struct Seat {
    /// Cluster and group, each of which has seats of its own.
    group: String,
    /// `<instance>.<host>`
    name: String,
    number: u32,
    held: Option<lock::Held>,
}

impl Seat {
    /// Takes the lowest free seat for a group of a cluster. `instance` is the configured one, if there is one.
    #[must_use]
    pub fn take(instance: Option<&str>, cluster: &str, group: &str) -> Self {
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let name = format!("{}.{}", instance.map_or_else(|| plain(&host), str::to_owned), hash(&domain(&host), 8));
        let group = format!("{cluster}/{group}");
        for number in 0..SEATS {
            match lock::take(&address(&group, &name, number)) {
                Ok(Some(held)) => return Self { group, name, number, held: Some(held) },
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot take a seat on this host: a takeover waits for the session's end");
                    break;
                }
            }
        }
        let number = SEATS | u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
        Self { group, name, number, held: None }
    }

    /// Returns this process's name in the group.
    #[must_use]
    pub fn instance_id(&self) -> String {
        format!("{}.{}", self.name, self.number)
    }

    /// Takes the seat of a member, if that member was a process of this host and is dead. Returns whether this process holds the
    /// seat now.
    pub fn inherit(&mut self, instance_id: &str) -> bool {
        let number = instance_id.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('.'));
        let Some(number) = number.and_then(|number| number.parse().ok()) else { return false };
        if number == self.number {
            return true;
        }
        if self.held.is_none() || number >= SEATS {
            return false;
        }
        let Ok(Some(held)) = lock::take(&address(&self.group, &self.name, number)) else { return false };
        (self.number, self.held) = (number, Some(held));
        true
    }
}

/// A host's name with the characters that Kafka accepts.
fn plain(host: &str) -> String {
    let one = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    host.chars().map(one).take(64).collect()
}

/// The domain in which seats are unique: one network namespace of one run of a kernel.
fn domain(host: &str) -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_else(|_| host.to_owned());
    let network = fs::read_link("/proc/self/ns/net").unwrap_or_default();
    format!("{}/{}", kernel.trim(), network.display())
}

fn address(group: &str, name: &str, number: u32) -> String {
    format!("foreshock-{}", hash(&format!("{group}/{name}.{number}"), 32))
}

/// The first `digits` hexadecimal digits of a text's hash.
fn hash(text: &str, digits: usize) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(digits / 2).fold(String::with_capacity(digits), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(target_os = "linux")]
mod lock {
    use std::os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    };

    use super::io;

    pub type Held = UnixDatagram;

    /// `None` if another process holds it.
    pub fn take(address: &str) -> io::Result<Option<Held>> {
        match UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(address)?) {
            Ok(held) => Ok(Some(held)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod lock {
    use std::fs::{File, TryLockError};

    use super::io;

    pub type Held = File;

    /// `None` if another process holds it.
    pub fn take(address: &str) -> io::Result<Option<Held>> {
        let file = File::create(std::env::temp_dir().join(address))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of a cluster that no other test uses.
    fn cluster() -> String {
        format!("test-{:x}", RandomState::new().build_hasher().finish())
    }

    #[test]
    fn processes_of_one_configuration_have_names_of_their_own() {
        let cluster = cluster();
        let [first, second] = [(); 2].map(|()| Seat::take(Some("a"), &cluster, "g"));
        assert_ne!(first.instance_id(), second.instance_id());
        let other_group = Seat::take(Some("a"), &cluster, "h");
        assert_eq!(first.instance_id(), other_group.instance_id(), "each group has seats of its own");
    }

    #[test]
    fn a_seat_is_free_when_its_process_is_gone() {
        let cluster = cluster();
        let first = Seat::take(None, &cluster, "g");
        let id = first.instance_id();
        drop(first);
        assert_eq!(Seat::take(None, &cluster, "g").instance_id(), id);
    }

    #[test]
    fn only_a_dead_process_of_this_host_is_followed() {
        let cluster = cluster();
        let first = Seat::take(Some("a"), &cluster, "g");
        let mut second = Seat::take(Some("a"), &cluster, "g");
        let (first_id, second_id) = (first.instance_id(), second.instance_id());
        assert!(!second.inherit(&first_id), "it lives");
        for stranger in
            ["a.00000000.0", "a", "rdkafka", "b.0", &format!("{}x", &first_id), &first_id[..first_id.len() - 2]]
        {
            assert!(!second.inherit(stranger), "{stranger}");
        }
        assert_eq!(second.instance_id(), second_id);
        drop(first);
        assert!(second.inherit(&first_id), "it is dead");
        assert_eq!(second.instance_id(), first_id);
        assert!(second.inherit(&first_id), "it is this one");
        assert_eq!(Seat::take(Some("a"), &cluster, "g").instance_id(), second_id, "the seat that it left is free");
    }

    #[test]
    fn a_host_name_becomes_a_name_for_kafka() {
        assert_eq!(plain("büro 1.example"), "b-ro-1.example");
    }
}
