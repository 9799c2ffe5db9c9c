//! The routes of `deploy/alertmanager.yml` at a real Alertmanager, with receivers of the test's own in the place of a pager and a chat.

use std::net::SocketAddr;
use std::path::Path;

use crate::bench::{Bench, url, wait_metric};
use crate::support::alertmanager::Alertmanager;
use crate::support::environment;
use crate::support::fake_receiver::{FakeReceiver, Request};
use crate::support::service::Service;

/// The shipped configuration with two webhooks as its receivers.
fn routes(pager: SocketAddr, tickets: SocketAddr) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/alertmanager.yml");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    let (routes, _) = shipped.split_once("\nreceivers:\n").unwrap();
    let hook = |name: &str, address: SocketAddr| {
        format!("  - name: {name}\n    webhook_configs: [{{url: 'http://{address}/', send_resolved: true}}]\n")
    };
    format!("{routes}\nreceivers:\n  - name: nobody\n{}{}", hook("pager", pager), hook("tickets", tickets))
}

/// Status and incident of each alert in a notification.
fn notified(request: &Request) -> Vec<(&str, &str)> {
    let alerts = request.alerts.iter().flat_map(|body| body["alerts"].as_array().unwrap());
    alerts.map(|alert| (alert["status"].as_str().unwrap(), alert["labels"]["incident"].as_str().unwrap())).collect()
}

#[test]
fn two_processes_are_one_page_a_silence_holds_it_back_and_tickets_go_elsewhere() {
    let [pager, tickets] = [(); 2].map(|()| FakeReceiver::answering(|_, _| Some(200)));
    let address = Alertmanager::free_address();
    let alertmanager = Alertmanager::routed(address, &routes(pager.address, tickets.address));
    let bench = Bench::new("routed", &[url(address)]);
    let mut services = [(); 2].map(|()| Service::command("notify", bench.config.path()));
    let metrics = services.each_mut().map(Service::http);

    bench.write("page", 1, "firing", "critical");
    assert_eq!(notified(&pager.next()), [("firing", "page")]);
    bench.write("ticket", 1, "firing", "warning");
    assert_eq!(notified(&tickets.next()), [("firing", "ticket")]);

    // Known trouble: its page is held back, another one is not.
    alertmanager.silence("known");
    bench.write("known", 1, "firing", "critical");
    alertmanager.wait_for("the silenced page", |am| am.shown().contains(&("known".to_owned(), "critical".to_owned())));
    bench.write("other", 1, "firing", "critical");
    assert_eq!(notified(&pager.next()), [("firing", "other")]);

    // Both processes repeat what is open each second, and nobody is notified of that.
    let repeated = format!("foreshock_notifications_total{{outcome=\"repeated\",receiver=\"{address}\"}}");
    for process in metrics {
        wait_metric(process, &repeated, |n| n > 3.5);
    }
    assert!(pager.newest().is_none() && tickets.newest().is_none());

    // The end of a page reaches the pager, and the rise of a ticket is a page.
    bench.write("page", 2, "resolved", "critical");
    bench.write("ticket", 2, "amended", "critical");
    let mut news: Vec<_> = [pager.next(), pager.next()].iter().flat_map(notified).map(owned).collect();
    news.sort();
    assert_eq!(news, [("firing", "ticket"), ("resolved", "page")].map(owned));
    for service in services {
        assert_eq!(service.terminate().code(), Some(0));
    }
}

fn owned((status, incident): (&str, &str)) -> (String, String) {
    (status.to_owned(), incident.to_owned())
}

#[test]
fn an_alertmanager_that_was_away_for_long_shows_what_is_open_and_nothing_else() {
    // Ten minutes in the long form: incidents open, change and end all the time.
    let rounds = if environment::is_long() { 60 } else { 4 };
    let address = Alertmanager::free_address();
    // Two incidents of each round page, and `Storm` is another test's.
    let bench = Bench::paging("away", 2 * rounds, &[url(address)]);
    let service = bench.notify();
    for round in 0..rounds {
        let id = |kind: &str| format!("{kind}{round}");
        bench.write(&id("over"), 1, "firing", "critical");
        bench.write(&id("raised"), 1, "firing", "warning");
        bench.write(&id("over"), 2, "resolved", "critical");
        bench.write(&id("raised"), 2, "amended", "critical");
        if round > 0 {
            bench.write(&format!("raised{}", round - 1), 3, "resolved", "critical");
        }
        if environment::is_long() {
            std::thread::park_timeout(std::time::Duration::from_secs(10));
        }
    }
    let alertmanager = Alertmanager::at(address);
    alertmanager.wait(&[(&format!("raised{}", rounds - 1), "critical")]);
    assert_eq!(service.terminate().code(), Some(0));
}
