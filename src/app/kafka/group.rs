//! Decides by the members of the consumer group whether this process works. One process works, the others stand by.
//!
//! Before it joins, a process asks for the members. It joins an empty group, or takes over from a dead process of its own host
//! ([`Seat`]); otherwise it waits and asks again. Two processes may still join at the same moment, so a member works only when it
//! is the sole member of a settled group. Of several members, the one with the least name stays and waits, and the others leave.
//! All processes have one transactional id, so whatever goes wrong here, only the last one to take over can commit.
//!
//! The decisions are plain functions of the members; [`Roster`] asks the broker for them. A broker that does not support the
//! question (the demo's) serves one process only.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    groups::{GroupInfo, GroupMemberInfo},
};

use super::{ANSWER_MAX, client, seat::Seat};
use crate::config::Kafka;

/// How long a request for the members may take. A broker that is away takes all of this time; the next request goes to another.
const ROSTER_MAX: Duration = Duration::from_secs(3);
/// The state of a group whose members have agreed on their partitions.
const STABLE: &str = "Stable";
/// Length of the UUID that a broker appends, after a dash, to a static member's name to make the member's id.
const UUID_LEN: usize = 36;

/// The members of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// The broker lists the members.
    Known {
        /// Whether the members have agreed on their partitions, and none is joining or leaving.
        settled: bool,
        /// The members, in the broker's order.
        members: Vec<Member>,
    },
    /// The broker does not support the question.
    Unsupported,
}

/// A member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name, which only static members have.
    pub instance_id: Option<String>,
    /// Name for log lines and messages.
    pub label: String,
}

/// The decision of a process outside the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Join the group.
    Join,
    /// Stand by, because this member works.
    StandBy(String),
}

/// The decision of a member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// Work, with all partitions.
    All,
    /// Wait, because other members are going to leave.
    Unsettled,
    /// Leave the group to this member.
    GiveWay(String),
}

/// Decides whether to join. Takes the seat of a dead process of this host where that is the group's only member.
pub fn admission(members: &Members, seat: &mut Seat) -> Admission {
    let Members::Known { members, .. } = members else { return Admission::Join };
    match members.as_slice() {
        [] => Admission::Join,
        [only] if only.instance_id.as_ref().is_some_and(|id| seat.inherit(id)) => Admission::Join,
        [first, ..] => Admission::StandBy(first.label.clone()),
    }
}

/// Decides whether the member of this name works.
#[must_use]
pub fn share(members: &Members, me: &str) -> Share {
    let Members::Known { settled, members } = members else { return Share::All };
    let (mine, others): (Vec<_>, Vec<_>) = members.iter().partition(|m| m.instance_id.as_deref() == Some(me));
    // A member without a name is another program and never gives way.
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
        Members::Unsupported => false,
    }
}

/// Asks the broker for the members of the group.
pub struct Roster {
    settings: ClientConfig,
    group: String,
    /// A client, created when it is needed. One that failed is dropped, because a new one knows only brokers that answer.
    client: Option<BaseConsumer>,
}

impl Roster {
    /// Makes a roster that has not connected yet.
    #[must_use]
    pub fn new(kafka: &Kafka) -> Self {
        Self { settings: client(kafka), group: kafka.group.clone(), client: None }
    }

    /// Asks for the present members of the group.
    ///
    /// # Errors
    /// Any failure of the request; the next one may succeed.
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
            Err(KafkaError::GroupListFetch(RDKafkaErrorCode::UnsupportedFeature)) => Ok(Members::Unsupported),
            Err(error) => {
                self.client = None;
                Err(error)
            }
        }
    }

    /// Asks for the cluster's id; the bootstrap addresses where the cluster has none.
    ///
    /// # Errors
    /// A client that refuses its settings.
    pub fn cluster(&mut self) -> Result<String, KafkaError> {
        let bootstrap = self.settings.get("bootstrap.servers").unwrap_or_default().to_owned();
        Ok(self.client()?.client().fetch_cluster_id(ANSWER_MAX).unwrap_or(bootstrap))
    }

    fn client(&mut self) -> Result<&BaseConsumer, KafkaError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => self.settings.create()?,
        };
        // The client subscribes to nothing, and its events about connections would pile up.
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

    fn seat(cluster: &str) -> Seat {
        Seat::take(Some("a"), &format!("group-test-{cluster}-{}", std::process::id()), "g")
    }

    #[test]
    fn an_empty_group_is_joined() {
        assert_eq!(admission(&known(false, &[]), &mut seat("empty")), Admission::Join);
        assert_eq!(admission(&Members::Unsupported, &mut seat("empty")), Admission::Join);
    }

    #[test]
    fn a_process_stands_by_while_another_works() {
        for settled in [true, false] {
            assert_eq!(
                admission(&known(settled, &["b.0.0"]), &mut seat("worker")),
                Admission::StandBy("b.0.0".to_owned())
            );
        }
        let mut second = seat("worker");
        let first = seat("worker");
        let waits = Admission::StandBy(first.instance_id());
        assert_eq!(admission(&known(true, &[&first.instance_id()]), &mut second), waits);
    }

    #[test]
    fn the_seat_of_a_dead_process_of_this_host_is_taken_if_it_is_the_only_member() {
        let first = seat("dead");
        let mut second = seat("dead");
        let dead = first.instance_id();
        drop(first);
        let waits = Admission::StandBy(dead.clone());
        assert_eq!(admission(&known(true, &[&dead, "b.0.0"]), &mut second), waits);
        assert_eq!(admission(&known(true, &[&dead]), &mut second), Admission::Join);
        assert_eq!(second.instance_id(), dead);
    }

    #[test]
    fn only_the_sole_member_of_a_settled_group_works() {
        assert_eq!(share(&known(true, &["m"]), "m"), Share::All);
        assert_eq!(share(&Members::Unsupported, "m"), Share::All);
        assert_eq!(share(&known(false, &["m"]), "m"), Share::Unsettled);
        assert_eq!(share(&known(true, &[]), "m"), Share::Unsettled);
    }

    #[test]
    fn of_several_members_the_one_with_the_least_name_stays() {
        for settled in [true, false] {
            assert_eq!(share(&known(settled, &["m", "n"]), "m"), Share::Unsettled);
            assert_eq!(share(&known(settled, &["n", "m"]), "n"), Share::GiveWay("m".to_owned()));
            assert_eq!(share(&known(settled, &["m"]), "n"), Share::GiveWay("m".to_owned()));
        }
    }

    #[test]
    fn a_member_gives_way_to_another_program() {
        assert_eq!(share(&known(true, &["m", ""]), "m"), Share::GiveWay(String::new()));
    }
}
