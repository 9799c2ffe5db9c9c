//! The time from a kill until the service is ready again: restored, and caught up with the input.

use foreshock::app::clock;
use serde_json::{Value, json};

use super::process::Trial;

/// Kills the service, starts it again, and measures the restart.
pub fn measure(mut trial: Trial) -> Value {
    let end =
        u64::try_from(trial.input.ends(super::support::topic::Isolation::ReadUncommitted).iter().sum::<i64>()).unwrap();
    trial.wait_committed(end);
    let began = clock::monotonic();
    let mut trial = trial.kill_and_start();
    let read = trial.service.wait_json("the input was read again");
    trial.service.wait_line("the service is ready");
    json!({
        "seconds_to_ready": clock::monotonic().duration_since(began).as_secs_f64(),
        "records_read_again": read["records"],
        "seconds_of_reading_again": read["seconds"],
    })
}
