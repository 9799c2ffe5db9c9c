//! HTTP without a broker: pages, refusals, limits on clients, and the end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use foreshock::{
    app::{
        Exit,
        http::{Port, Server},
        metrics::{self, Stage},
        readiness::Latch,
        service,
        telemetry::{PartitionStatus, Point, Telemetry},
    },
    config::{Config, Http},
    engine::{Detection, Engine, Limits, Plan, StageSettings},
    event::Source,
    time::EventTime,
};

use support::{
    deadline::Deadline,
    http::{Metrics, answer, ask, connect, get, try_get, wait_end},
    prometheus,
};

/// Longest wait on a loaded machine.
const WAIT_MAX: Duration = Duration::from_secs(30);

struct Site {
    address: SocketAddr,
    telemetry: Arc<Telemetry>,
    latch: Latch,
    server: Server,
}

fn site() -> Site {
    site_with(64, Duration::from_secs(30))
}

fn site_with(connections_max: u32, request_max: Duration) -> Site {
    let config = Config::default();
    let http = Http {
        listen: "127.0.0.1:0".parse().unwrap(),
        connections_max: NonZeroU32::new(connections_max).unwrap(),
        request_max,
    };
    let port = Port::take(&http).unwrap();
    let address = port.address();
    let (telemetry, latch) = service::telemetry(&config).unwrap();
    let server = port.serve(Arc::clone(&telemetry)).unwrap();
    Site { address, telemetry, latch, server }
}

/// Waits until a series has a value.
fn wait(address: SocketAddr, series: &str, value: f64) {
    let deadline = Deadline::after(WAIT_MAX);
    while Metrics::of(address).get(series).is_none_or(|now| (now - value).abs() > 1e-9) {
        deadline.check(series);
    }
}

