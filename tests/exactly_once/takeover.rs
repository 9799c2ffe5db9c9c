//! Two processes of one configuration on one host: one works, the other waits, and takes over whatever becomes of the first.

use crate::is_long;
use crate::support::feed::Pace;
use crate::support::flow::Flow;
use crate::support::service::Service;
use crate::support::trial::Trial;

/// Said by a process that has everything, before it reads the input again.
const ASSIGNED: &str = "partitions were assigned";
/// Said once by a process that waits.
const STANDS_BY: &str = "this one stands by";
/// Said by a process that is about to be frozen.
const FREEZES: &str = "failpoint before-commit";
/// Alerts that are out before the first process is harmed.
const ALERTS_MIN: usize = 20;

/// Alerts of the long form between one harm and the next.
const ALERTS_BETWEEN: usize = 8;
/// What comes before the first alert at once or nearly so, the rest over two minutes.
const OVER_MINUTES: Pace = &[(20_000, 5), (1_800, 120)];
/// How many processes are killed, and how many frozen, one after the other in the long form.
const KILLED: usize = 6;
const FROZEN: usize = 3;

#[test]
fn a_process_that_waits_takes_over_from_one_that_was_killed() {
    if is_long() {
        return processes_that_wait_take_over_one_after_the_other();
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

/// The full form: whoever has taken over is killed too.
fn processes_that_wait_take_over_one_after_the_other() {
    let whole = Flow::shared();
    let (flow, feed) = whole.paced("takeovers.events", OVER_MINUTES);
    let trial = Trial::named(flow, "takeover");
    let mut follower = trial.alerts.follow();
    let mut works = trial.start();
    works.wait_line(ASSIGNED);
    for _ in 0..KILLED {
        let mut waits = trial.start();
        waits.wait_line(STANDS_BY);
        follower.wait(follower.seen().len() + ALERTS_BETWEEN);
        works.kill();
        feed.assert_goes_on();
        waits.wait_line(ASSIGNED);
        works = waits;
    }
    feed.finish();
    trial.finish(works, follower);
}

/// The first process is frozen between producing and committing. When it wakes it goes on to commit what is no longer its own.
#[test]
fn a_process_that_was_frozen_past_its_session_ends_when_it_wakes_and_commits_nothing() {
    if is_long() {
        return processes_that_were_frozen_end_one_after_the_other();
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
    assert_wakes_in_vain(first);
    trial.finish(second, follower);
}

/// The full form: whoever has taken over is frozen too.
fn processes_that_were_frozen_end_one_after_the_other() {
    let whole = Flow::shared();
    let (flow, feed) = whole.paced("zombies.events", OVER_MINUTES);
    let trial = Trial::named(flow, "zombie");
    let follower = trial.alerts.follow();
    let mut works = trial.start_with(&freezes_after(3));
    for left in (0..FROZEN).rev() {
        works.wait_line(FREEZES);
        works.freeze();
        feed.assert_goes_on();
        let mut waits = trial.start_with(&if left > 0 { freezes_after(3) } else { String::new() });
        waits.wait_line(STANDS_BY);
        waits.wait_line(ASSIGNED);
        assert_wakes_in_vain(works);
        works = waits;
    }
    feed.finish();
    trial.finish(works, follower);
}

/// The failpoint of a process that stops for three seconds before a commit, when it has opened so many incidents.
fn freezes_after(opened: usize) -> String {
    format!("before-commit={opened}*off->1*return(3000)->off")
}

/// Wakes a process that was taken for dead: it ends, and says that another works.
fn assert_wakes_in_vain(frozen: Service) {
    frozen.thaw();
    let (status, last) = frozen.ended();
    assert_eq!(status.code(), Some(1), "the end of the process that was frozen: {status}: {last}");
    assert!(last.contains("has taken over"), "{last}");
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
