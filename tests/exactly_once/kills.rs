//! Repeated kills of the service at random points, each followed by a restart.

use crate::FAILPOINT;
use crate::support::environment::is_long;
use crate::support::flow::Flow;
use crate::support::paced_sender::Pace;
use crate::support::random::Random;
use crate::support::trial::Trial;

/// Number of kills, in the short form and in the long one. Every third, from the first on, falls between producing and
/// committing; the second of all falls inside a snapshot.
const KILLS: (u64, u64) = (3, 10);
/// Upper limit (exclusive) of the incidents that a service opens before it is killed in a transaction.
const OPENED_MAX: u64 = 3;

/// Sends the records before the first alert within five seconds, and the rest slowly enough that input still arrives after
/// the last kill, however fast the service reads: over a minute in the short form, over four in the long one.
const PACE: (Pace, Pace) = (&[(20_000, 5), (3_500, 60)], &[(20_000, 5), (900, 240)]);

/// Failpoint reached when the broker has all chunks of a snapshot but not its manifest.
const IN_SNAPSHOT: &str = "in-snapshot";

#[test]
fn kills_at_random_points_lose_and_repeat_nothing() {
    let mut random = Random::from_fresh_seed();
    let (kills, pace) = if is_long() { (KILLS.1, PACE.1) } else { (KILLS.0, PACE.0) };
    let whole = Flow::shared();
    let records = whole.records();
    let (flow, sender) = whole.paced("kills.events", pace);
    let trial = Trial::named_with(flow, "kills", "[state]\ninterval_s = 1");
    let follower = trial.alerts.follow();
    for kill in 0..kills {
        if kill % 3 == 0 {
            let opened = random.below(OPENED_MAX);
            kill_at(&trial, FAILPOINT, &format!("{opened}*off->return"));
        } else if kill == 1 {
            kill_at(&trial, IN_SNAPSHOT, "return");
        } else {
            // At most an even share of the rest, so that input still arrives after every kill.
            let mut service = trial.start();
            let committed = trial.committed_under(&mut service);
            let left = records - u64::try_from(committed).unwrap();
            let further = i64::try_from(random.below((left / (kills - kill + 1)).max(1))).unwrap();
            trial.wait_committed(committed + further, &mut service);
            service.kill();
        }
        sender.assert_still_sending();
    }
    sender.finish();
    let last = trial.start();
    trial.finish(last, follower);
}

/// Starts a service and kills it when it has reached a failpoint.
fn kill_at(trial: &Trial, failpoint: &str, action: &str) {
    let mut service = trial.start_with(&format!("{failpoint}={action}"));
    service.wait_line(&format!("failpoint {failpoint}"));
    service.kill();
}
