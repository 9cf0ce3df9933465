//! Is the broker up, does it advertise what was asked, and can a client reach each advertised address?
//!
//! A client asks one address for the cluster's metadata and from then on uses only the addresses that it finds
//! there, so that a wrong `advertised.listeners` shows as a hang long after a connection that worked.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use pipeline_runtime::exit::with_causes;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep, timeout};
use tracing::info;

use crate::admin::{Admin, learned_brokers};
use crate::{Connection, Error, Finding, Host, HostPort, Verdict};

/// A packet that a firewall drops is not answered at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);
/// What the first address told of the others is there at once.
const LEARN_TIMEOUT: Duration = Duration::from_secs(2);
/// A wrong address is believed once it has been advertised for so long.
const SETTLE: Duration = Duration::from_secs(5);

/// What [`wait`] waits for.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The host that one of the brokers shall advertise.
    pub advertised_host: Option<Host>,
    /// The port that it shall advertise.
    pub advertised_port: Option<u16>,
}

/// The steps of one look at the cluster, in order; a failed one is the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each step and address.
    pub findings: Vec<Finding>,
    failed: Option<Step>,
}

/// Where a client fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Bootstrap,
    Metadata,
    Advertised,
    Reach,
}

impl Report {
    /// Whether each step went well.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failed.is_none()
    }

    fn new() -> Self {
        Self {
            findings: Vec::new(),
            failed: None,
        }
    }

    fn ok(&mut self, subject: impl Display, detail: impl Into<String>) {
        self.findings.push(Finding::new(Verdict::Ok, subject, detail));
    }

    fn fail(mut self, step: Step, subject: impl Display, detail: impl Into<String>) -> Self {
        self.findings.push(Finding::new(Verdict::Failed, subject, detail));
        self.failed = Some(step);
        self
    }
}

/// Looks again and again until all is well, a wrong address has settled, or `limit` is over. Gives the last look.
///
/// # Errors
///
/// Only for what no waiting can mend: properties that librdkafka refuses.
pub async fn wait(
    connection: &Connection,
    expectation: &Expectation,
    limit: Duration,
) -> Result<Report, Error> {
    let start = Instant::now();
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(1))
        .without_max_times()
        .build();
    let mut wrong_since = None;
    let mut told = None;
    loop {
        let report = look(connection, expectation, limit.saturating_sub(start.elapsed())).await?;
        let now = Instant::now();
        wrong_since = match report.failed {
            None => return Ok(report),
            Some(Step::Advertised) => wrong_since.or(Some(now)),
            Some(_) => None,
        };
        let has_settled = wrong_since.is_some_and(|since| now - since >= SETTLE);
        let left = limit.saturating_sub(start.elapsed());
        let Some(pause) = pauses.next().filter(|_| !has_settled && !left.is_zero()) else {
            return Ok(report);
        };
        if let Some(last) = report.findings.last().filter(|last| told.as_ref() != Some(*last)) {
            info!("waiting for {}: {}", last.subject, last.detail);
            told = Some(last.clone());
        }
        sleep(pause.min(left)).await;
    }
}

