//! The service is killed again and again, at points that nobody chose, and started again.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::support::flow::Flow;
use crate::support::trial::Trial;
use crate::{FAILPOINT, is_long};

/// How often: of each three kills the first is between producing and committing, and the second of all is inside a snapshot.
const KILLS: (u64, u64) = (3, 10);
/// Incidents that one service opens at most before its transaction is killed.
const OPENED_MAX: u64 = 3;

/// Reached when all pieces of a snapshot are with the broker and its manifest is not.
const IN_SNAPSHOT: &str = "in-snapshot";

#[test]
fn kills_at_random_points_lose_and_repeat_nothing() {
    let flow = Flow::shared();
    let kills = if is_long() { KILLS.1 } else { KILLS.0 };
    let mut random = Random(RandomState::new().build_hasher().finish());
    eprintln!("seed {}", random.0);
    let records = flow.records();
    let trial = Trial::named_with(flow, "kills", "[state]\ninterval_s = 1");
    let follower = trial.alerts.follow();
    for kill in 0..kills {
        if kill % 3 == 0 {
            let opened = random.below(OPENED_MAX);
            kill_at(&trial, FAILPOINT, &format!("{opened}*off->return"));
        } else if kill == 1 {
            kill_at(&trial, IN_SNAPSHOT, "return");
        } else {
            // An even share of what is left at most, so that no kill comes after the input's end.
            let committed = trial.committed().unwrap();
            let left = records - u64::try_from(committed).unwrap();
            let further = i64::try_from(random.below((left / (kills - kill + 1)).max(1))).unwrap();
            let mut service = trial.start();
            trial.wait_committed(committed + further, &mut service);
            service.kill();
        }
        trial.assert_input_left();
    }
    let last = trial.start();
    trial.finish(last, follower);
}

/// Kills a service that has reached a failpoint.
fn kill_at(trial: &Trial, failpoint: &str, action: &str) {
    let mut service = trial.start_with(&format!("{failpoint}={action}"));
    service.wait_line(&format!("failpoint {failpoint}"));
    service.kill();
}

/// `SplitMix64`: enough to choose points in time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }
}
