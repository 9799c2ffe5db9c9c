//! `check`: whether a configuration would run here, without running it: one line for each thing that the service needs.
//!
//! Nothing that it asks changes anything, and a service that runs beside it does not notice: no group is joined, no record
//! written, no topic created, and the transactions are tried under an id of their own. What a broker does not tell is said as
//! a warning, not guessed. Facts are asked for in one place and judged in another, so that the judgement is plain functions.

mod ask;
mod judge;
mod rights;

use std::{
    fmt,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use self::ask::Broker;
use super::{Exit, Failure, Interrupt, cli, http::Port, kafka::refusal, output, settings};
use crate::config::{Config, Subscription};

/// How long whoever holds the HTTP address may take to say who it is.
const NEIGHBOUR_MAX: Duration = Duration::from_secs(2);
/// The answer to the question who it is begins like this.
const OURS: &str = "\r\n\r\nforeshock ";

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Ok,
    /// It runs, but not as well as it could, or it could not be found out.
    Warn,
    /// It would not run.
    Fail,
}

/// One line: how it stands, what it is about, what was found and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    verdict: Verdict,
    about: String,
    words: String,
}

impl Finding {
    fn ok(about: impl Into<String>, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, about: about.into(), words: words.into() }
    }

    fn warn(about: impl Into<String>, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, about: about.into(), words: words.into() }
    }

    fn fail(about: impl Into<String>, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, about: about.into(), words: words.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        // One line each, whatever an error of the system holds.
        let words = self.words.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{verdict:<5} {:<30} {words}", self.about)
    }
}

/// What was said so far.
struct Report(Verdict);

impl Report {
    fn say(&mut self, findings: impl IntoIterator<Item = Finding>) -> Result<(), Failure> {
        for finding in findings {
            self.0 = self.0.max(finding.verdict);
            output::print(&format!("{finding}\n"))?;
        }
        Ok(())
    }
}

/// Checks everything that can be checked from here.
pub(super) fn run(args: &cli::Run, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let mut report = Report(Verdict::Ok);
    let name = args.config.display().to_string();
    let loaded = settings::load(Some(&args.config));
    let config = match loaded.and_then(|config| refusal::settings(&config.kafka).map(|()| config)) {
        Ok(config) => config,
        Err(failure) => {
            report.say([Finding::fail("configuration", failure.message.lines().next().unwrap_or_default())])?;
            return Err(failure);
        }
    };
    report.say([Finding::ok("configuration", name), http(&config)])?;
    kafka(&config, interrupt, &mut report)?;
    Ok(if report.0 == Verdict::Fail { Exit::Unavailable } else { Exit::Done })
}

fn kafka(config: &Config, interrupt: &Interrupt, report: &mut Report) -> Result<(), Failure> {
    let broker = match Broker::reach(config) {
        Ok(broker) => broker,
        Err(failure) => return report.say([Finding::fail("brokers", failure.message)]),
    };
    report.say([Finding::ok(
        "brokers",
        format!("{}: {}", config.kafka.brokers.as_str(), count(broker.count(), "broker")),
    )])?;
    for input in &config.kafka.input {
        interrupt.check()?;
        match input {
            Subscription::Topic(topic) => report.say(broker.input(topic.as_str()))?,
            Subscription::Pattern(pattern) => report.say([broker.pattern(pattern)])?,
        }
    }
    for topic in config.topics.all() {
        interrupt.check()?;
        report.say(broker.output(topic))?;
    }
    interrupt.check()?;
    report.say([rights::group(&config.kafka), rights::transactions(&config.kafka)])
}

/// Whether the address for HTTP is free. A service that runs already has it, and that is as it should be.
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

/// Whether who listens there is one of us.
fn is_foreshock(address: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&address, NEIGHBOUR_MAX)?;
        stream.set_read_timeout(Some(NEIGHBOUR_MAX))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    ask().is_ok_and(|answer| answer.contains(OURS))
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
