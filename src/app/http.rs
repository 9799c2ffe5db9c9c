//! HTTP: the state of the process, for Prometheus, an orchestrator and a person. No request changes anything.
//!
//! One thread with a small runtime of its own answers; the service's thread never waits for it. Each connection serves one request,
//! and all of it must end within a time limit, so a client can neither hold nor collect connections.
//!
//! There is no encryption and no authentication. The address is on the loopback interface unless the configuration names
//! another one, and then a proxy in front must do both.

mod pages;
mod serve;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use self::pages::Site;
use super::{Exit, Failure, telemetry::Telemetry};
use crate::config::Http;

/// A bound address on which nothing is served yet. A start reads the configuration first, then binds the port, then connects to
/// Kafka.
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
    /// The configured address, where another process has it: it is taken as soon as it is free.
    wanted: Option<SocketAddr>,
    limits: Http,
}

/// The HTTP thread. When it is dropped, it accepts no more connections, ends the open ones, and stops within two seconds.
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Port {
    /// Binds the address.
    ///
    /// # Errors
    /// Exit 69 with what to do.
    pub fn take(http: &Http) -> Result<Self, Failure> {
        let (address, listener) = bind(http.listen).map_err(|e| refused(http.listen, &e))?;
        Ok(Self { listener, address, wanted: None, limits: http.clone() })
    }

    /// Binds the address, or a free port of the same interface for as long as another process has the address: several processes of
    /// one configuration may run on a host, and the one that works longest is found where the configuration says.
    ///
    /// # Errors
    /// Exit 69 with what to do.
    pub fn take_when_free(http: &Http) -> Result<Self, Failure> {
        match bind(http.listen) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                let free = Http { listen: SocketAddr::new(http.listen.ip(), 0), ..http.clone() };
                let port = Self::take(&free)?;
                tracing::warn!(
                    wanted = %http.listen,
                    address = %port.address,
                    "another process has the address; HTTP is served on a free port until it ends"
                );
                Ok(Self { wanted: Some(http.listen), ..port })
            }
            Ok((address, listener)) => Ok(Self { listener, address, wanted: None, limits: http.clone() }),
            Err(error) => Err(refused(http.listen, &error)),
        }
    }

    /// The address, with the port that the system chose where the configuration has port 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts to serve.
    ///
    /// # Errors
    /// Exit 1 where the system creates no thread.
    pub fn serve(self, telemetry: Arc<Telemetry>) -> Result<Server, Failure> {
        let fail = |e: io::Error| Failure::new(Exit::Failed, format!("cannot start the HTTP server: {e}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(fail)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(self.listener).map_err(fail)?
        };
        let (stop, stopped) = oneshot::channel();
        let (site, wanted, limits) = (Arc::new(Site::new(telemetry)), self.wanted, self.limits);
        let thread = thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || runtime.block_on(serve::serve((listener, wanted), &site, &limits, stopped)))
            .map_err(fail)?;
        tracing::info!(address = %self.address, "HTTP is served");
        Ok(Server { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the HTTP thread panicked; the service itself did not");
        }
    }
}

/// Returns a listener and its address.
fn bind(listen: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let listener = TcpListener::bind(listen)?;
    // The runtime takes only non-blocking sockets.
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "HTTP is served beyond this machine, unencrypted and to anyone who reaches it");
    }
    Ok((address, listener))
}

fn refused(address: SocketAddr, error: &io::Error) -> Failure {
    let kind = error.kind();
    let what_to_do = if kind == io::ErrorKind::AddrInUse {
        let port = address.port();
        format!("another process has it (`ss -ltnp 'sport = :{port}'` names it): end that one, or set `http.listen`")
    } else if kind == io::ErrorKind::AddrNotAvailable {
        "no interface of this machine has it: correct `http.listen`".to_owned()
    } else if kind == io::ErrorKind::PermissionDenied {
        "ports below 1024 need privileges: set `http.listen` to a higher one".to_owned()
    } else {
        "correct `http.listen`".to_owned()
    };
    Failure::new(Exit::Unavailable, format!("cannot listen on `{address}`: {error}; {what_to_do}"))
}