#[test]
fn every_page_says_what_it_is_for() {
    let site = site();
    let index = get(site.address, "/");
    assert_eq!(index.status, 200);
    for path in ["/metrics", "/livez", "/readyz"] {
        assert!(index.body.contains(path), "{index:?}");
    }
    let live = get(site.address, "/livez");
    assert_eq!((live.status, live.body.as_str()), (200, "live\n"));
    assert_eq!(
        get(site.address, "/metrics?debug=1").headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let lost = get(site.address, "/metric");
    assert_eq!(lost.status, 404);
    assert!(lost.body.contains("/metrics"), "{lost:?}");
}

#[test]
fn ready_is_who_was_released_once_and_the_page_says_what_it_waits_for() {
    let site = site();
    let asked = |status, words: &str| {
        let ready = get(site.address, "/readyz");
        assert_eq!(ready.status, status, "{ready:?}");
        assert!(ready.body.contains(words), "{ready:?}");
    };
    asked(503, "looking for brokers");
    for (point, words) in [
        (Point::StandingBy { holds_state: false }, "another process works"),
        (Point::Restoring, "restoring"),
        (Point::CatchingUp(Some(12)), "12 records to go"),
    ] {
        site.telemetry.reach(point);
        asked(503, words);
    }
    assert!(Metrics::of(site.address).value("foreshock_ready") < 0.5);
    site.latch.release();
    site.telemetry.reach(Point::Following);
    asked(200, "ready");
    // It has been ready: another's turn does not take that back, but is shown.
    site.telemetry.reach(Point::StandingBy { holds_state: false });
    asked(200, "standing by");
    assert!(Metrics::of(site.address).value("foreshock_ready") > 0.5);
}

#[test]
fn what_the_detectors_judge_is_on_the_page_of_readiness_and_among_the_metrics() {
    let site = site();
    assert_eq!(get(site.address, "/readyz").body.lines().count(), 1, "without partitions nothing can be judged");
    let plan = Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        sources: vec![Source { name: "t".to_owned(), partition: Some(0), feed: 0 }],
        stages: StageSettings::default(),
        replay: String::new(),
        currency: None,
    };
    site.telemetry.cover(Engine::new(plan).coverage());
    let body = get(site.address, "/readyz").body;
    for words in [
        "\nfeed judges 0 of 1 partitions (1 without events of its kind)\n",
        "\ncancel_burst judges 0 of 0 symbols, 0 of 0 accounts\n",
        "\nthin_book_cluster judges not the market (too few symbols)\n",
    ] {
        assert!(body.contains(words), "{body}");
    }
    let metrics = Metrics::of(site.address);
    let partitions = |state: &str| {
        metrics.value(&format!(r#"foreshock_coverage{{detector="feed",state="{state}",subject="partition"}}"#))
    };
    assert!(partitions("no_events") > 0.5 && partitions("judged") < 0.5);
}

#[test]
fn nothing_can_be_changed_and_nothing_can_be_sent() {
    let site = site();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for path in ["/", "/readyz", "/nowhere"] {
            let refused = ask(site.address, &format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
            assert_eq!((refused.status, refused.headers["allow"].as_str()), (405, "GET, HEAD"), "{method} {path}");
        }
    }
    let with_body = "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(ask(site.address, with_body).status, 413);
    let head = ask(site.address, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((head.status, head.body.as_str(), head.headers["content-length"].as_str()), (200, "", "5"));
    wait(site.address, "foreshock_http_requests_total{code=\"405\",path=\"/readyz\"}", 5.0);
    wait(site.address, "foreshock_http_requests_total{code=\"405\",path=\"other\"}", 5.0);
}

#[test]
fn a_request_without_end_is_refused() {
    let site = site();
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    assert_eq!(ask(site.address, &long).status, 431);
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "x: y\r\n".repeat(100));
    assert_eq!(ask(site.address, &many).status, 431);
    assert_eq!(ask(site.address, "what is this\r\n\r\n").status, 400);
    assert_eq!(get(site.address, "/livez").status, 200);
}

#[test]
fn a_client_that_says_nothing_or_reads_nothing_is_cut_off() {
    let site = site_with(64, Duration::from_millis(200));
    let silent = connect(site.address);
    let mut halfway = connect(site.address);
    halfway.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    // Both connections end, with an answer or without one.
    wait_end(silent);
    wait_end(halfway);
    wait(site.address, "foreshock_http_refused_total{reason=\"request_ms_max\"}", 2.0);
}

#[test]
fn beyond_the_limit_a_connection_is_turned_away_and_counted() {
    let site = site_with(2, WAIT_MAX);
    let (first, second) = (connect(site.address), connect(site.address));
    // Whatever the order in which the server takes them, two of the three are let in.
    let third = answer(connect(site.address));
    assert_eq!((third.status, third.body.as_str()), (503, "too many connections\n"));
    drop((first, second));
    let deadline = Deadline::after(WAIT_MAX);
    while try_get(site.address, "/livez").is_none_or(|answer| answer.status != 200) {
        deadline.check("room after two have left");
    }
    assert!(Metrics::of(site.address).value("foreshock_http_refused_total{reason=\"connections_max\"}") >= 1.0);
}

#[test]
fn it_ends_with_connections_open_and_frees_its_address() {
    let site = site();
    let idle = connect(site.address);
    drop(site.server);
    wait_end(idle);
    TcpListener::bind(site.address).unwrap();
}

#[test]
fn an_address_that_is_taken_ends_with_69_and_says_who_to_ask() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = Http { listen: taken.local_addr().unwrap(), ..Config::default().http };
    let failure = Port::take(&http).err().unwrap();
    assert_eq!(failure.exit, Exit::Unavailable);
    let port = taken.local_addr().unwrap().port().to_string();
    for words in [port.as_str(), "in use", "http.listen", "ss -ltnp"] {
        assert!(failure.message.contains(words), "{failure}");
    }
}

#[test]
fn an_address_that_another_process_has_is_taken_over_once_it_is_free() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = Http { listen: taken.local_addr().unwrap(), ..Config::default().http };
    let port = Port::take_when_free(&http).unwrap();
    let until_then = port.address();
    assert_ne!(until_then, http.listen);
    let (telemetry, _latch) = service::telemetry(&Config::default()).unwrap();
    let server = port.serve(telemetry).unwrap();
    assert_eq!(get(until_then, "/livez").status, 200);
    drop(taken);
    let deadline = Deadline::after(WAIT_MAX);
    while std::net::TcpStream::connect(http.listen).is_err() {
        deadline.check("the configured address");
    }
    assert_eq!(get(http.listen, "/livez").status, 200);
    drop(server);
}

#[test]
fn prometheus_checker_has_nothing_to_say_and_every_metric_is_in_the_list() {
    let site = site();
    let clock = Some(EventTime::from_nanos(1_760_130_000_000_000_000));
    let position = PartitionStatus { topic: "a\"b\\c".to_owned(), number: 3, clock, lag: Some(7) };
    let numbers = metrics::Numbers::default();
    for stage in [Stage::Feed, Stage::Queue, Stage::Engine, Stage::Delivery] {
        site.telemetry.meters.alert(stage, 0.003);
    }
    site.telemetry.meters.committed(Duration::from_millis(4), 2);
    let before = get(site.address, "/metrics").body;
    prometheus::check_metrics(&before);
    let known = |text: &str| {
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let name = line.split(' ').next().unwrap();
            assert!(metrics::ALL.iter().any(|metric| metric.name == name), "{name}");
        }
    };
    known(&before);
    site.telemetry.publish(numbers, vec![position]);
    let after = get(site.address, "/metrics").body;
    prometheus::check_metrics(&after);
    known(&after);
    let after = Metrics::parse(&after);
    assert!((after.value(r#"foreshock_consumer_lag_records{partition="3",topic="a\"b\\c"}"#) - 7.0).abs() < 1e-9);
    assert!(after.value(r#"foreshock_watermark_lag_seconds{partition="3",topic="a\"b\\c"}"#) > 0.0);
    let delivered = after.value(r#"foreshock_notifications_total{outcome="delivered",receiver="kafka"}"#);
    assert!((delivered - 2.0).abs() < 1e-9);
}
