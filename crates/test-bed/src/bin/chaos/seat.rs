//! One consumer, its ways to Kafka and to the bucket, and who starts it again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pipeline_runtime::kafka::DEFAULT_GROUP;
use test_bed::{Bed, Fault, FaultProxy, Injected, KafkaLink, Launch, Process, Request, S3, Screen, program};
use tokio::time::Instant;

use crate::error::Error;
use crate::schedule::SESSION_TIMEOUT;

pub(crate) const BUCKET: &str = "chaos";
pub(crate) const TOPIC: &str = "ticks";
pub(crate) const GROUP: &str = DEFAULT_GROUP;

/// For a write, which an outage of a minute and the pauses after it may delay.
const PATIENCE: Duration = Duration::from_mins(3);
/// Longer than a consumer may take to drain.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// As a service's manager does: not at once.
const RESTART_PAUSE: Duration = Duration::from_millis(500);
/// A restart does not mend these, as in the service's own settings.
const GIVES_UP: [i32; 3] = [2, 77, 78];

/// A consumer's place. Whoever holds it starts, kills and freezes it.
pub(crate) struct Seat {
    pub(crate) number: usize,
    pub(crate) proxy: FaultProxy,
    pub(crate) link: KafkaLink,
    bed: Bed,
    screen: Arc<Screen>,
    variables: Vec<(&'static str, String)>,
    process: Option<Process>,
}

impl Seat {
    pub(crate) async fn new(
        number: usize,
        bed: &Bed,
        s3: &S3,
        link: KafkaLink,
        screen: Arc<Screen>,
    ) -> Result<Self, Error> {
        let proxy = FaultProxy::start(s3.endpoint()).await?;
        let mut seat = Self {
            number,
            variables: s3.variables_by_way_of(&proxy.endpoint()),
            proxy,
            link,
            bed: bed.clone(),
            screen,
            process: None,
        };
        seat.start()?;
        Ok(seat)
    }

    pub(crate) fn start(&mut self) -> Result<(), Error> {
        self.process = Some(self.start_as(&self.name(), GROUP)?);
        Ok(())
    }

    /// Starts a consumer of a group, by this seat's ways.
    pub(crate) fn start_as(&self, name: &str, group: &str) -> Result<Process, Error> {
        let session_timeout = format!("session.timeout.ms={}", SESSION_TIMEOUT.as_millis());
        let launch: Launch = program::launch("consumer", name)?
            .args(["--bucket", BUCKET, "--topic", TOPIC, "--group", group])
            .args(["--brokers", &self.link.bootstrap_servers()])
            .args(["-X", &session_timeout, "-X", "heartbeat.interval.ms=500"])
            .args(["-X", "topic.metadata.refresh.interval.ms=2000"])
            .args(["--flush-interval", "500ms"])
            .variables(self.variables.iter().map(|(name, value)| (*name, value)));
        Ok(Process::start(&self.bed, &launch)?)
    }

    pub(crate) fn name(&self) -> String {
        format!("consumer-{}", self.number)
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.bed.path().join(format!("{name}.log"))
    }

    /// The consumer. Started again if it has ended, as its service would be.
    ///
    /// # Errors
    ///
    /// If it ended with a status that says that this is of no use.
    pub(crate) async fn alive(&mut self) -> Result<&Process, Error> {
        if let Some(process) = &self.process
            && process.ended().is_some()
        {
            let name = self.name();
            self.check_end(&name, process)?;
            self.screen
                .note(&format!("{name} ended by itself, it starts again"));
            tokio::time::sleep(RESTART_PAUSE).await;
            self.process = None;
        }
        if self.process.is_none() {
            self.start()?;
        }
        let name = self.name();
        self.process.as_ref().ok_or_else(|| Error::Stalled {
            log: self.log_of(&name),
            name,
            within: Duration::ZERO,
        })
    }

    /// Gives an error if a consumer that has ended says that a restart is of no use.
    pub(crate) fn check_end(&self, name: &str, process: &Process) -> Result<(), Error> {
        match process.ended() {
            Some(status) if status.code().is_some_and(|code| GIVES_UP.contains(&code)) => {
                Err(Error::GaveUp {
                    name: name.to_owned(),
                    status,
                    log: self.log_of(name),
                })
            }
            _ => Ok(()),
        }
    }

    pub(crate) async fn kill(&mut self) -> Result<(), Error> {
        if let Some(process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Stops it by SIGTERM, and gives whether it has written all that it had read.
    pub(crate) async fn stop(&mut self) -> Result<bool, Error> {
        let Some(process) = self.process.take() else {
            return Ok(true);
        };
        let name = self.name();
        self.stop_process(&name, &process).await
    }

    pub(crate) async fn stop_process(&self, name: &str, process: &Process) -> Result<bool, Error> {
        process.terminate();
        let status = process.end(STOP_TIMEOUT).await.map_err(|_| Error::NotStopped {
            name: name.to_owned(),
            within: STOP_TIMEOUT,
            log: self.log_of(name),
        })?;
        self.check_end(name, process)?;
        Ok(status.success())
    }

    /// Waits until its next write of data meets this fault.
    pub(crate) async fn write_meets(&mut self, fault: Fault) -> Result<Injected, Error> {
        let mut injected = self.proxy.inject(1, fault, Request::writes_data);
        self.until(&mut injected, 1).await?;
        Ok(injected)
    }

    /// Waits until a fault has taken place, and has the consumer live meanwhile.
    pub(crate) async fn until(&mut self, injected: &mut Injected, times: usize) -> Result<(), Error> {
        let started = Instant::now();
        while !injected.takes_place_within(times, LOOK_INTERVAL).await {
            self.alive().await?;
            if started.elapsed() > PATIENCE {
                let name = self.name();
                return Err(Error::Stalled {
                    log: self.log_of(&name),
                    name,
                    within: PATIENCE,
                });
            }
        }
        Ok(())
    }
}
