//! `demo`: the whole product in one process, with nothing to set up.
//!
//! A simulated exchange sends to a Kafka broker that is embedded in the process; the service as it runs in production reads
//! from it and writes to it; the alerts are read back from the broker and shown. The embedded broker is librdkafka's mock:
//! it speaks Kafka, keeps everything in memory, forgets what goes beyond 5 MiB a partition (so the exchange waits for
//! the service), and its transactions promise nothing. It serves this command and no other.

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
    service,
    simulate::Sender,
    telemetry::Telemetry,
};
use crate::{
    config::{Brokers, Config, Http, Kafka},
    evaluate::{LATENESS, Label, Seen, score},
    simulate::{Exchange, Item, Plan, Planted, Scenario},
    time::{EventTime, Span},
};

/// Quiet flow before anything is shown: the service learns what is usual for 75 minutes, and is given more.
const WARM_UP_MINUTES: u32 = 180;
/// What is shown where nothing else is asked for: a quiet minute, a crisis, and calm until its incident is over, which an unusual
/// leverage that stays holds open for ten minutes.
const MINUTES: u32 = 15;
/// How many times faster than the exchange the shown part runs.
const PACE: f64 = 30.0;
/// Minutes from one planted crisis to the next: as long as an unusual leverage is news, and then until it has calmed.
const EVERY_MINUTES: u32 = 20;
/// Enough symbols for a market of which a part can thin, and accounts to trade them.
const SYMBOLS: u32 = 12;
/// How far the exchange may be ahead of the service: 2 MB, and the broker keeps 5 MiB a partition.
const AHEAD_MAX: u64 = 10_000;
/// How long the exchange waits before it looks again whether the service has caught up.
const CATCH_UP: Duration = Duration::from_millis(2);
/// What a crisis takes, with what it leaves.
const CRISIS_MINUTES: u32 = 6;
/// Three partitions: one to be ahead, one behind, one between.
const PARTITIONS: i32 = 3;
/// The seed where none is given.
const SEED: u64 = 7;

/// Shows everything at work.
pub(super) fn run(args: &cli::Demo, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let minutes = args.minutes.unwrap_or(MINUTES);
    let exchange = exchange(args.seed.unwrap_or(SEED), minutes)?;
    let labels = exchange.labels().to_vec();
    let live = Plan::new(0, 1).start.plus(Span::from_secs(i64::from(WARM_UP_MINUTES) * 60));
    // Any free port: what else runs on the machine must not stand in the demo's way.
    let listen = args.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let port = http::Port::take(&Http { listen, ..Config::default().http })?;
    let broker = embedded()?;
    let config = config(&broker)?;
    let screen = Screen::begin(&config, port.address(), minutes, PACE)?;
    let (telemetry, latch) = service::telemetry(&config)?;
    let server = port.serve(Arc::clone(&telemetry))?;
    // The service has an end of its own: when the show is over, and when the person ends it.
    let stop = Interrupt::default();
    let outcome = thread::scope(|scope| {
        let service = scope.spawn(|| service::serve(&config, &stop, &telemetry, latch));
        let watcher = scope.spawn(|| screen.follow(&config, &stop));
        let show = Show { config: &config, screen: &screen, interrupt, telemetry: &telemetry, minutes };
        let outcome = show.run(exchange, &|| service.is_finished());
        stop.request();
        let ended = join(service.join());
        // Why the service ended early says more than that it did.
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
    let mut plan = Plan::new(seed, u64::from(WARM_UP_MINUTES + minutes));
    let at_minute = |minute| Some(f64::from(WARM_UP_MINUTES + minute));
    plan.symbols = SYMBOLS;
    let (scenario, takes) =
        if has_crisis(minutes) { (Scenario::Crisis, CRISIS_MINUTES) } else { (Scenario::CancelBurst, 1) };
    let planted = (1..=minutes.saturating_sub(takes)).step_by(EVERY_MINUTES as usize);
    plan.scenarios = planted.map(|minute| Planted { scenario, at_minute: at_minute(minute) }).collect();
    Exchange::try_new(&plan).map_err(|e| Failure::usage(e.to_string()))
}

/// A short show has no room for a crisis.
const fn has_crisis(minutes: u32) -> bool {
    minutes > CRISIS_MINUTES
}

/// What is planted, in words.
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

/// The exchange, from its first event to its last.
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

    /// Waits until the service has handled all that was sent.
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

const fn time(item: &Item) -> EventTime {
    match item {
        Item::Event(event) => event.ts,
        Item::Heartbeat(at) => *at,
    }
}

/// Reads all alerts once more, now that no more come, and holds those of the shown part against what was planted in it: what the
/// warm-up brings is what a service says that does not know its market yet.
fn close(
    config: &Config,
    labels: &[Label],
    live: EventTime,
    screen: &Screen,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let ranges = topics::ranges(&config.kafka, config.topics.alerts.as_str())?;
    let mut seen = Seen::default();
    range::read(&kafka::consumer(&config.kafka), &ranges, interrupt, |_, message| {
        // What is no alert was written by somebody else.
        if let Ok(alert) = serde_json::from_slice(message.payload().unwrap_or_default()) {
            seen.take(alert);
        }
        Ok(())
    })?;
    let (shown, before): (Vec<_>, Vec<_>) =
        seen.into_views().into_iter().partition(|incident| incident.detected_at >= live);
    screen.close(&score(labels, &shown, LATENESS), labels, before.len())?;
    Ok(Exit::Done)
}
