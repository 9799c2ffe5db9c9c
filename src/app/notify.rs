//! `notify`: the notifications alone, without the engine; or with `--test` one alert to try the way.

use std::sync::Arc;

use super::{
    Exit, Failure, Interrupt, cli, http::Port, kafka::refusal, notifications, output, service, settings,
    supervisor::Supervisor, telemetry::Point,
};
use crate::config::Config;

/// Notifies until an interrupt ends the command, or sends one test.
pub(super) fn run(args: &cli::Notify, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let config = settings::load(Some(&args.config))?;
    refusal::settings(&config.kafka)?;
    if config.notify.receivers.is_empty() {
        let file = args.config.display();
        return Err(Failure::usage(format!(
            "`{file}` names nobody to notify: add `[[notify.alertmanager]]` or `[[notify.webhook]]` with `url`"
        )));
    }
    if args.test { test(&config, interrupt) } else { follow(&config, interrupt) }
}

fn follow(config: &Config, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let (telemetry, latch) = service::telemetry(config)?;
    // The service may run beside it, with the same configuration.
    let server = match Port::take(&config.http) {
        Ok(port) => Some(port.serve(Arc::clone(&telemetry))?),
        Err(failure) => {
            tracing::warn!(error = %failure, "notifications go out without a page of metrics");
            None
        }
    };
    let _supervisor = Supervisor::start(Arc::clone(&telemetry))?;
    let interrupt = &interrupt.beating(telemetry.service());
    telemetry.reach(Point::CatchingUp(None));
    let outcome = notifications::run(config, &telemetry, interrupt, || {
        telemetry.reach(Point::Following);
        latch.release();
    });
    telemetry.reach(Point::Ending);
    drop(server);
    match outcome {
        // Nothing is lost: a process that starts reads what is open.
        Err(failure) if failure.exit == Exit::Interrupted => Ok(Exit::Done),
        outcome => outcome.map(|()| Exit::Done),
    }
}

/// Sends each receiver one alert, and prints a line with its answer.
fn test(config: &Config, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for receiver in &config.notify.receivers {
        interrupt.check()?;
        let answer = notifications::test(config, receiver)?;
        let (outcome, words) = match &answer {
            Ok(answer) if (200..=299).contains(&answer.status) => ("ok", format!("answered {}", answer.status)),
            Ok(answer) => ("fail", format!("answered {}: {}", answer.status, one_line(&answer.body))),
            Err(error) => ("fail", error.to_string()),
        };
        if outcome == "fail" {
            exit = Exit::Unavailable;
        }
        output::print(&format!("{outcome:<5} {:<30} {words}\n", receiver.name))?;
    }
    Ok(exit)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
