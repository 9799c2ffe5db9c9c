//! Two processes of one configuration on one host: one works, the other waits, and takes over whatever becomes of the first.

use crate::support::flow::Flow;
use crate::support::trial::Trial;

/// Said by a process that has everything, before it reads the input again.
const ASSIGNED: &str = "partitions were assigned";
/// Said once by a process that waits.
const STANDS_BY: &str = "this one stands by";
/// Alerts that are out before the first process is harmed.
const ALERTS_MIN: usize = 20;

#[test]
fn a_process_that_waits_takes_over_from_one_that_was_killed() {
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

/// The first process is frozen between producing and committing. When it wakes it goes on to commit what is no longer its own.
#[test]
fn a_process_that_was_frozen_past_its_session_ends_when_it_wakes_and_commits_nothing() {
    let trial = Trial::named(Flow::shared(), "zombie");
    let follower = trial.alerts.follow();
    let mut first = trial.start_with("before-commit=10*off->1*return(3000)->off");
    first.wait_line("failpoint before-commit");
    first.freeze();
    trial.assert_input_left();
    let mut second = trial.start();
    second.wait_line(STANDS_BY);
    second.wait_line(ASSIGNED);
    first.thaw();
    let (status, last) = first.ended();
    assert_eq!(status.code(), Some(1), "the end of the process that was frozen: {status}: {last}");
    assert!(last.contains("has taken over"), "{last}");
    trial.finish(second, follower);
}

#[test]
fn a_process_that_ends_when_it_is_told_leaves_its_seat_to_the_next() {
    let trial = Trial::named(Flow::shared(), "handover");
    let mut follower = trial.alerts.follow();
    let mut first = trial.start();
    first.wait_line(ASSIGNED);
    let mut second = trial.start();
    second.wait_line(STANDS_BY);
    follower.wait(ALERTS_MIN);
    let ended = first.terminate();
    trial.assert_input_left();
    assert_eq!(ended.code(), Some(0), "the first one's end: {ended}");
    second.wait_line(ASSIGNED);
    trial.finish(second, follower);
}
