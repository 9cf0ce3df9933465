//! Where a test takes place.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use test_bed::{Bed, Kafka, Launch, Process, S3, StoredObject, program};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use twelve_data_stand_in::StandIn;

/// For what a test waits for; far longer than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Runs a test. All share one runtime, as the shared servers' clients live on it.
pub(crate) fn run(test: impl Future<Output = ()>) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(test);
}

/// A topic and a bucket, on servers that other tests use as well, or on its own.
pub(crate) struct World {
    pub(crate) bed: Bed,
    pub(crate) kafka: Arc<Kafka>,
    pub(crate) s3: Arc<S3>,
    pub(crate) topic: String,
    pub(crate) bucket: String,
}

/// One broker and one S3 server for all tests. They die with the process.
async fn shared() -> (Bed, Arc<Kafka>, Arc<S3>) {
    static SHARED: OnceCell<(Bed, Arc<Kafka>, Arc<S3>)> = OnceCell::const_new();
    let start = || async {
        let bed = Bed::new().unwrap();
        let (kafka, s3) = tokio::join!(Kafka::start(&bed, "kafka", 1), S3::start(&bed, "s3"));
        (bed, Arc::new(kafka.unwrap()), Arc::new(s3.unwrap()))
    };
    SHARED.get_or_init(start).await.clone()
}

impl World {
    /// A place of its own for a test. The name is its topic's and its bucket's.
    pub(crate) async fn new(name: &str, partitions: i32) -> Self {
        let (bed, kafka, s3) = shared().await;
        Self::on(bed, kafka, s3, name, partitions).await
    }

    /// The same on servers of its own.
    pub(crate) async fn on(
        bed: Bed,
        kafka: impl Into<Arc<Kafka>>,
        s3: impl Into<Arc<S3>>,
        name: &str,
        partitions: i32,
    ) -> Self {
        let (kafka, s3) = (kafka.into(), s3.into());
        kafka.create_topic(name, partitions).await.unwrap();
        s3.create_bucket(name).await.unwrap();
        Self {
            bed,
            kafka,
            s3,
            topic: name.to_owned(),
            bucket: name.to_owned(),
        }
    }

    /// A consumer of this topic that writes an object a second or so. A killed one loses its partitions soon.
    pub(crate) fn consumer(&self, name: &str) -> Launch {
        self.consumer_by(&self.kafka.bootstrap_servers(), name)
    }

    /// The same, which reaches the brokers at these addresses.
    pub(crate) fn consumer_by(&self, brokers: &str, name: &str) -> Launch {
        self.plain_consumer(name)
            .variable("KAFKA_BOOTSTRAP_SERVERS", brokers)
            .args(["-X", "session.timeout.ms=6000"])
    }

    /// The same with the session timeout as it comes.
    pub(crate) fn plain_consumer(&self, name: &str) -> Launch {
        built("consumer", format!("{}-{name}", self.topic))
            .args(["--bucket", &self.bucket, "--topic", &self.topic])
            .variable("KAFKA_BOOTSTRAP_SERVERS", self.kafka.bootstrap_servers())
            .variable("FLUSH_INTERVAL", "500ms")
            // of its own: tests that share a broker would have each other's members rebalance
            .variable("CONSUMER_GROUP", &self.topic)
            .variables(self.s3.variables())
            .serving_metrics()
            .unwrap()
    }

    /// A producer for this topic that polls as fast as it is answered.
    pub(crate) fn producer(&self, stand_in: &StandIn, symbols: &str) -> Launch {
        built("producer", format!("{}-producer", self.topic))
            .args(["--symbols", symbols, "--interval", "0s", "--topic", &self.topic])
            .variable("KAFKA_BOOTSTRAP_SERVERS", self.kafka.bootstrap_servers())
            .variable("TWELVEDATA_API_BASE_URL", stand_in.base_url())
            .variable("TWELVEDATA_API_KEY", "any")
    }

    /// The consumer's own proof: exit status and report.
    pub(crate) async fn audit(&self) -> (Option<i32>, String) {
        let launch = built("consumer", format!("{}-audit", self.topic))
            .args(["audit", "--bucket", &self.bucket, "--complete"])
            .variables(self.s3.variables());
        let audit = self.start(&launch);
        let status = audit.end(PATIENCE).await.unwrap();
        (status.code(), audit.stdout() + &audit.log())
    }

    /// The same as data: exit status and what `--json` writes.
    pub(crate) async fn audit_report(&self) -> (Option<i32>, serde_json::Value) {
        let launch = built("consumer", format!("{}-audit-json", self.topic))
            .args(["audit", "--bucket", &self.bucket, "--complete", "--json"])
            .variables(self.s3.variables());
        let audit = self.start(&launch);
        let status = audit.end(PATIENCE).await.unwrap();
        (status.code(), serde_json::from_str(&audit.stdout()).unwrap())
    }

    pub(crate) async fn assert_clean(&self) {
        let (status, report) = self.audit().await;
        assert_eq!(status, Some(0), "{report}");
    }

    pub(crate) fn start(&self, launch: &Launch) -> Process {
        Process::start(&self.bed, launch).unwrap()
    }

    /// Waits until the bucket holds this many records, or the processes that should bring them have ended.
    pub(crate) async fn until_stored(&self, count: usize, by: &[&Process]) {
        let poll = async {
            loop {
                let objects = self.s3.objects(&self.bucket, "").await.unwrap();
                let count_of =
                    |object: &StoredObject| object.metadata["record-count"].parse::<usize>().unwrap();
                let stored: usize = objects.iter().map(count_of).sum();
                if stored >= count {
                    return;
                }
                let ended = by.iter().find(|process| process.ended().is_some());
                assert!(
                    ended.is_none(),
                    "{stored} of {count} stored, and then:\n{}",
                    ended.unwrap().log()
                );
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let logs = || by.iter().map(|process| process.log()).collect::<String>();
        let done = tokio::time::timeout(PATIENCE, poll).await;
        assert!(done.is_ok(), "{count} records are not stored:\n{}", logs());
    }
}

/// Stops a program as systemd does. It must drain and say so by its status.
pub(crate) async fn stop(process: &Process) {
    let status = process.stop(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}:\n{}", process.log());
}

/// A launch of a program that was built after its sources were last changed: a stale one would be tested in its place.
pub(crate) fn built(program: &str, name: impl Into<String>) -> Launch {
    let path = program::path(program).unwrap();
    let changed_at = |path: &Path| path.metadata().unwrap().modified().unwrap();
    // cargo's list of what the program was made of: `program: source source …`
    let list = std::fs::read_to_string(path.with_extension("d")).unwrap();
    let (_, sources) = list.split_once(": ").unwrap();
    for source in sources
        .split_whitespace()
        .map(Path::new)
        .filter(|source| source.exists())
    {
        let is_older = changed_at(source) <= changed_at(&path);
        assert!(
            is_older,
            "{} is newer than {program}, run `cargo build --workspace`",
            source.display()
        );
    }
    program::launch(program, name).unwrap()
}
