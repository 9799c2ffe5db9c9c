//! Who is in the consumer group, and what follows for this process. One process works, the others stand by.
//!
//! Before it joins, a process asks for the members: it joins an empty group, or takes the seat of a dead process of its own
//! host ([`Place`]); else it waits and asks again. Two may still join at the same moment. So who has joined works only
//! when it is the sole member of a settled group; of several the one with the least name stays and waits, the others leave.
//! The transactions' id is one for all, so that whatever goes wrong here, only the last to take over can commit.
//!
//! Facts in, decision out; [`Roster`] asks the broker. A broker that cannot tell (the demo's) serves one process.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    groups::{GroupInfo, GroupMemberInfo},
};

use super::{ANSWER_MAX, client, place::Place};
use crate::config::Kafka;

/// How long the members are waited for. A broker that is away takes all of it; the next question goes to the others.
const ROSTER_MAX: Duration = Duration::from_secs(3);
/// The state of a group whose members have agreed.
const STABLE: &str = "Stable";
/// Brokers make a static member's id of its name, a dash, and a UUID.
const UUID_LEN: usize = 36;

/// The members of the group, as far as the broker tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// All of them, and whether they have agreed on who has what.
    Known {
        /// Nobody is joining or leaving.
        settled: bool,
        /// In the broker's order.
        members: Vec<Member>,
    },
    /// This broker does not answer such questions.
    Untold,
}

/// A member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, if it has one: only static members do.
    pub instance_id: Option<String>,
    /// What to call it before a person.
    pub label: String,
}

/// What a process does that is not in the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is its turn.
    Join,
    /// This one works.
    StandBy(String),
}

/// What a process does that has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// It has everything: it works.
    All,
    /// There are others that will go.
    Unsettled,
    /// It leaves to this one.
    GiveWay(String),
}

/// Whether to join. Takes the place of a dead process of this host where that has the only seat.
pub fn turn(members: &Members, place: &mut Place) -> Turn {
    let Members::Known { members, .. } = members else { return Turn::Join };
    match members.as_slice() {
        [] => Turn::Join,
        [only] if only.instance_id.as_ref().is_some_and(|id| place.inherit(id)) => Turn::Join,
        [first, ..] => Turn::StandBy(first.label.clone()),
    }
}

/// Whether to work, as the member of this name.
#[must_use]
pub fn share(members: &Members, me: &str) -> Share {
    let Members::Known { settled, members } = members else { return Share::All };
    let (mine, others): (Vec<_>, Vec<_>) = members.iter().partition(|m| m.instance_id.as_deref() == Some(me));
    // One without a name is not of our kind and never gives way.
    let stays = |other: &&&Member| other.instance_id.as_deref().is_none_or(|id| id < me);
    match others.iter().find(stays) {
        Some(other) => Share::GiveWay(other.label.clone()),
        None if *settled && others.is_empty() && mine.len() == 1 => Share::All,
        None => Share::Unsettled,
    }
}

/// Whether the member of this name is in the group.
#[must_use]
pub fn is_in(members: &Members, me: &str) -> bool {
    match members {
        Members::Known { members, .. } => members.iter().any(|m| m.instance_id.as_deref() == Some(me)),
        Members::Untold => false,
    }
}

/// Asks the broker who is in the group.
pub struct Roster {
    settings: ClientConfig,
    group: String,
    /// A client that failed is not used again: a new one knows only brokers that are there.
    client: Option<BaseConsumer>,
}

impl Roster {
    /// Asks nothing yet.
    #[must_use]
    pub fn new(kafka: &Kafka) -> Self {
        Self { settings: client(kafka), group: kafka.group.clone(), client: None }
    }

    /// The members of the group now.
    ///
    /// # Errors
    /// What stood in the way; the next question may be answered.
    pub fn members(&mut self) -> Result<Members, KafkaError> {
        let group = self.group.clone();
        let answer = self.client()?.fetch_group_list(Some(&group), ROSTER_MAX);
        match answer {
            Ok(list) => {
                let group = list.groups().iter().find(|found| found.name() == group);
                Ok(Members::Known {
                    settled: group.is_some_and(|group| group.state() == STABLE),
                    members: group.map(GroupInfo::members).unwrap_or_default().iter().map(member).collect(),
                })
            }
            Err(KafkaError::GroupListFetch(RDKafkaErrorCode::UnsupportedFeature)) => Ok(Members::Untold),
            Err(error) => {
                self.client = None;
                Err(error)
            }
        }
    }

