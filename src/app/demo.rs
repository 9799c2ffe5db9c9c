//! `demo`: runs the whole product in one process, with nothing to set up.
//!
//! A simulated exchange sends to a Kafka broker that is embedded in the process. The same service as in production reads from the
//! broker and writes to it, and the alerts are read back from the broker and shown. The embedded broker is librdkafka's mock: it
//! speaks Kafka's protocol, keeps everything in memory, keeps only the last 5 MiB of a partition (so the exchange waits for the
//! service), and its transactions guarantee nothing. No other command uses it.

mod show;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
    time::Duration,
};

use rdkafka::{Message as _, mocking::MockCluster, producer::DefaultProducerContext};

use self::show::Screen;
use super::{
    Exit, Failure, Interrupt, cli, clock, http,
    kafka::{self, range, topics},
    service::{self, Reload},
    simulate::{Sender, time},
    telemetry::Telemetry,
};
use crate::{
    config::{Brokers, Config, Http, Kafka},
    evaluate::{GRACE, Label, LatestAlerts, score},
    simulate::{Exchange, Item, Planted, Scenario, SimulationPlan},
    time::{EventTime, Span},
};

/// Minutes of quiet flow before the shown part: the service learns for 75 minutes, and gets more.
const WARM_UP_MINUTES: u32 = 180;
/// Minutes of the shown part by default: a quiet minute, a crisis, and calm until its incident is over. A lasting unusual leverage
/// holds the incident open for ten minutes.
const MINUTES: u32 = 15;
/// Speed of the shown part, in multiples of the exchange's own.
const PACE: f64 = 30.0;
/// Minutes from one planted crisis to the next: long enough for an unusual leverage to be accepted as usual, and then to end.
const EVERY_MINUTES: u32 = 20;
/// Number of symbols: enough for a market in which a part of the books can thin.
const SYMBOLS: u32 = 12;
/// How many records the exchange may be ahead of the service: 2 MB, where the broker keeps 5 MiB a partition.
const AHEAD_MAX: u64 = 10_000;
/// How often the exchange checks whether the service has caught up.
const CATCH_UP: Duration = Duration::from_millis(2);
/// Length of a crisis with its consequences, in minutes.
const CRISIS_MINUTES: u32 = 6;
/// Number of partitions of the input: three can differ in how far they were read.
const PARTITIONS: i32 = 3;
/// The default seed.
const SEED: u64 = 7;

/// Runs the demo.
pub(super) fn run(args: &cli::Demo, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let minutes = args.minutes.unwrap_or(MINUTES);
    let exchange = exchange(args.seed.unwrap_or(SEED), minutes)?;
    let labels = exchange.labels().to_vec();
    let live = SimulationPlan::new(0, 1).start.plus(Span::from_secs(i64::from(WARM_UP_MINUTES) * 60));
    // Any free port by default, so that other programs on the machine cannot get in the way.
    let listen = args.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let port = http::Port::take(&Http { listen, ..Config::default().http })?;
    let broker = embedded()?;
    let config = config(&broker)?;
    let screen = Screen::begin(&config, port.address(), minutes, PACE)?;
    let (telemetry, latch) = service::telemetry(&config)?;
    let server = port.serve(Arc::clone(&telemetry))?;
    // The service has an interrupt of its own: it ends after the shown part, and also when the person ends the demo.
    let stop = Interrupt::default();
    let outcome = thread::scope(|scope| {
        let service = scope.spawn(|| service::serve(&config, Reload::never(&config), &stop, &telemetry, latch));
        let watcher = scope.spawn(|| screen.follow(&config, &stop));
        let show = Show { config: &config, screen: &screen, interrupt, telemetry: &telemetry, minutes };
        let outcome = show.run(exchange, &|| service.is_finished());
        stop.request();
        let ended = join(service.join());
        // The service's own failure comes first: it is the reason where the show fails too.
        ended.map(drop).and(outcome).and(join(watcher.join()))
    });
    outcome?;
    drop(server);
    close(&config, &labels, live, &screen, interrupt)
}

fn join<T>(outcome: thread::Result<Result<T, Failure>>) -> Result<T, Failure> {
    outcome.unwrap_or_else(|_| Err(Failure::new(Exit::Failed, "a thread of the demo broke down")))
}

fn exchange(seed: u64, minutes: u32) -> Result<Exchange, Failure> {
    let mut plan = SimulationPlan::new(seed, u64::from(WARM_UP_MINUTES + minutes));
    let at_minute = |minute| Some(f64::from(WARM_UP_MINUTES + minute));
    plan.symbols = SYMBOLS;
    let (scenario, takes) =
        if has_crisis(minutes) { (Scenario::Crisis, CRISIS_MINUTES) } else { (Scenario::CancelBurst, 1) };
    let planted = (1..=minutes.saturating_sub(takes)).step_by(EVERY_MINUTES as usize);
    plan.scenarios = planted.map(|minute| Planted { scenario, at_minute: at_minute(minute) }).collect();
    Exchange::try_new(&plan).map_err(|e| Failure::usage(e.to_string()))
}