/// Looks once, for about `limit` or less.
///
/// # Errors
///
/// Properties that librdkafka refuses.
pub async fn look(
    connection: &Connection,
    expectation: &Expectation,
    limit: Duration,
) -> Result<Report, Error> {
    let mut report = Report::new();
    let connect_timeout = CONNECT_TIMEOUT.min(limit).max(Duration::from_millis(100));
    let mut failures = Vec::new();
    let mut is_reached = false;
    for address in &connection.bootstrap {
        match connect(address, connect_timeout).await {
            Ok(peer) => {
                report.ok(format!("connect {address}"), format!("connected to {peer}"));
                is_reached = true;
                break;
            }
            Err(failure) => failures.push((address, failure)),
        }
    }
    if !is_reached {
        let (subject, detail) = describe_failures(&failures);
        return Ok(report.fail(Step::Bootstrap, subject, detail));
    }

    let admin = Arc::new(Admin::new(connection)?);
    let metadata_timeout = METADATA_TIMEOUT.min(limit).max(Duration::from_millis(500));
    let mut is_answered = true;
    let advertised: Vec<HostPort> = match admin.cluster(metadata_timeout).await {
        Ok(cluster) => {
            let id = cluster.id.as_deref().unwrap_or("without an id");
            let count = cluster.brokers.len();
            report.ok(
                format!("metadata {}", connection.brokers()),
                format!("cluster {id}, {count} broker(s)"),
            );
            cluster.brokers.into_values().collect()
        }
        Err(error) => {
            let learned = learned_brokers(connection, LEARN_TIMEOUT.min(metadata_timeout)).await?;
            let detail = format!(
                "something listens, but does not answer as Kafka ({}); is it still starting, or does it want TLS \
                 or SASL (`-X security.protocol=…`)?",
                with_causes(&error)
            );
            let subject = format!("metadata {}", connection.brokers());
            if learned.is_empty() {
                return Ok(report.fail(Step::Metadata, subject, detail));
            }
            is_answered = false;
            let detail = format!(
                "the broker named where to go on, {}, and no more was heard ({})",
                list(&learned),
                with_causes(&error)
            );
            report
                .findings
                .push(Finding::new(Verdict::Failed, subject, detail));
            learned
        }
    };
    if let Some(wrong) = wrong_advertisement(connection, expectation, &advertised) {
        return Ok(report.fail(
            Step::Advertised,
            format!("advertised {}", list(&advertised)),
            wrong,
        ));
    }
    report.ok(format!("advertised {}", list(&advertised)), "as asked");
    for address in &advertised {
        match connect(address, connect_timeout).await {
            Ok(peer) => report.ok(format!("reach {address}"), format!("connected to {peer}")),
            Err(failure) => {
                let detail = format!("{} (this is the address that clients use)", failure.describe());
                return Ok(report.fail(Step::Reach, format!("reach {address}"), detail));
            }
        }
    }
    if !is_answered {
        report.failed = Some(Step::Metadata);
    }
    Ok(report)
}

/// What is wrong with the advertised addresses, and what to change.
fn wrong_advertisement(
    connection: &Connection,
    expectation: &Expectation,
    advertised: &[HostPort],
) -> Option<String> {
    let mend = "change `advertised.listeners` (`broker-setup render --advertised-host`) and restart Kafka";
    if advertised.is_empty() {
        return Some("the cluster names no broker, it is still starting".to_owned());
    }
    let is_as_asked = |address: &&HostPort| {
        let host_fits = expectation
            .advertised_host
            .as_ref()
            .is_none_or(|host| host.as_str().eq_ignore_ascii_case(address.host.as_str()));
        host_fits
            && expectation
                .advertised_port
                .is_none_or(|port| port == address.port)
    };
    if !advertised.iter().any(|address| is_as_asked(&address)) {
        let host = expectation.advertised_host.as_ref().map_or("*", Host::as_str);
        let port = expectation
            .advertised_port
            .map_or_else(|| "*".to_owned(), |port| port.to_string());
        return Some(format!("{host}:{port} was asked for; {mend}"));
    }
    let asked_from_elsewhere = !connection
        .bootstrap
        .iter()
        .any(|address| address.host.is_loopback());
    advertised
        .iter()
        .find(|address| {
            address.host.is_unspecified()
                || (address.host.is_loopback()
                    && asked_from_elsewhere
                    && expectation.advertised_host.is_none())
        })
        .map(|address| format!("{address} sends clients on other hosts to themselves; {mend}"))
}

/// Why there is no connection.
#[derive(Debug)]
enum ConnectFailure {
    Resolve(io::Error),
    Refused,
    TimedOut,
    Other(io::Error),
}

impl ConnectFailure {
    fn describe(&self) -> String {
        match self {
            Self::Resolve(error) => format!(
                "the name does not resolve here ({error}): a private DNS name resolves inside its VPC only; \
                 check the name, the DNS or /etc/hosts"
            ),
            Self::Refused => {
                "connection refused: the host is there, but nothing listens on the port; is the \
                              broker stopped, or does it listen on another address?"
                    .to_owned()
            }
            Self::TimedOut => {
                "no answer: a security group or firewall drops the packets, or the host is down".to_owned()
            }
            Self::Other(error) => format!("cannot connect ({error})"),
        }
    }
}

