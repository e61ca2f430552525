//! A load generator that costs little beside what it measures: one thread, prepared bytes, one request under way on
//! each connection.

use std::cell::Cell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// What came of a run.
pub struct Report {
    /// How long each request took, in microseconds, sorted.
    micros: Vec<u32>,
    took: Duration,
    /// Answers whose status was not 2xx, and the first of them.
    pub refused: u64,
    pub first_refusal: Option<String>,
}

impl Report {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.micros.len() as f64 / self.took.as_secs_f64()
    }

    /// The time within which a share of the requests was answered.
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.micros.len().saturating_sub(1);
        let at = ((last as f64) * share).round() as usize;
        Duration::from_micros(self.micros.get(at).copied().unwrap_or(0).into())
    }

    /// The longest time.
    pub fn worst(&self) -> Duration {
        self.percentile(1.0)
    }

    /// Ends the program if a request was refused: its figure would mean nothing.
    pub fn check(self, what: &str) -> Report {
        if let Some(text) = &self.first_refusal {
            panic!("{what}: {} requests were refused; the first answer: {text}", self.refused);
        }
        self
    }
}

/// One answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    chunk: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, chunk: vec![0; 64 << 10], buffer: Vec::new() })
    }

    /// Sends a request and reads the answer to its end.
    pub async fn send(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        let mut rest = request;
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(e) => return Err(e),
            }
        }
        self.buffer.clear();
        loop {
            if let Some((status, from, to)) = complete(&self.buffer) {
                return Ok(Answer { status, body: self.buffer[from..to].to_vec() });
            }
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.buffer.extend_from_slice(&self.chunk[..read]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Status and place of the body once all of it is there.
fn complete(bytes: &[u8]) -> Option<(u16, usize, usize)> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let end = head + 4 + length.parse::<usize>().ok()?;
    (bytes.len() >= end).then_some((status, head + 4, end))
}

/// The bytes of a request with a JSON body.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The bytes of a request without body.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").into_bytes()
}

/// Sends `count` requests over so many connections; `make` gives the bytes of each.
pub fn run(
    address: SocketAddr,
    connections: usize,
    count: u64,
    make: impl Fn(u64) -> Vec<u8> + 'static,
) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (next, make) = (Rc::new(Cell::new(0)), Rc::new(make));
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let started = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..connections {
            tasks.push(tokio::task::spawn_local(drive(address, next.clone(), count, make.clone())));
        }
        let (mut micros, mut refused, mut first_refusal) = (Vec::new(), 0, None);
        for task in tasks {
            let (times, bad, first) = task.await.expect("a connection does not fail");
            micros.extend(times);
            refused += bad;
            first_refusal = first_refusal.or(first);
        }
        let took = started.elapsed();
        micros.sort_unstable();
        Report { micros, took, refused, first_refusal }
    })
}

async fn drive(
    address: SocketAddr,
    next: Rc<Cell<u64>>,
    count: u64,
    make: Rc<impl Fn(u64) -> Vec<u8>>,
) -> (Vec<u32>, u64, Option<String>) {
    let mut connection = Connection::open(address).await.expect("a connection");
    let (mut micros, mut refused, mut first) = (Vec::new(), 0, None);
    loop {
        let number = next.get();
        if number == count {
            return (micros, refused, first);
        }
        next.set(number + 1);
        let request = make(number);
        let started = Instant::now();
        let answer = connection.send(&request).await.expect("an answer");
        micros.push(started.elapsed().as_micros().try_into().unwrap_or(u32::MAX));
        if !(200..300).contains(&answer.status) {
            refused += 1;
            first.get_or_insert_with(|| {
                format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))
            });
        }
    }
}

/// Sends one request on a connection of its own.
pub fn once(address: SocketAddr, request: &[u8]) -> std::io::Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Connection::open(address).await?.send(request).await })
}
