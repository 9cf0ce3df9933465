//! One Kafka for the whole test binary, prepared by the commands that are tested. It dies with the process,
//! however that ends.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};

const LOG4J2: &str = "status = off
appender.stderr.type = Console
appender.stderr.name = STDERR
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d %p %c: %m%n
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = STDERR
";

/// A node that answers at `127.0.0.1`, and what it was made from.
pub(crate) struct Kafka {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    pub(crate) first_format: Output,
}

impl Kafka {
    pub(crate) fn shared() -> &'static Self {
        static KAFKA: OnceLock<Kafka> = OnceLock::new();
        KAFKA.get_or_init(Self::start)
    }

    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Runs `broker-setup` against this broker.
    pub(crate) fn setup(&self, arguments: &[&str]) -> Output {
        setup(&[arguments, &["--bootstrap-server", &self.bootstrap()]].concat())
    }

    /// Runs one of Kafka's own tools.
    pub(crate) fn tool(&self, class: &str, arguments: &[&str]) -> String {
        let output = java(class)
            .args(["--bootstrap-server", &self.bootstrap()])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{class}: {output:?}");
        stdout(&output)
    }

    /// Another node, which tells clients to go on at this port of its host. It is not waited for.
    pub(crate) fn advertising(advertised_port: u16) -> Self {
        let folder = new_folder().join("advertising");
        fs::create_dir_all(&folder).unwrap();
        let [port, controller_port] = free_ports();
        let listeners = format!(
            "advertised.listeners=PLAINTEXT://127.0.0.1:{advertised_port},CONTROLLER://127.0.0.1:{controller_port}"
        );
        Self::prepare(folder, port, controller_port, &["--set", &listeners])
    }

    fn start() -> Self {
        let [port, controller_port] = free_ports();
        let kafka = Self::prepare(new_folder(), port, controller_port, &[]);
        let waited = kafka.setup(&["wait", "--timeout", "120s", "--advertised-host", "127.0.0.1"]);
        assert!(waited.status.success(), "{waited:?}");
        kafka
    }

    fn prepare(folder: PathBuf, port: u16, controller_port: u16, settings: &[&str]) -> Self {
        let config = folder.join("server.properties");
        let data = folder.join("data");
        let arguments = [
            "render",
            "--advertised-host",
            "127.0.0.1",
            "--allow-loopback",
            "--listen-host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--controller-port",
            &controller_port.to_string(),
            "--data-dir",
            data.to_str().unwrap(),
            "--set",
            "offsets.topic.num.partitions=3",
            "--out",
            config.to_str().unwrap(),
        ];
        let rendered = setup(&[&arguments, settings].concat());
        assert!(rendered.status.success(), "{rendered:?}");
        let first_format = format_in(&folder);
        assert!(first_format.status.success(), "{first_format:?}");
        start_broker(&config);
        Self {
            folder,
            port,
            first_format,
        }
    }
}

/// A folder of this process's own. Those of processes that ended are removed: this one cannot do it for itself,
/// as its broker writes there to the end.
fn new_folder() -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broker-setup");
    fs::create_dir_all(&all).unwrap();
    for old in fs::read_dir(&all).unwrap().flatten() {
        if !Path::new("/proc").join(old.file_name()).exists() {
            fs::remove_dir_all(old.path()).unwrap();
        }
    }
    let folder = all.join(std::process::id().to_string());
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The broker's parent is a thread that never ends, so that the kernel kills it when the process ends.
fn start_broker(config: &Path) {
    let logging = config.with_file_name("log4j2.properties");
    fs::write(&logging, LOG4J2).unwrap();
    let log = fs::File::create(config.with_file_name("kafka.log")).unwrap();
    let kafka_home = kafka_home();
    let config = config.to_owned();
    let (started, is_started) = mpsc::channel();
    std::thread::spawn(move || {
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "java"])
            .args(["-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
            .arg(format!("-Dlog4j2.configurationFile={}", logging.display()))
            .arg("-cp")
            .arg(kafka_home.join("libs/*"))
            .arg("kafka.Kafka")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        started.send(child.map(|child| child.id())).unwrap();
        loop {
            std::thread::park();
        }
    });
    is_started.recv().unwrap().unwrap();
}

pub(crate) fn kafka_home() -> PathBuf {
    let given = std::env::var_os("KAFKA_HOME").map(PathBuf::from);
    given.unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"),
            PathBuf::from,
        );
        cache.join("quote-pipeline/kafka-4.3.1")
    })
}

/// One of Kafka's classes, to be run with more arguments.
pub(crate) fn java(class: &str) -> Command {
    let mut command = Command::new("java");
    command
        .args(["-XX:TieredStopAtLevel=1", "-cp"])
        .arg(kafka_home().join("libs/*"))
        .arg(class);
    command
}

/// `broker-setup format` of the node that was rendered into `folder`.
pub(crate) fn format_in(folder: &Path) -> Output {
    setup(&[
        "format",
        "--kafka-home",
        kafka_home().to_str().unwrap(),
        "--config",
        folder.join("server.properties").to_str().unwrap(),
        "--cluster-id-file",
        folder.join("cluster-id").to_str().unwrap(),
    ])
}

pub(crate) fn setup(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_broker-setup"))
        .args(arguments)
        .env_remove("KAFKA_BOOTSTRAP_SERVERS")
        .env_remove("KAFKA_ADVERTISED_HOST")
        .output()
        .unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