    /// What the cluster calls itself, or where it is found.
    ///
    /// # Errors
    /// When the client's settings are refused.
    pub fn cluster(&mut self) -> Result<String, KafkaError> {
        let bootstrap = self.settings.get("bootstrap.servers").unwrap_or_default().to_owned();
        Ok(self.client()?.client().fetch_cluster_id(ANSWER_MAX).unwrap_or(bootstrap))
    }

    fn client(&mut self) -> Result<&BaseConsumer, KafkaError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => self.settings.create()?,
        };
        // It subscribes to nothing; what it has to say of connections would pile up.
        while client.poll(Duration::ZERO).is_some() {}
        Ok(self.client.insert(client))
    }
}

fn member(info: &GroupMemberInfo) -> Member {
    let prefix = info.id().len().checked_sub(UUID_LEN + 1).and_then(|at| info.id().get(..at));
    // A dynamic member's id begins with its client id instead.
    let instance_id = prefix.filter(|&prefix| prefix != info.client_id()).map(str::to_owned);
    let label = instance_id.clone().unwrap_or_else(|| format!("{} at {}", info.client_id(), info.client_host()));
    Member { instance_id, label }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(settled: bool, names: &[&str]) -> Members {
        let member = |name: &&str| Member {
            instance_id: (!name.is_empty()).then(|| (*name).to_owned()),
            label: (*name).to_owned(),
        };
        Members::Known { settled, members: names.iter().map(member).collect() }
    }

    fn place(cluster: &str) -> Place {
        Place::take(Some("a"), &format!("group-test-{cluster}-{}", std::process::id()), "g")
    }

    #[test]
    fn an_empty_group_is_joined() {
        assert_eq!(turn(&known(false, &[]), &mut place("empty")), Turn::Join);
        assert_eq!(turn(&Members::Untold, &mut place("empty")), Turn::Join);
    }

    #[test]
    fn a_worker_is_stood_by() {
        for settled in [true, false] {
            assert_eq!(turn(&known(settled, &["b.0.0"]), &mut place("worker")), Turn::StandBy("b.0.0".to_owned()));
        }
        let mut second = place("worker");
        let first = place("worker");
        let waits = Turn::StandBy(first.instance_id());
        assert_eq!(turn(&known(true, &[&first.instance_id()]), &mut second), waits);
    }

    #[test]
    fn the_seat_of_a_dead_process_of_this_host_is_taken_if_it_is_the_only_one() {
        let first = place("dead");
        let mut second = place("dead");
        let dead = first.instance_id();
        drop(first);
        let waits = Turn::StandBy(dead.clone());
        assert_eq!(turn(&known(true, &[&dead, "b.0.0"]), &mut second), waits);
        assert_eq!(turn(&known(true, &[&dead]), &mut second), Turn::Join);
        assert_eq!(second.instance_id(), dead);
    }

    #[test]
    fn only_the_sole_member_of_a_settled_group_works() {
        assert_eq!(share(&known(true, &["m"]), "m"), Share::All);
        assert_eq!(share(&Members::Untold, "m"), Share::All);
        assert_eq!(share(&known(false, &["m"]), "m"), Share::Unsettled);
        assert_eq!(share(&known(true, &[]), "m"), Share::Unsettled);
    }

    #[test]
    fn of_several_the_least_stays() {
        for settled in [true, false] {
            assert_eq!(share(&known(settled, &["m", "n"]), "m"), Share::Unsettled);
            assert_eq!(share(&known(settled, &["n", "m"]), "n"), Share::GiveWay("m".to_owned()));
            assert_eq!(share(&known(settled, &["m"]), "n"), Share::GiveWay("m".to_owned()));
        }
    }

    #[test]
    fn a_stranger_is_given_way_to() {
        assert_eq!(share(&known(true, &["m", ""]), "m"), Share::GiveWay(String::new()));
    }
}
