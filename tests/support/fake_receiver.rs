//! A small HTTP server in the place of an Alertmanager, which answers as a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Time for an awaited request on a loaded machine.
const REQUEST_MAX: Duration = Duration::from_mins(1);

/// The status to answer with; `None` never answers and keeps the connection open.
pub type Reply = Option<u16>;

/// One request that came.
#[derive(Debug, Clone)]
pub struct Request {
    /// The line of the request and its header lines, as they came.
    pub headers: Vec<String>,
    /// The alerts that were posted: an array, or one by itself.
    pub alerts: Vec<Value>,
    pub reply: Reply,
}

impl Request {
    /// The ends of the alerts. That of one that fires is later in each repetition.
    pub fn ends(&self) -> Vec<&str> {
        self.alerts.iter().map(|alert| alert["endsAt"].as_str().unwrap()).collect()
    }

    /// The label `incident` of each alert.
    pub fn incidents(&self) -> Vec<&str> {
        self.alerts.iter().map(|alert| alert["labels"]["incident"].as_str().unwrap()).collect()
    }
}

/// A server on a thread of its own, which ends with the process.
pub struct FakeReceiver {
    pub address: SocketAddr,
    requests: Receiver<Request>,
}

impl FakeReceiver {
    /// Answers each request by its number, from 0, and its alerts.
    pub fn answering(reply: impl FnMut(usize, &[Value]) -> Reply + Send + 'static) -> Self {
        Self::answering_at_length(3, reply)
    }

    /// The same, with so many bytes in each answer.
    pub fn answering_at_length(bytes: usize, reply: impl FnMut(usize, &[Value]) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || serve(&listener, bytes, reply, &sender));
        Self { address, requests }
    }

    /// The next request, if one has come already.
    pub fn newest(&self) -> Option<Request> {
        self.requests.try_recv().ok()
    }

    /// Waits for the next request.
    #[track_caller]
    pub fn next(&self) -> Request {
        self.requests.recv_timeout(REQUEST_MAX).expect("a request")
    }
}

fn serve(
    listener: &TcpListener,
    bytes: usize,
    mut reply: impl FnMut(usize, &[Value]) -> Reply,
    sender: &Sender<Request>,
) {
    let mut held: Vec<TcpStream> = Vec::new();
    for (n, stream) in listener.incoming().enumerate() {
        let mut stream = stream.unwrap();
        let (headers, body) = read(&stream);
        let body: Value = serde_json::from_slice(&body).unwrap();
        let alerts = body.as_array().cloned().unwrap_or_else(|| vec![body]);
        let reply = reply(n, &alerts);
        // Sent before the answer: a test that knows the answer finds the request. Nobody listens once the test is over.
        let _ = sender.send(Request { headers, alerts, reply });
        match reply {
            // The other side may have given up.
            Some(status) => {
                let body = "n".repeat(bytes);
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {bytes}\r\nConnection: close\r\n\r\n");
                drop(stream.write_all((head + &body).as_bytes()));
            }
            None => held.push(stream),
        }
    }
}

fn read(stream: &TcpStream) -> (Vec<String>, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => headers.push(line.to_owned()),
        }
    }
    let length =
        headers.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    (headers, body)
}
