//! What a test sets up: an HTTP server with a script, a broker, and the producer's process between them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{Message, Offset, TopicPartitionList};

pub(crate) const KEY: &str = "s3cr3tAPIkey";
pub(crate) const TOPIC: &str = "ticks";

/// What the server answers to one request.
pub(crate) enum Answer {
    Reply(u16, String),
    /// With one header.
    With(u16, (&'static str, &'static str), String),
    /// Fewer bytes than announced.
    Truncated(String),
    Silence,
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

type Script = dyn Fn(&Seen) -> Answer + Send + Sync;

#[derive(Clone)]
struct Server {
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// An HTTP server that answers by its script until the test ends.
pub(crate) struct Scripted {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Server {
            script: Arc::new(script),
            seen: Arc::clone(&seen),
        };
        let router = Router::new().fallback(answer).with_state(server);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            seen,
            _runtime: runtime,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        authorization: parts
            .headers
            .get("authorization")
            .map_or(String::new(), |value| value.to_str().unwrap().to_owned()),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let answer = (server.script)(&seen);
    server.seen.lock().unwrap().push(seen);
    let response = Response::builder();
    match answer {
        Answer::Reply(status, body) => response.status(status).body(Body::from(body)),
        Answer::With(status, (name, value), body) => {
            response.status(status).header(name, value).body(Body::from(body))
        }
        Answer::Truncated(body) => response
            .header("content-length", body.len() + 10)
            .body(Body::from_stream(pieces_of(body))),
        Answer::Silence => std::future::pending().await,
    }
    .unwrap()
}

fn pieces_of(body: String) -> impl futures::Stream<Item = Result<String, std::io::Error>> + Send + 'static {
    futures::stream::iter([Ok(body), Err(std::io::Error::other("cut off"))])
}

/// The vendor: `/api_usage` has a large plan, `price` answers all else.
pub(crate) fn vendor(price: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Scripted {
    Scripted::new(move |seen| {
        if seen.target.starts_with("/api_usage") {
            Answer::Reply(200, r#"{"current_usage":1,"plan_limit":10000}"#.to_owned())
        } else {
            price(seen)
        }
    })
}

/// The vendor's error, with the status of its code.
pub(crate) fn error(code: u16, message: &str) -> Answer {
    let body = serde_json::json!({"code": code, "message": message, "status": "error"});
    Answer::Reply(code, body.to_string())
}

/// A broker, with a topic of two partitions.
pub(crate) fn broker() -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 2, 1).unwrap();
    cluster
}

/// A record as a reader of the topic sees it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) schema: String,
    pub(crate) timestamp_ms: i64,
}

/// All that the topic holds, partition by partition.
pub(crate) fn records(brokers: &str) -> Vec<Record> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "test")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut records = Vec::new();
    for partition in 0..2 {
        let mut assignment = TopicPartitionList::new();
        assignment
            .add_partition_offset(TOPIC, partition, Offset::Beginning)
            .unwrap();
        consumer.assign(&assignment).unwrap();
        loop {
            match consumer.poll(Duration::from_secs(5)) {
                // librdkafka had something else to tell
                None => {}
                Some(Ok(message)) => records.push(record(&message)),
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) => panic!("{error}"),
            }
        }
    }
    records
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
    let schema = message.headers().unwrap().get(0);
    assert_eq!(schema.key, "schema");
    Record {
        key: text(message.key()),
        value: text(message.payload()),
        schema: text(schema.value),
        timestamp_ms: message.timestamp().to_millis().unwrap(),
    }
}

/// The producer, with nothing in its environment but what the test puts there.
pub(crate) fn producer(api: &str, brokers: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_producer"));
    command
        .env_clear()
        .env("TWELVEDATA_API_BASE_URL", api)
        .env("TWELVEDATA_API_KEY", KEY)
        .env("KAFKA_BOOTSTRAP_SERVERS", brokers)
        .env("TOPIC_NAME", TOPIC)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The summary on stdout.
    pub(crate) fn summary(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

pub(crate) fn run(command: &mut Command) -> Ended {
    ended(command.output().unwrap())
}

pub(crate) fn terminate(process: Child) -> Ended {
    let pid = nix::unistd::Pid::from_raw(process.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    ended(process.wait_with_output().unwrap())
}

fn ended(output: Output) -> Ended {
    Ended {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The stderr of a process that runs, as far as it has come.
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    pub(crate) fn of(process: &mut Child) -> Self {
        let stderr = process.stderr.take().unwrap();
        let text = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&text);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let mut text = written.lock().unwrap();
                text.push_str(&line.unwrap());
                text.push('\n');
            }
        });
        Self(text)
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

/// Waits for what another process brings about.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never came about: {what}");
}
