//! A client of one HTTP service: one request per connection, with a limit on its time and on what is read of the answer.
//!
//! TLS is OpenSSL's, because the Kafka client has brought it already: one library, one set of trusted certificates. A request a
//! minute is no reason for a pool of connections, and a new connection notices a receiver that moved.

use std::{fmt, fs, future::poll_fn, path::Path, pin::Pin, time::Duration};

use hyper::{
    Method, Request, Response,
    body::{Body, Incoming},
    client::conn::http1,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use openssl::{
    base64,
    ssl::{SslConnector, SslMethod},
    x509::{X509, store::X509StoreBuilder},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_openssl::SslStream;

use crate::{
    app::{Failure, build},
    config::{Login, ReceiverSettings, Url},
};

/// The header by which a service recognises a request that it has taken before (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// How much of an answer is read: the message of a refusal. The rest of a longer one is left.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Beginning of the body.
    pub body: String,
}

/// The reason why a request got no answer. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer(String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A client of one service.
pub struct Client {
    url: Url,
    login: Option<Login>,
    timeout: Duration,
    tls: Option<SslConnector>,
}

/// A task that ends when it is dropped.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client {
    /// The client of a receiver.
    ///
    /// # Errors
    /// Exit 64 where a file that the configuration names cannot be used.
    pub fn new(receiver: &ReceiverSettings) -> Result<Self, Failure> {
        let wrong = |what: &dyn fmt::Display| Failure::usage(format!("receiver `{}`: {what}", receiver.name));
        let login = receiver.login.clone();
        authorization(login.as_ref()).map_err(|e| wrong(&e))?;
        let tls =
            receiver.url.tls.then(|| connector(receiver.ca_file.as_deref())).transpose().map_err(|e| wrong(&e))?;
        Ok(Self { url: receiver.url.clone(), login, timeout: receiver.timeout, tls })
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn get(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.ask(self.request(Method::GET, path, String::new(), None)?).await
    }

    /// Posts JSON to a path below that of the service. By the key, if there is one, the service recognises a request that it has
    /// taken before.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn post(&self, path: &str, json: String, key: Option<&str>) -> Result<Answer, NoAnswer> {
        self.ask(self.request(Method::POST, path, json, key)?).await
    }

    /// Connects, over TLS if the address is `https`, and sends no request.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn reach(&self) -> Result<(), NoAnswer> {
        self.within(async {
            let stream = self.connect().await?;
            if let Some(connector) = &self.tls {
                secured(connector, &self.url.host, stream).await?;
            }
            Ok(())
        })
        .await
    }

    async fn ask(&self, request: Request<String>) -> Result<Answer, NoAnswer> {
        self.within(async {
            let stream = self.connect().await?;
            match &self.tls {
                None => exchange(stream, request).await,
                Some(connector) => exchange(secured(connector, &self.url.host, stream).await?, request).await,
            }
        })
        .await
    }

    async fn connect(&self) -> Result<TcpStream, NoAnswer> {
        TcpStream::connect((self.url.host.as_str(), self.url.port)).await.map_err(|e| no_answer(&e))
    }

    /// Gives up after the receiver's time.
    async fn within<T>(&self, work: impl Future<Output = Result<T, NoAnswer>>) -> Result<T, NoAnswer> {
        let given_up = || Err(NoAnswer(format!("no answer within {} s", self.timeout.as_secs())));
        timeout(self.timeout, work).await.unwrap_or_else(|_| given_up())
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: String,
        key: Option<&str>,
    ) -> Result<Request<String>, NoAnswer> {
        let path = Some(format!("{}{path}", self.url.path)).filter(|path| !path.is_empty());
        let mut request = Request::builder()
            .method(method)
            .uri(path.unwrap_or_else(|| "/".to_owned()))
            .header(HOST, self.url.authority())
            .header(USER_AGENT, format!("foreshock/{}", build()))
            .header(CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(value) = authorization(self.login.as_ref())? {
            request = request.header(AUTHORIZATION, value);
        }
        request.body(body).map_err(|e| no_answer(&e))
    }
}

fn no_answer(error: &dyn fmt::Display) -> NoAnswer {
    NoAnswer(error.to_string())
}

/// The header of a login, with the secret that is in the file now.
fn authorization(login: Option<&Login>) -> Result<Option<HeaderValue>, NoAnswer> {
    let (file, text) = match login {
        None => return Ok(None),
        Some(Login::Basic(file)) => {
            let pair = secret(file)?;
            if !pair.contains(':') {
                return Err(NoAnswer(format!("`{}` does not hold `user:password`", file.display())));
            }
            (file, format!("Basic {}", base64::encode_block(pair.as_bytes())))
        }
        Some(Login::Bearer(file)) => (file, format!("Bearer {}", secret(file)?)),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| NoAnswer(format!("`{}` holds characters that no header may have", file.display())))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// A secret without the newline at its end.
fn secret(file: &Path) -> Result<String, NoAnswer> {
    let text = fs::read_to_string(file).map_err(|e| NoAnswer(format!("cannot read `{}`: {e}", file.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A connector that trusts the certificates in a file alone, or those of the system.
fn connector(ca_file: Option<&Path>) -> Result<SslConnector, NoAnswer> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(|e| no_answer(&e))?;
    if let Some(file) = ca_file {
        let wrong =
            |e: &dyn fmt::Display| NoAnswer(format!("cannot use the certificates in `{}`: {e}", file.display()));
        let pem = fs::read(file).map_err(|e| wrong(&e))?;
        let certificates = X509::stack_from_pem(&pem).map_err(|e| wrong(&e))?;
        if certificates.is_empty() {
            return Err(wrong(&"it has none"));
        }
        let mut store = X509StoreBuilder::new().map_err(|e| wrong(&e))?;
        for certificate in certificates {
            store.add_cert(certificate).map_err(|e| wrong(&e))?;
        }
        builder.set_cert_store(store.build());
    }
    Ok(builder.build())
}

/// Secures a connection, and checks that the certificate is trusted and of this host.
async fn secured(connector: &SslConnector, host: &str, stream: TcpStream) -> Result<SslStream<TcpStream>, NoAnswer> {
    let ssl = connector.configure().and_then(|configured| configured.into_ssl(host)).map_err(|e| no_answer(&e))?;
    let mut stream = SslStream::new(ssl, stream).map_err(|e| no_answer(&e))?;
    Pin::new(&mut stream).connect().await.map_err(|e| no_answer(&e))?;
    Ok(stream)
}

/// Sends the request and reads the beginning of the answer.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<String>,
) -> Result<Answer, NoAnswer> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| no_answer(&e))?;
    // Its error is also that of the request.
    let _driver = Driver(tokio::spawn(async move { drop(connection.await) }));
    let response = sender.send_request(request).await.map_err(|e| no_answer(&e))?;
    let status = response.status().as_u16();
    Ok(Answer { status, body: beginning(response).await })
}

/// The beginning of a body. A connection that breaks after the status has given the answer that matters.
async fn beginning(response: Response<Incoming>) -> String {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { break };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}
