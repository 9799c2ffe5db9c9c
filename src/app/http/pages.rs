//! What each path answers.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Body,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};

use crate::app::{
    build, clock,
    liveness::Liveness,
    metrics::Page,
    telemetry::{Point, Telemetry},
};

/// Every page with what it says.
const PAGES: [(Page, &str); 4] = [
    (Page::Index, "this list"),
    (Page::Metrics, "metrics, for Prometheus"),
    (Page::Live, "200 while the process's threads make progress, else 503 and which does not"),
    (Page::Ready, "200 once the state is restored and the input caught up with, else 503 and what is waited for"),
];
const TEXT: &str = "text/plain; charset=utf-8";
/// The version of Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is served.
pub struct Site {
    telemetry: Arc<Telemetry>,
    liveness: Mutex<Liveness>,
}

/// Status, kind and text of an answer.
type Answer = (StatusCode, &'static str, String);

impl Site {
    /// The site of one process.
    pub fn new(telemetry: Arc<Telemetry>) -> Self {
        let liveness = Mutex::new(Liveness::new(telemetry.pulses(), clock::monotonic()));
        Self { telemetry, liveness }
    }

    /// Looks at the threads, so that a question later knows since when one stands.
    pub fn look(&self) {
        self.liveness.lock().unwrap_or_else(PoisonError::into_inner).look(clock::monotonic());
    }

    /// For the server to count on.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Answers one request. The server leaves the text out where only the head was asked for.
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
        liveness.look(now);
        match liveness.stalled(now) {
            None => (StatusCode::OK, TEXT, "live\n".to_owned()),
            Some((thread, length)) => {
                let text = format!("the thread `{thread}` has stood for {} s: restart the process\n", length.as_secs());
                (StatusCode::SERVICE_UNAVAILABLE, TEXT, text)
            }
        }
    }

    fn ready(&self) -> Answer {
        match self.telemetry.point() {
            (Point::Following, true) => (StatusCode::OK, TEXT, "ready\n".to_owned()),
            (point, true) => (StatusCode::OK, TEXT, format!("ready, now {point}\n")),
            (point, false) => (StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("not ready: {point}\n")),
        }
    }
}

fn index() -> String {
    let mut text = format!("foreshock {}\n", build());
    for (page, says) in PAGES {
        let _ = writeln!(text, "{:<9} {says}", page.path());
    }
    text
}
