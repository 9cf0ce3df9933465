use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use pipeline_runtime::kafka::{Property, TopicName};
use pipeline_runtime::logs::LogArgs;
use quote_model::topic::DEFAULT_TOPIC;

use crate::output::Format;
use crate::properties::{AdvertisedHost, BrokerConfig, DataDir, Setting};
use crate::reach::Expectation;
use crate::storage::FormatRequest;
use crate::{Connection, Error, Host, HostPort, advertised};

/// Prepares one Kafka broker and proves that clients can reach it
///
/// Each command may be run again: a second run changes nothing. Results go to stdout, logs to stderr.
///
/// Exit status: 0 done, 1 failed, 2 usage, 3 differences found (`render --diff`, `topics plan`, `topics check`, and
/// `topics apply` if something is left to people), 78 a setting is wrong.
#[derive(Debug, Parser)]
#[command(name = "broker-setup", version)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Kafka brokers to ask first, with commas between them
    #[arg(
        long,
        alias = "brokers",
        env = "KAFKA_BOOTSTRAP_SERVERS",
        value_name = "HOST:PORT",
        value_delimiter = ',',
        default_value = "localhost:9092",
        global = true,
        help_heading = "Kafka"
    )]
    bootstrap_server: Vec<HostPort>,
    /// Any librdkafka property (TLS, SASL); `key=@file` reads the value from a file
    #[arg(
        short = 'X',
        long = "property",
        value_name = "KEY=VALUE",
        global = true,
        help_heading = "Kafka"
    )]
    properties: Vec<Property>,
    /// How to write results
    #[arg(long, value_enum, default_value_t, global = true)]
    pub(crate) output: Format,
    /// How to log.
    #[command(flatten)]
    pub logs: LogArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write `server.properties` for this host
    Render(RenderArgs),
    /// Format the data folder, if that was not done before
    Format(FormatArgs),
    /// Wait until the broker answers, advertises what was asked, and is reached where it says it is
    Wait(WaitArgs),
    /// Run on a client: look once which step of reaching the brokers fails
    Doctor(ExpectationArgs),
    /// Compare topics with a file, or make them equal to it
    #[command(subcommand)]
    Topics(TopicsCommand),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RenderArgs {
    /// This node's number
    #[arg(long, value_name = "N", default_value_t = 1)]
    node_id: u32,
    /// The name by which clients reach this host; default: EC2's private DNS name, else this host's full name
    #[arg(long, env = "KAFKA_ADVERTISED_HOST", value_name = "HOST")]
    advertised_host: Option<Host>,
    /// All clients run on this machine: a loopback address may be advertised
    #[arg(long)]
    allow_loopback: bool,
    /// The port for clients
    #[arg(long, default_value_t = 9092, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The port for the controller, which no client uses
    #[arg(long, default_value_t = 9093, value_parser = clap::value_parser!(u16).range(1..))]
    controller_port: u16,
    /// The address to listen on
    #[arg(long, value_name = "HOST", default_value = "0.0.0.0")]
    listen_host: Host,
    /// The folder for Kafka's data: not a mount point itself, but a folder in it
    #[arg(long, value_name = "DIR", default_value = "/var/lib/kafka/data")]
    data_dir: DataDir,
    /// Another line, or another value for a line; names that Kafka does not know are refused
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// As `--set`, for a plug-in's own setting: the name is not checked
    #[arg(long, value_name = "KEY=VALUE", value_parser = Setting::unchecked)]
    set_unchecked: Vec<Setting>,
    /// Write to this file, if it changes; default: stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Only show the lines that would change in `--out`; exit status 3 if there are any
    #[arg(long, requires = "out")]
    pub(crate) diff: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FormatArgs {
    /// Kafka's folder, with its jars in `libs`
    #[arg(long, env = "KAFKA_HOME", value_name = "DIR", default_value = "/opt/kafka")]
    kafka_home: PathBuf,
    /// The broker's configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/kafka/server.properties")]
    config: PathBuf,
    /// Where the cluster id is kept; made at random if the file is absent
    #[arg(long, value_name = "FILE", default_value = "/etc/kafka/cluster-id")]
    cluster_id_file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    pub(crate) expectation: ExpectationArgs,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExpectationArgs {
    /// The host that a broker must advertise; default: any that clients elsewhere can use
    #[arg(long, env = "KAFKA_ADVERTISED_HOST", value_name = "HOST")]
    advertised_host: Option<Host>,
    /// The port that it must advertise; default: any
    #[arg(long, alias = "port", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    advertised_port: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TopicsCommand {
    /// Show what differs from the file; exit status 3 if anything does
    Plan {
        #[command(flatten)]
        topics: TopicsArgs,
        /// Only check the file, ask no broker
        #[arg(long)]
        offline: bool,
    },
    /// Make the topics as the file says; deletes nothing, leaves other settings alone
    Apply(TopicsArgs),
    /// Look whether a topic is one that ticks can go by; exit status 3 if not
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct TopicsArgs {
    /// The topics as they shall be; default: the pipeline's own topic, for one broker
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Only this topic of the file; may be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<TopicName>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Topic of the ticks
    #[arg(long, env = "TOPIC_NAME", value_name = "NAME", default_value = DEFAULT_TOPIC)]
    pub(crate) topic: TopicName,
}

impl Args {
    pub(crate) fn connection(&self) -> Connection {
        Connection {
            bootstrap: self.bootstrap_server.clone(),
            properties: self.properties.clone(),
        }
    }
}

impl RenderArgs {
    /// Checks what belongs together, and looks for this host's name if none is given.
    pub(crate) async fn config(&self) -> Result<BrokerConfig, Error> {
        if self.port == self.controller_port {
            return Err(Error::SamePort { port: self.port });
        }
        let host = match &self.advertised_host {
            Some(host) => host.clone(),
            None => advertised::find().await?,
        };
        let advertised_host = AdvertisedHost::new(host, self.allow_loopback)?;
        Ok(BrokerConfig {
            node_id: self.node_id,
            advertised_host,
            port: self.port,
            controller_port: self.controller_port,
            listen_host: self.listen_host.clone(),
            data_dir: self.data_dir.clone(),
            extra: self.set.iter().chain(&self.set_unchecked).cloned().collect(),
        })
    }
}

impl FormatArgs {
    pub(crate) fn request(self) -> FormatRequest {
        FormatRequest {
            kafka_home: self.kafka_home,
            config: self.config,
            cluster_id_file: self.cluster_id_file,
        }
    }
}

impl ExpectationArgs {
    pub(crate) fn expectation(self) -> Expectation {
        Expectation {
            advertised_host: self.advertised_host,
            advertised_port: self.advertised_port,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    fn refusal(arguments: &[&str]) -> String {
        let all = ["broker-setup", "render"].iter().chain(arguments);
        let args = match Args::try_parse_from(all) {
            Ok(args) => args,
            Err(error) => return error.to_string(),
        };
        let Command::Render(render) = args.command else {
            panic!("not render");
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(render.config()).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_is_refused_at_the_edge() {
        for (arguments, fault) in [
            (
                &["--advertised-host", "localhost"][..],
                "`localhost` cannot be advertised",
            ),
            (
                &["--advertised-host", "0.0.0.0", "--allow-loopback"],
                "`0.0.0.0` cannot be advertised",
            ),
            (&["--advertised-host", ""], "is not a host"),
            (&["--advertised-host", "a", "--port", "9093"], "port 9093 is both"),
            (
                &["--advertised-host", "a", "--port", "0"],
                "0 is not in 1..=65535",
            ),
            (
                &["--set", "advertized.listeners=x"],
                "did you mean `advertised.listeners`?",
            ),
            (&["--set", "num.partitions"], "write `KEY=VALUE`"),
            (&["--data-dir", "relative"], "give an absolute path"),
            (&["--data-dir", "/a,/b"], "without commas"),
            (&["--diff"], "--out"),
        ] {
            let refusal = refusal(arguments);
            assert!(refusal.contains(fault), "{arguments:?}: {refusal}");
        }
    }
}
