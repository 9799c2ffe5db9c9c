//! `check`: tests whether a configuration would run here, without running it: one line for each thing that the service needs.
//!
//! A check changes nothing and does not disturb a running service: it joins no group, writes no record, creates no topic, and
//! tries the transactions under an id of its own. Where a broker does not provide a fact, the check warns and does not guess.
//! `broker` collects the facts and `judge` judges them, so that the judgement is plain functions.

mod broker;
mod finding;
mod judge;
mod retry;
mod rights;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use self::{
    broker::Broker,
    finding::{Finding, Outcome, count},
};
use super::{
    Exit, Failure, Interrupt, cli,
    http::Port,
    kafka::refusal,
    notifications::{self, Answer},
    output, settings,
};
use crate::config::{Config, ReceiverSettings, Subscription};

/// How long a process that holds the HTTP address may take to answer.
const HOLDER_ANSWER_MAX: Duration = Duration::from_secs(2);
/// The start of the body that our own index page has.
const INDEX_START: &str = "\r\n\r\nforeshock ";

/// Prints findings, and holds the worst outcome so far.
struct Report(Outcome);

impl Report {
    fn print(&mut self, findings: impl IntoIterator<Item = Finding>) -> Result<(), Failure> {
        for finding in findings {
            self.0 = self.0.max(finding.outcome);
            output::print(&format!("{finding}\n"))?;
        }
        Ok(())
    }
}

/// Checks the configuration, the HTTP address and everything on the brokers.
pub(super) fn run(args: &cli::Run, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let mut report = Report(Outcome::Ok);
    let name = args.config.display().to_string();
    let loaded = settings::load(Some(&args.config));
    let config = match loaded.and_then(|config| refusal::settings(&config.kafka).map(|()| config)) {
        Ok(config) => config,
        Err(failure) => {
            report.print([Finding::fail("configuration", failure.message.lines().next().unwrap_or_default())])?;
            return Err(failure);
        }
    };
    report.print([Finding::ok("configuration", name), http(&config)])?;
    kafka(&config, interrupt, &mut report)?;
    for receiver in &config.notify.receivers {
        interrupt.check()?;
        report.print([notified(receiver)])?;
    }
    Ok(if report.0 == Outcome::Fail { Exit::Unavailable } else { Exit::Done })
}

fn kafka(config: &Config, interrupt: &Interrupt, report: &mut Report) -> Result<(), Failure> {
    let broker = match Broker::reach(config) {
        Ok(broker) => broker,
        Err(failure) => return report.print([Finding::fail("brokers", failure.message)]),
    };
    report.print([Finding::ok(
        "brokers",
        format!("{}: {}", config.kafka.brokers.as_str(), count(broker.count(), "broker")),
    )])?;
    for input in &config.kafka.input {
        interrupt.check()?;
        match input {
            Subscription::Topic(topic) => report.print(broker.input(topic.as_str()))?,
            Subscription::Pattern(pattern) => report.print([broker.pattern(pattern)])?,
        }
    }
    for topic in config.topics.all() {
        interrupt.check()?;
        report.print(broker.output(topic))?;
    }
    interrupt.check()?;
    report.print([rights::group(&config.kafka), rights::transactions(&config.kafka)])
}

/// Whether the HTTP address is free. An address that a running service holds is no failure.
fn http(config: &Config) -> Finding {
    let (about, address) = ("http", config.http.listen);
    let beyond =
        if address.ip().is_loopback() { "" } else { "; beyond this machine: anyone who reaches it can read it" };
    match Port::take(&config.http) {
        Ok(_) if beyond.is_empty() => Finding::ok(about, format!("{address} is free")),
        Ok(_) => Finding::warn(about, format!("{address} is free{beyond}")),
        Err(_) if is_foreshock(address) => {
            Finding::warn(about, format!("{address} is taken by a foreshock that runs: end it before another starts"))
        }
        Err(failure) => Finding::fail(about, failure.message),
    }
}

/// Whether a receiver answers and takes the login. One that is away does not keep the service from running. A webhook has no path
/// that could be asked without an effect, so it is only seen whether something listens.
fn notified(receiver: &ReceiverSettings) -> Finding {
    let about = format!("receiver {}", receiver.name);
    match notifications::status(receiver) {
        Ok(Ok(None)) => Finding::ok(about, "accepts connections; `foreshock notify --test` tries the rest"),
        Ok(Ok(Some(answer))) => status(about, &answer),
        Ok(Err(error)) => Finding::warn(about, format!("does not answer ({error}): it is tried until it does")),
        Err(failure) => Finding::fail(about, failure.message),
    }
}

/// Judges the answer of an Alertmanager that was asked for its status.
fn status(about: String, answer: &Answer) -> Finding {
    match answer.status {
        200 => Finding::ok(about, "answers"),
        status @ (401 | 403) => {
            let what = "correct `basic_auth_file` or `bearer_file`";
            Finding::fail(about, format!("refuses the login ({status}): {what}"))
        }
        404 => Finding::fail(about, "is no Alertmanager with API version 2 (404): correct `url`"),
        status => Finding::warn(about, format!("answers {status}: it is tried until it takes alerts")),
    }
}

/// Whether the process that listens at the address is a foreshock.
fn is_foreshock(address: SocketAddr) -> bool {
    let request = || {
        let mut stream = TcpStream::connect_timeout(&address, HOLDER_ANSWER_MAX)?;
        stream.set_read_timeout(Some(HOLDER_ANSWER_MAX))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    request().is_ok_and(|answer| answer.contains(INDEX_START))
}
