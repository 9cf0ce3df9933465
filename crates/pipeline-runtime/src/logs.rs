//! Logs: to stderr, as text or JSON, in colour on a terminal unless `NO_COLOR` is set. A log stops nothing, whatever
//! becomes of stderr.

mod queue;

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use tracing_subscriber::filter::{Directive, EnvFilter, LevelFilter};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use queue::LogQueue;

/// How long the end of a program waits for a stderr that takes nothing.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// The flags that each binary has for its logs.
#[derive(Clone, Debug, clap::Args)]
pub struct LogArgs {
    /// What to log: a level, or levels by module (`info,consumer=debug`)
    #[arg(
        long = "log",
        env = "LOG",
        value_name = "FILTER",
        default_value = "info",
        global = true,
        help_heading = "Logs"
    )]
    filter: EnvFilterText,
    /// How to write the log to stderr
    #[arg(
        long = "log-format",
        env = "LOG_FORMAT",
        value_enum,
        default_value_t,
        global = true,
        help_heading = "Logs"
    )]
    format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// The AWS SDK's words on sources of credentials and region that are not there, before the error that sums them up. A user's
/// level for the same module goes over it.
const QUIET: &str = "aws_config=error";

/// A filter that was parsed once, so that a wrong one is a usage error.
#[derive(Clone, Debug)]
struct EnvFilterText(String);

impl std::str::FromStr for EnvFilterText {
    type Err = tracing_subscriber::filter::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EnvFilter::builder().parse(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// Starts logging. Called once, first thing in `main`; a second call is ignored.
pub fn start(args: &LogArgs) {
    let filter = EnvFilter::builder()
        .with_default_directive(Directive::from(LevelFilter::INFO))
        .parse_lossy(format!("{QUIET},{}", args.filter.0));
    let is_colour_wanted =
        stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let writer = match LogQueue::start(stderr()) {
        Ok(queue) => BoxMakeWriter::new(QUEUE.get_or_init(|| queue).clone()),
        // a system that gives no thread now will stop the program soon, and that should be read
        Err(_) => BoxMakeWriter::new(stderr),
    };
    let subscriber = fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        // would be told on the stderr that just failed, by a panic
        .log_internal_errors(false)
        .with_ansi(is_colour_wanted)
        .with_target(false);
    let started = match args.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!("logging was started before: {error}");
    }
}

/// Waits until all lines are written, or stderr has taken nothing for a second. To be called before the process ends.
pub fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH_TIMEOUT);
    }
}
