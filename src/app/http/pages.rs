//! Answers a request by its path.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Body,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};

use crate::{
    app::{
        build, clock, coverage,
        liveness::Liveness,
        metrics::Page,
        telemetry::{Point, Telemetry},
    },
    trust::{Mode, Standing},
};

/// Every page with its line in the index.
const PAGES: [(Page, &str); 4] = [
    (Page::Index, "this list"),
    (Page::Metrics, "metrics, for Prometheus"),
    (Page::Live, "200 while the process's threads make progress, else 503 and which does not"),
    (
        Page::Ready,
        "200 once the state is restored and the input caught up with, else 503 and what is waited for; then what each detector judges",
    ),
];
/// Media type of every page but the metrics.
const TEXT: &str = "text/plain; charset=utf-8";
/// Media type of the metrics, with the version of Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The pages of one process.
pub struct Site {
    telemetry: Arc<Telemetry>,
    liveness: Mutex<Liveness>,
}

/// Status, media type and text of an answer.
type Answer = (StatusCode, &'static str, String);

impl Site {
    /// The pages of the process with this telemetry.
    pub fn new(telemetry: Arc<Telemetry>) -> Self {
        let liveness = Mutex::new(Liveness::new(telemetry.pulses(), clock::monotonic()));
        Self { telemetry, liveness }
    }

    /// Observes the threads, so that a later answer knows since when one is stalled.
    pub fn observe(&self) {
        self.liveness.lock().unwrap_or_else(PoisonError::into_inner).observe(clock::monotonic());
    }

    /// The telemetry, whose counters the server increments.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Answers one request. The server leaves out the text of the answer to a HEAD request.
    pub fn answer<B: Body>(&self, request: &Request<B>) -> Response<String> {
        let page = PAGES.iter().map(|(page, _)| *page).find(|page| page.path() == request.uri().path());
        let (status, kind, text) = match page {
            _ if request.method() != Method::GET && request.method() != Method::HEAD => {
                (StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD: nothing here can be changed\n".to_owned())
            }
            _ if !request.body().is_end_stream() => {
                (StatusCode::PAYLOAD_TOO_LARGE, TEXT, "a request here has no body\n".to_owned())
            }
            Some(Page::Index) => (StatusCode::OK, TEXT, index()),
            Some(Page::Metrics) => self.metrics(),
            Some(Page::Live) => self.live(),
            Some(Page::Ready) => self.ready(),
            Some(Page::Other) | None => (StatusCode::NOT_FOUND, TEXT, format!("not here; what is:\n{}", index())),
        };
        self.telemetry.meters.answered(page.unwrap_or(Page::Other), status.as_u16());
        let mut response = Response::new(text);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }

    fn metrics(&self) -> Answer {
        match self.telemetry.metrics(clock::wall()) {
            Ok(text) => (StatusCode::OK, METRICS, text),
            Err(failure) => (StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{failure}\n")),
        }
    }

    fn live(&self) -> Answer {
        let now = clock::monotonic();
        let mut liveness = self.liveness.lock().unwrap_or_else(PoisonError::into_inner);
        liveness.observe(now);
        match liveness.stalled(now) {
            None => (StatusCode::OK, TEXT, "live\n".to_owned()),
            Some((thread, length)) => {
                let text = format!(
                    "the thread `{thread}` has made no progress for {} s: restart the process\n",
                    length.as_secs()
                );
                (StatusCode::SERVICE_UNAVAILABLE, TEXT, text)
            }
        }
    }

    fn ready(&self) -> Answer {
        let (status, mut text) = match self.telemetry.point() {
            (Point::Following, true) => (StatusCode::OK, "ready\n".to_owned()),
            (point, true) => (StatusCode::OK, format!("ready, now {point}\n")),
            (point, false) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {point}\n")),
        };
        let Standing { mode, reasons } = self.telemetry.standing();
        if mode > Mode::Normal {
            let reasons: Vec<&str> = reasons.iter().map(|cause| cause.name()).collect();
            let _ = writeln!(text, "{}: {}", mode.name(), reasons.join(", "));
        }
        for (detector, judged) in coverage::words(&self.telemetry.coverage()) {
            let _ = writeln!(text, "{detector} judges {judged}");
        }
        (status, TEXT, text)
    }
}

fn index() -> String {
    let mut text = format!("foreshock {}\n", build());
    for (page, description) in PAGES {
        let _ = writeln!(text, "{:<9} {description}", page.path());
    }
    text
}
