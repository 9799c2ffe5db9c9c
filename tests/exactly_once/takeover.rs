//! Two processes of one configuration on one host: one works, the other stands by and takes over when the first is
//! killed, frozen or ends.

use crate::support::environment::is_long;
use crate::support::flow::Flow;
use crate::support::paced_sender::Pace;
use crate::support::service::Service;
use crate::support::trial::Trial;

/// Logged by a process that has all partitions, before it reads the input again.
const ASSIGNED: &str = "partitions were assigned";
/// Logged once by a process that waits for another.
const STANDS_BY: &str = "this one stands by";
/// Logged by a process that has reached the failpoint at which the test freezes it.
const FREEZES: &str = "failpoint before-commit";
/// Logged by a standby whose state is that of some committed offsets, and by one that takes over with it.
const HOLDS_STATE: &str = "this standby holds the state";
const KEPT_IS_USED: &str = "the state that was kept while standing by is used";
/// Logged by a process that has restored its state, with the number of records that it read for that.
const READ_AGAIN: &str = "the input was read again up to the committed offsets";
/// Alerts that are committed before the test does harm to the first process.
const ALERTS_MIN: usize = 20;

/// Alerts between one kill and the next, in the long form.
const ALERTS_BETWEEN: usize = 8;
/// Sends the records before the first alert within five seconds, and the rest over two minutes.
const OVER_MINUTES: Pace = &[(20_000, 5), (1_800, 120)];
/// Sends the records before the first alert within five seconds, then those of a quieter feed for longer than a takeover takes on a
/// busy machine, and the rest at once.
const AS_IT_COMES: Pace = &[(20_000, 5), (QUIETER.0, QUIETER.1)];
const QUIETER: (u32, u32) = (1_000, 90);
/// Processes that are killed, and processes that are frozen, one after the other in the long form.
const KILLED: usize = 6;
const FROZEN: usize = 3;

#[test]
fn a_standby_takes_over_from_a_killed_process() {
    if is_long() {
        return standbys_take_over_one_after_the_other();
    }
    let trial = Trial::named(Flow::shared(), "takeover");
    let mut follower = trial.alerts.follow();
    let mut first = trial.start();
    first.wait_line(ASSIGNED);
    let mut second = trial.start();
    second.wait_line(STANDS_BY);
    follower.wait(ALERTS_MIN);
    first.kill();
    trial.assert_input_left();
    second.wait_line(ASSIGNED);
    trial.finish(second, follower);
}

/// The standby starts after the records before the first alert, so that its state contains these when it takes over.
#[test]
fn a_standby_goes_on_from_the_state_that_it_keeps() {
    let whole = Flow::shared();
    let (flow, sender) = whole.paced("followed.events", AS_IT_COMES);
    let trial = Trial::named(flow, "followed");
    let mut follower = trial.alerts.follow();
    let mut first = trial.start();
    first.wait_line(ASSIGNED);
    follower.wait(1);
    let mut second = trial.start();
    second.wait_line(HOLDS_STATE);
    first.kill();
    sender.assert_still_sending();
    second.wait_line(KEPT_IS_USED);
    let again = second.wait_json(READ_AGAIN);
    assert!(again["records"].as_u64() < Some(u64::from(QUIETER.0 * QUIETER.1)), "{again}");
    sender.finish();
    trial.finish(second, follower);
}

/// The long form: each process that has taken over is killed too.
fn standbys_take_over_one_after_the_other() {
    let whole = Flow::shared();
    let (flow, sender) = whole.paced("takeovers.events", OVER_MINUTES);
    let trial = Trial::named(flow, "takeover");
    let mut follower = trial.alerts.follow();
    let mut active = trial.start();
    active.wait_line(ASSIGNED);
    for _ in 0..KILLED {
        let mut standby = trial.start();
        standby.wait_line(STANDS_BY);
        follower.wait(follower.seen().len() + ALERTS_BETWEEN);
        active.kill();
        sender.assert_still_sending();
        standby.wait_line(ASSIGNED);
        active = standby;
    }
    sender.finish();
    trial.finish(active, follower);
}

/// The first process is frozen between producing and committing. When it wakes it tries to commit, but has lost its
/// partitions.
#[test]
fn a_process_that_was_frozen_past_its_session_ends_when_it_wakes_and_commits_nothing() {
    if is_long() {
        return frozen_processes_end_one_after_the_other();
    }
    let trial = Trial::named(Flow::shared(), "zombie");
    let follower = trial.alerts.follow();
    let mut first = trial.start_with(&freezes_after(10));
    first.wait_line(FREEZES);
    first.freeze();
    trial.assert_input_left();
    let mut second = trial.start();
    second.wait_line(STANDS_BY);
    second.wait_line(ASSIGNED);
    assert_ends_when_thawed(first);
    trial.finish(second, follower);
}

/// The long form: each process that has taken over is frozen too.
fn frozen_processes_end_one_after_the_other() {
    let whole = Flow::shared();
    let (flow, sender) = whole.paced("zombies.events", OVER_MINUTES);
    let trial = Trial::named(flow, "zombie");
    let follower = trial.alerts.follow();
    let mut active = trial.start_with(&freezes_after(3));
    for left in (0..FROZEN).rev() {
        active.wait_line(FREEZES);
        active.freeze();
        sender.assert_still_sending();
        let mut standby = trial.start_with(&if left > 0 { freezes_after(3) } else { String::new() });
        standby.wait_line(STANDS_BY);
        standby.wait_line(ASSIGNED);
        assert_ends_when_thawed(active);
        active = standby;
    }
    sender.finish();
    trial.finish(active, follower);
}

/// A failpoint that stops the process for three seconds before a commit, when it has opened this many incidents.
fn freezes_after(opened: usize) -> String {
    format!("before-commit={opened}*off->1*return(3000)->off")
}

/// Wakes a frozen process, and proves that it ends and logs that another has taken over.
fn assert_ends_when_thawed(frozen: Service) {
    frozen.thaw();
    let (status, last) = frozen.ended();
    assert_eq!(status.code(), Some(1), "the exit of the frozen process: {status}: {last}");
    assert!(last.contains("has taken over"), "{last}");
}

#[test]
fn a_process_that_ends_on_sigterm_leaves_its_seat_to_the_standby() {
    let trial = Trial::named(Flow::shared(), "handover");
    let mut follower = trial.alerts.follow();
    let mut first = trial.start();
    first.wait_line(ASSIGNED);
    let mut second = trial.start();
    second.wait_line(STANDS_BY);
    follower.wait(ALERTS_MIN);
    let ended = first.terminate();
    trial.assert_input_left();
    assert_eq!(ended.code(), Some(0), "the exit of the first process: {ended}");
    second.wait_line(ASSIGNED);
    trial.finish(second, follower);
}