async fn connect(address: &HostPort, limit: Duration) -> Result<SocketAddr, ConnectFailure> {
    let name = (address.host.as_str(), address.port);
    let peers: Vec<SocketAddr> = timeout(limit, lookup_host(name))
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the DNS does not answer")))
        .map_err(ConnectFailure::Resolve)?
        .collect();
    let mut last = ConnectFailure::Resolve(io::Error::new(io::ErrorKind::NotFound, "no address"));
    for peer in peers {
        last = match timeout(limit, TcpStream::connect(peer)).await {
            Ok(Ok(_)) => return Ok(peer),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => ConnectFailure::Refused,
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => ConnectFailure::TimedOut,
            Ok(Err(error)) => ConnectFailure::Other(error),
            Err(_) => ConnectFailure::TimedOut,
        };
    }
    Err(last)
}

fn describe_failures(failures: &[(&HostPort, ConnectFailure)]) -> (String, String) {
    let addresses: Vec<String> = failures.iter().map(|(address, _)| address.to_string()).collect();
    let mut details: Vec<String> = failures.iter().map(|(_, failure)| failure.describe()).collect();
    details.dedup();
    (format!("connect {}", addresses.join(",")), details.join("; "))
}

fn list(addresses: &[HostPort]) -> String {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(",")
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn connection(bootstrap: &str) -> Connection {
        Connection {
            bootstrap: vec![bootstrap.parse().unwrap()],
            properties: Vec::new(),
        }
    }

    fn expectation(host: Option<&str>, port: Option<u16>) -> Expectation {
        Expectation {
            advertised_host: host.map(|host| host.parse().unwrap()),
            advertised_port: port,
        }
    }

    #[test]
    fn an_advertised_address_is_held_to_what_was_asked() {
        let advertised: Vec<HostPort> = vec!["a:9092".parse().unwrap(), "B:9092".parse().unwrap()];
        let wrong =
            |host, port| wrong_advertisement(&connection("c:9092"), &expectation(host, port), &advertised);
        assert_eq!(wrong(None, None), None);
        assert_eq!(wrong(Some("b"), Some(9092)), None);
        assert!(wrong(Some("c"), None).unwrap().starts_with("c:* was asked for"));
        assert!(
            wrong(None, Some(9093))
                .unwrap()
                .starts_with("*:9093 was asked for")
        );
    }

    #[test]
    fn a_loopback_address_is_wrong_for_clients_elsewhere_only() {
        let advertised: Vec<HostPort> = vec!["localhost:9092".parse().unwrap()];
        let wrong =
            |bootstrap| wrong_advertisement(&connection(bootstrap), &expectation(None, None), &advertised);
        assert!(wrong("10.0.0.1:9092").unwrap().contains("to themselves"));
        assert_eq!(wrong("127.0.0.1:9092"), None);
    }

    #[tokio::test]
    async fn each_step_that_fails_is_told_from_the_others() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let nothing = expectation(None, None);
        let refused = connection(&format!("127.0.0.1:{port}"));
        let report = wait(&refused, &nothing, Duration::from_millis(300))
            .await
            .unwrap();
        assert_eq!(report.failed, Some(Step::Bootstrap));
        assert!(report.findings[0].detail.starts_with("connection refused"));

        let unresolved = connection("no-such-host.invalid:9092");
        let report = look(&unresolved, &nothing, Duration::from_secs(5)).await.unwrap();
        assert!(
            report.findings[0].detail.contains("does not resolve"),
            "{report:?}"
        );

        let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = mute.local_addr().unwrap().to_string();
        let report = look(&connection(&address), &nothing, Duration::from_millis(500))
            .await
            .unwrap();
        assert_eq!(report.failed, Some(Step::Metadata), "{report:?}");
    }
}