/// Whether the shown part has room for a crisis.
const fn has_crisis(minutes: u32) -> bool {
    minutes > CRISIS_MINUTES
}

/// Describes the planted episodes.
const fn planted(minutes: u32) -> &'static str {
    match minutes {
        0 | 1 => "nothing: there is no room",
        _ if has_crisis(minutes) => {
            "a crisis that builds: leverage rises, books thin one after another, cancels burst, positions are sold by force"
        }
        _ => "a burst of cancels (from 7 min on a crisis)",
    }
}

fn embedded() -> Result<MockCluster<'static, DefaultProducerContext>, Failure> {
    let fail = |e| Failure::new(Exit::Failed, format!("the embedded broker does not start: {e}"));
    let broker = MockCluster::new(1).map_err(fail)?;
    let topics = Config::default();
    let input = topics.kafka.input.iter().map(|input| (input.as_str(), PARTITIONS));
    for (topic, partitions) in input.chain(topics.topics.all().map(|topic| (topic.as_str(), 1))) {
        broker.create_topic(topic, partitions, 1).map_err(fail)?;
    }
    Ok(broker)
}

fn config(broker: &MockCluster<'static, DefaultProducerContext>) -> Result<Config, Failure> {
    let brokers = Brokers::parse(&broker.bootstrap_servers());
    let brokers = brokers.map_err(|e| Failure::new(Exit::Failed, format!("the embedded broker's address: {e}")))?;
    let config = Config::default();
    Ok(Config { kafka: Kafka { brokers, ..config.kafka }, ..config })
}

/// Runs the exchange from its first event to its last.
struct Show<'a> {
    config: &'a Config,
    screen: &'a Screen,
    interrupt: &'a Interrupt,
    telemetry: &'a Telemetry,
    minutes: u32,
}

impl Show<'_> {
    fn run(&self, exchange: Exchange, service_ended: &dyn Fn() -> bool) -> Result<(), Failure> {
        let topic = self.config.kafka.input[0].as_str();
        let mut sender = Sender::open(&self.config.kafka, topic)?;
        let began = clock::monotonic();
        let mut live: Option<(EventTime, std::time::Instant)> = None;
        let mut warm = None;
        for item in exchange {
            let at = time(&item);
            let warm_at = *warm.get_or_insert(at.plus(Span::from_secs(i64::from(WARM_UP_MINUTES) * 60)));
            if live.is_none() && at >= warm_at {
                self.settle(&sender, service_ended)?;
                self.screen.warm(sender.records, began, self.minutes, planted(self.minutes))?;
                live = Some((at, clock::monotonic()));
            }
            if let (Some((since, wall)), Item::Heartbeat(_)) = (live, &item) {
                let due = Duration::from_secs_f64(at.since(since).secs_f64() / PACE);
                self.interrupt.wait(due.saturating_sub(clock::monotonic().duration_since(wall)))?;
            }
            sender.send(item)?;
            if sender.records.saturating_sub(self.telemetry.handled()) > AHEAD_MAX {
                self.settle(&sender, service_ended)?;
            }
        }
        self.settle(&sender, service_ended)
    }

    /// Waits until the service has handled every record that was sent.
    fn settle(&self, sender: &Sender, service_ended: &dyn Fn() -> bool) -> Result<(), Failure> {
        sender.finish()?;
        while self.telemetry.handled() < sender.records {
            if service_ended() {
                return Err(Failure::new(Exit::Failed, "the service ended before the show"));
            }
            self.interrupt.wait(CATCH_UP)?;
        }
        Ok(())
    }
}

/// Reads all alerts once more after the end, and scores those of the shown part against its labels. Alerts of the warm-up are
/// counted apart, because the service does not know the market then.
fn close(
    config: &Config,
    labels: &[Label],
    live: EventTime,
    screen: &Screen,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let ranges = topics::ranges(&config.kafka, config.topics.alerts.as_str())?;
    let mut latest = LatestAlerts::default();
    range::read(&kafka::consumer(&config.kafka), &ranges, interrupt, |_, message| {
        // A record that is no alert was written by another program.
        if let Ok(alert) = serde_json::from_slice(message.payload().unwrap_or_default()) {
            latest.insert(alert);
        }
        Ok(())
    })?;
    let (shown, before): (Vec<_>, Vec<_>) =
        latest.into_views().into_iter().partition(|incident| incident.detected_at >= live);
    screen.close(&score(labels, &shown, GRACE), labels, before.len())?;
    Ok(Exit::Done)
}
