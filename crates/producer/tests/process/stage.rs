//! What a test sets up: the stand-in as the vendor, one Kafka for all tests, and the producer's process between them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use quote_model::Tick;
use serde_json::Value;
use test_bed::{Bed, Kafka, KafkaLink, Launch, Process, Record};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use twelve_data_stand_in::{Config, StandIn};

pub(crate) const KEY: &str = "s3cr3tAPIkey";

/// For what a test waits for; far longer than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Runs a test. All share one runtime, as the shared broker's clients live on it.
pub(crate) fn run(test: impl Future<Output = ()>) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(test);
}

/// One broker for all tests, with a link for each that takes it away. It dies with the process.
async fn broker() -> (Bed, Arc<Kafka>) {
    static BROKER: OnceCell<(Bed, Arc<Kafka>)> = OnceCell::const_new();
    let start = || async {
        let bed = Bed::new().unwrap();
        let kafka = Kafka::start_linked(&bed, "kafka", 1, LINKS).await.unwrap();
        (bed, Arc::new(kafka))
    };
    BROKER.get_or_init(start).await.clone()
}

const LINKS: usize = 3;

/// A vendor and a topic of a test's own.
pub(crate) struct Scene {
    pub(crate) bed: Bed,
    pub(crate) kafka: Arc<Kafka>,
    pub(crate) topic: String,
    pub(crate) stand_in: StandIn,
}

impl Scene {
    pub(crate) async fn new(topic: &str) -> Self {
        Self::with(topic, Config::default()).await
    }

    pub(crate) async fn with(topic: &str, config: Config) -> Self {
        let (bed, kafka) = broker().await;
        kafka.create_topic(topic, 2).await.unwrap();
        kafka.until_in_sync(topic).await.unwrap();
        let config = Config {
            api_key: Some(KEY.to_owned()),
            ..config
        };
        Self {
            bed,
            kafka,
            topic: topic.to_owned(),
            stand_in: StandIn::start(config).await.unwrap(),
        }
    }

    /// The way to the broker that this test alone cuts. Links count from 0.
    pub(crate) fn link(&self, number: usize) -> KafkaLink {
        self.kafka.link(number)
    }

    /// The producer, with nothing in its environment but what stands here.
    pub(crate) fn producer(&self, arguments: &[&str]) -> Launch {
        Launch::new(format!("{}-producer", self.topic), env!("CARGO_BIN_EXE_producer"))
            .args(arguments)
            .variable("TWELVEDATA_API_BASE_URL", self.stand_in.base_url())
            .variable("TWELVEDATA_API_KEY", KEY)
            .variable("KAFKA_BOOTSTRAP_SERVERS", self.kafka.bootstrap_servers())
            .variable("TOPIC_NAME", &self.topic)
    }

    pub(crate) fn start(&self, launch: &Launch) -> Process {
        Process::start(&self.bed, launch).unwrap()
    }

    /// Runs the producer to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        let process = self.start(&self.producer(arguments));
        let status = process.end(PATIENCE).await.unwrap();
        Ended::of(&process, status.code())
    }

    /// All that the topic holds, by partition and offset.
    pub(crate) async fn records(&self) -> Vec<Record> {
        self.kafka.records(&self.topic).await.unwrap()
    }

    /// Waits for a tick of a symbol.
    pub(crate) async fn until_in_kafka(&self, symbol: &str) {
        let poll = async {
            while !self
                .records()
                .await
                .iter()
                .any(|record| tick(record).symbol.as_str() == symbol)
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, poll).await;
        assert!(came.is_ok(), "no tick of {symbol} in {}", self.topic);
    }

    /// What the vendor charged.
    pub(crate) fn credits(&self) -> u64 {
        self.stand_in
            .requests()
            .iter()
            .map(|request| request.credits)
            .sum()
    }
}

/// The tick of a record.
pub(crate) fn tick(record: &Record) -> Tick<'_> {
    Tick::decode(record.value.as_deref().unwrap()).unwrap()
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) log: String,
}

impl Ended {
    pub(crate) fn of(process: &Process, status: Option<i32>) -> Self {
        Self {
            status,
            stdout: process.stdout(),
            log: process.log(),
        }
    }

    /// The summary on stdout.
    pub(crate) fn summary(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Stops it as systemd does.
pub(crate) async fn stop(process: &Process) -> Ended {
    let status = process.stop(PATIENCE).await.unwrap();
    Ended::of(process, status.code())
}
