//! Alerts at a webhook, as they are in the topic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::bench::{Bench, alert, broker};
use crate::support::fake_receiver::{FakeReceiver, Request};

fn hook(receiver: &FakeReceiver) -> String {
    format!(
        "[notify]\nresend_s = 1\n[[notify.webhook]]\nurl = 'http://{}/hooks/swordfish'\nsend = 'info'\n",
        receiver.address
    )
}

fn key(request: &Request) -> String {
    let line = request.headers.iter().find(|line| line.to_lowercase().starts_with("idempotency-key:"));
    line.unwrap().split_once(": ").unwrap().1.to_owned()
}

#[test]
fn a_webhook_is_posted_each_revision_as_it_is_once_and_with_its_key() {
    let receiver = FakeReceiver::answering(|_, alerts| {
        let answers = |status: u16| Some(status);
        match alerts[0]["id"].as_str().unwrap() {
            "bad" => answers(422),
            _ => answers(204),
        }
    });
    let bench = Bench::with(broker(), "webhook", &hook(&receiver));
    bench.write("a", 1, "firing", "info");
    let service = bench.notify();
    let request = receiver.next();
    let mut expected = alert("a", 1, "firing", "info");
    expected["history"] = json!({"times_before": 0, "last_at": null, "last_ended": null, "last_status": null});
    let why_unknown = expected["nulls"].as_object_mut().unwrap().remove("history");
    assert!(why_unknown.is_some(), "in the topic it is not known: {expected}");
    // The sentence says what the field says.
    let told = expected["description"].as_str().unwrap().replace("; whether it happened before is not known here", "");
    expected["description"] = format!("{told}\nNot seen before within the look-back").into();
    assert_eq!((key(&request), &request.alerts), ("a-1".to_owned(), &vec![expected]));
    assert!(request.headers[0].starts_with("POST /hooks/swordfish HTTP"), "{:?}", request.headers);
    // A revision that is refused as malformed is left out, and holds up no other. Nothing is repeated, though every second would be
    // the time for it.
    bench.write("bad", 1, "firing", "warning");
    assert_eq!(key(&receiver.next()), "bad-1");
    for (revision, status, severity) in [(2, "amended", "critical"), (3, "resolved", "critical")] {
        bench.write("a", revision, status, severity);
        let request = receiver.next();
        assert_eq!((key(&request), &request.alerts[0]["status"]), (format!("a-{revision}"), &Value::from(status)));
    }
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0));
    assert!(!log.contains("swordfish"), "the log shows the path, which is often a secret");
    assert!(log.contains("the revision is left out"), "{log}");
}

#[test]
fn a_webhook_that_was_away_gets_the_end_also_from_a_process_that_starts_later() {
    let is_back = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&is_back);
    let receiver = FakeReceiver::answering(move |_, _| Some(if answers.load(Ordering::SeqCst) { 200 } else { 503 }));
    let bench = Bench::with(broker(), "webhook-away", &hook(&receiver));
    bench.write("a", 1, "firing", "critical");
    let service = bench.notify();
    assert_eq!(key(&receiver.next()), "a-1");
    bench.write("a", 2, "resolved", "critical");
    service.kill();
    is_back.store(true, Ordering::SeqCst);
    let service = bench.notify();
    loop {
        let request = receiver.next();
        if request.reply == Some(200) {
            assert_eq!(key(&request), "a-2");
            break;
        }
    }
    assert_eq!(service.terminate().code(), Some(0));
    let tested = bench.ask(&["notify", "--test"]);
    assert!(tested.0 == Some(0) && tested.1.starts_with("ok"), "{tested:?}");
    assert_eq!(key(&receiver.next()), "test-1");
}
