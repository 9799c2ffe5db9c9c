//! Accepts connections, and limits their number, size and time.

use std::{convert::Infallible, future::ready, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::pages::Site;
use crate::config::Http;

/// Largest size of a request's line and headers together: no scraper sends a tenth of it.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Largest number of a request's headers: a browser sends about twenty.
const HEADERS_MAX: usize = 64;
/// How often the threads are observed: a page says to the second since when one makes no progress.
const OBSERVE_EVERY: Duration = Duration::from_secs(1);
/// How long open connections may go on once the process ends: an answer takes milliseconds.
const GRACE: Duration = Duration::from_secs(1);
/// The pause after a connection could not be accepted, mostly for want of file handles: an attempt at once would only use the
/// processor.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// The answer to a connection beyond the limit.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 21\r\n\r\ntoo many connections\n";

/// Serves until a message comes through `stopped`, or its sender is dropped. An address that is wanted instead is taken over within
/// a second after it is free.
pub async fn serve(
    (mut listener, mut wanted): (TcpListener, Option<SocketAddr>),
    site: &Arc<Site>,
    limits: &Http,
    mut stopped: oneshot::Receiver<()>,
) {
    let connections_max = limits.connections_max.get();
    let permits = Arc::new(Semaphore::new(connections_max as usize));
    let mut ticks = interval(OBSERVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            _ = ticks.tick() => {
                site.observe();
                if let Some(address) = wanted && let Ok(free) = TcpListener::bind(address).await {
                    tracing::info!(%address, "HTTP is served at the configured address now");
                    (listener, wanted) = (free, None);
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => admit(stream, site, &permits, limits.request_max),
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    // All permits are free when the last connection has ended.
    let _ = timeout(GRACE, permits.acquire_many(connections_max)).await;
}

/// Serves a connection, if there are not too many.
fn admit(stream: TcpStream, site: &Arc<Site>, permits: &Arc<Semaphore>, length_max: Duration) {
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        tokio::spawn(answer(stream, Arc::clone(site), permit, length_max));
    } else {
        site.telemetry().meters.turned_away();
        // The answer fits into the empty send buffer, or is not sent at all.
        let _ = stream.try_write(FULL);
    }
}

/// Serves one connection, which has one request.
async fn answer(stream: TcpStream, site: Arc<Site>, _permit: OwnedSemaphorePermit, length_max: Duration) {
    let service = service_fn(|request: Request<Incoming>| ready(Ok::<_, Infallible>(site.answer(&request))));
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .timer(TokioTimer::new())
        .header_read_timeout(length_max)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(length_max, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if error.is_timeout() => site.telemetry().meters.cut_off(),
        Ok(Err(error)) => tracing::debug!(%error, "a connection failed"),
        Err(_) => site.telemetry().meters.cut_off(),
    }
}
