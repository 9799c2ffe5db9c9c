//! Which of a host's processes this one is, so that two never have one name in the group and a new one can follow a dead one.
//!
//! A member's name is `<instance>.<host>.<place>`. A process takes the lowest free place, from 0 on; the kernel holds it for
//! as long as the process lives and gives it up however the process ends, so whoever gets a place knows that its last owner is
//! dead. Then it may take the dead one's seat in the group at once instead of waiting for the end of its session (static
//! membership). A frozen process keeps its place: whoever follows it has another name and is never mistaken for it.
//!
//! A place is an abstract Unix socket where there are such (they leave no file behind and need no directory). They belong to a
//! network namespace of a running kernel, so that is what `<host>` names: two containers with one host name differ, and
//! each waits for the end of the other's session. Where the system refuses sockets a process takes a random place: it has a
//! name of its own and follows nobody.
//!
//! Not here: process ids. A broker goes on showing the dead one's client id when its seat is taken, and ids are used again.

use std::{
    fmt::Write as _,
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
};

use sha2::{Digest as _, Sha256};

/// Places on a host. More processes than that are an accident.
const PLACES: u32 = 64;

/// A place that this process holds.
pub struct Place {
    /// Told apart from the places of other groups and clusters.
    group: String,
    /// `<instance>.<host>`
    name: String,
    number: u32,
    held: Option<lock::Held>,
}

impl Place {
    /// Takes the lowest free place for a group of a cluster. `instance` is the configuration's, if it has one.
    #[must_use]
    pub fn take(instance: Option<&str>, cluster: &str, group: &str) -> Self {
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let name = format!("{}.{}", instance.map_or_else(|| plain(&host), str::to_owned), hash(&domain(&host), 8));
        let group = format!("{cluster}/{group}");
        for number in 0..PLACES {
            match lock::take(&address(&group, &name, number)) {
                Ok(Some(held)) => return Self { group, name, number, held: Some(held) },
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot mark this process's place on the host: a takeover waits for the session's end");
                    break;
                }
            }
        }
        let number = PLACES | u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
        Self { group, name, number, held: None }
    }

    /// This process's name in the group.
    #[must_use]
    pub fn instance_id(&self) -> String {
        format!("{}.{}", self.name, self.number)
    }

    /// Takes the place of a member, if it was a process of this host and is dead. `true` if the place is this process's now.
    pub fn inherit(&mut self, instance_id: &str) -> bool {
        let number = instance_id.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('.'));
        let Some(number) = number.and_then(|number| number.parse().ok()) else { return false };
        if number == self.number {
            return true;
        }
        if self.held.is_none() || number >= PLACES {
            return false;
        }
        let Ok(Some(held)) = lock::take(&address(&self.group, &self.name, number)) else { return false };
        (self.number, self.held) = (number, Some(held));
        true
    }
}

/// What Kafka takes in a name.
fn plain(host: &str) -> String {
    let one = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    host.chars().map(one).take(64).collect()
}

/// Where a place is known: in one network namespace of one run of a kernel.
fn domain(host: &str) -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_else(|_| host.to_owned());
    let network = fs::read_link("/proc/self/ns/net").unwrap_or_default();
    format!("{}/{}", kernel.trim(), network.display())
}

fn address(group: &str, name: &str, number: u32) -> String {
    format!("foreshock-{}", hash(&format!("{group}/{name}.{number}"), 32))
}

/// So many hexadecimal digits of a text's hash.
fn hash(text: &str, digits: usize) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(digits / 2).fold(String::with_capacity(digits), |mut hex, byte| {
        // A String takes everything.
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

    /// A group that no other test has.
    fn cluster() -> String {
        format!("test-{:x}", RandomState::new().build_hasher().finish())
    }

    #[test]
    fn processes_of_one_configuration_have_names_of_their_own() {
        let cluster = cluster();
        let [first, second] = [(); 2].map(|()| Place::take(Some("a"), &cluster, "g"));
        assert_ne!(first.instance_id(), second.instance_id());
        let other_group = Place::take(Some("a"), &cluster, "h");
        assert_eq!(first.instance_id(), other_group.instance_id(), "groups do not take each other's places");
    }

    #[test]
    fn a_place_is_free_when_its_process_is_gone() {
        let cluster = cluster();
        let first = Place::take(None, &cluster, "g");
        let id = first.instance_id();
        drop(first);
        assert_eq!(Place::take(None, &cluster, "g").instance_id(), id);
    }

    #[test]
    fn only_a_dead_process_of_this_host_is_followed() {
        let cluster = cluster();
        let first = Place::take(Some("a"), &cluster, "g");
        let mut second = Place::take(Some("a"), &cluster, "g");
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
        assert_eq!(Place::take(Some("a"), &cluster, "g").instance_id(), second_id, "the place it left is free");
    }

    #[test]
    fn a_host_name_becomes_a_name_for_kafka() {
        assert_eq!(plain("büro 1.example"), "b-ro-1.example");
    }
}
