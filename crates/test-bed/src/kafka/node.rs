use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::{Bed, Error, Launch, Process, Result, tools};

const FORMAT_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts fast and stays small; speed under long load is not what a test needs.
const JVM_FLAGS: &[&str] = &["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx384m"];

const LOG4J2: &str = include_str!("log4j2.properties");

/// One broker, which is a controller as well.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) id: usize,
    pub(super) port: u16,
    pub(super) controller_port: u16,
    /// Its identity in the quorum's first list of voters.
    pub(super) directory_id: String,
    /// Folder with its `server.properties` and its data.
    pub(super) folder: PathBuf,
    process: Option<Process>,
}

impl Node {
    pub(super) fn new(bed: &Bed, cluster: &str, id: usize, port: u16, controller_port: u16) -> Result<Self> {
        let name = format!("{cluster}-{id}");
        Ok(Self {
            folder: bed.folder(&name)?,
            name,
            id,
            port,
            controller_port,
            directory_id: super::random_id(),
            process: None,
        })
    }

    pub(super) fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    pub(super) fn controller_address(&self) -> String {
        format!("localhost:{}", self.controller_port)
    }

    fn properties_path(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    /// Writes the settings and formats the storage.
    pub(super) async fn prepare(&self, bed: &Bed, properties: &str, format_args: &[String]) -> Result<()> {
        write(&self.properties_path(), properties)?;
        write(&self.folder.join("log4j2.properties"), LOG4J2)?;
        let launch = self
            .java(&format!("{}-format", self.name), "kafka.tools.StorageTool")?
            .arg("format")
            .args(format_args)
            .arg("-c")
            .arg(self.properties_path());
        Process::start(bed, &launch)?.success(FORMAT_TIMEOUT).await
    }

    pub(super) fn start(&mut self, bed: &Bed) -> Result<()> {
        let launch = self.java(&self.name, "kafka.Kafka")?.arg(self.properties_path());
        self.process = Some(Process::start(bed, &launch)?);
        Ok(())
    }

    /// Stops by SIGTERM: the broker hands over and closes its logs.
    pub(super) async fn stop(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.stop(STOP_TIMEOUT).await?;
        }
        Ok(())
    }

    pub(super) async fn kill(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    pub(super) fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    fn java(&self, name: &str, class: &str) -> Result<Launch> {
        let libs = tools::kafka_home()?.join("libs/*");
        Ok(Launch::new(name, tools::java())
            .args(JVM_FLAGS)
            .arg("-cp")
            .arg(libs)
            .arg(format!(
                "-Dlog4j2.configurationFile={}",
                self.folder.join("log4j2.properties").display()
            ))
            .arg(class))
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}
