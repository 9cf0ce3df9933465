use pipeline_runtime::exit::ExitStatus;
use tracing::info;

use crate::args::{Args, CheckArgs, Command, RenderArgs, TopicsArgs, TopicsCommand};
use crate::output::{self, Finding, Format, Verdict};
use crate::reach::Report;
use crate::server_file::Written;
use crate::storage::Formatted;
use crate::topics::TopicFile;
use crate::{Error, properties, reach, server_file, storage, topics};

/// One look by `doctor`: enough for a firewall that drops packets to show itself.
const LOOK_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Does what the command line says and writes the result to stdout.
///
/// # Errors
///
/// Any [`Error`]; differences and a broker that is not reached are results, told by the status.
pub async fn run(args: Args) -> Result<ExitStatus, Error> {
    let connection = args.connection();
    let format = args.output;
    match args.command {
        Command::Render(args) => render(&args, format).await,
        Command::Format(args) => {
            let formatted = storage::format(&args.request())?;
            output::print(format, &[formatted.finding()])?;
            Ok(ExitStatus::Done)
        }
        Command::Wait(args) => {
            let expectation = args.expectation.expectation();
            let report = reach::wait(&connection, &expectation, args.timeout).await?;
            tell(format, &report)
        }
        Command::Doctor(args) => {
            let report = reach::look(&connection, &args.expectation(), LOOK_LIMIT).await?;
            tell(format, &report)
        }
        Command::Topics(TopicsCommand::Plan { topics, offline }) => {
            let file = read_topics(&topics)?;
            if offline {
                output::print(format, &file.findings())?;
                return Ok(ExitStatus::Done);
            }
            let plan = topics::plan(&connection, &file).await?;
            output::print(format, &plan.findings())?;
            Ok(status(plan.is_settled()))
        }
        Command::Topics(TopicsCommand::Apply(topics)) => {
            let file = read_topics(&topics)?;
            let findings = topics::apply(&connection, &file).await?;
            output::print(format, &findings)?;
            let is_left = findings.iter().any(|finding| finding.verdict == Verdict::Manual);
            Ok(status(!is_left))
        }
        Command::Topics(TopicsCommand::Check(CheckArgs { topic })) => {
            let findings = topics::check(&connection, &topic).await?;
            output::print(format, &findings)?;
            Ok(status(
                findings.iter().all(|finding| finding.verdict == Verdict::Ok),
            ))
        }
    }
}

async fn render(args: &RenderArgs, format: Format) -> Result<ExitStatus, Error> {
    let text = properties::render(&args.config().await?);
    let Some(path) = &args.out else {
        output::print_text(&text)?;
        return Ok(ExitStatus::Done);
    };
    if args.diff {
        let old = server_file::text_of(path)?.unwrap_or_default();
        let lines = server_file::changed_lines(&old, &text);
        for line in &lines {
            output::print_text(&format!("{line}\n"))?;
        }
        return Ok(status(lines.is_empty()));
    }
    let (verdict, detail) = match server_file::write(path, &text)? {
        Written::Changed => (Verdict::Changed, "restart Kafka if it runs"),
        Written::Unchanged => (Verdict::Ok, "unchanged"),
    };
    output::print(format, &[Finding::new(verdict, path.display(), detail)])?;
    Ok(ExitStatus::Done)
}

fn read_topics(args: &TopicsArgs) -> Result<TopicFile, Error> {
    let file = match &args.file {
        Some(path) => TopicFile::read(path)?,
        None => TopicFile::built_in()?,
    };
    let file = file.only(&args.only)?;
    info!(topics = file.topics.len(), "read");
    Ok(file)
}

fn tell(format: Format, report: &Report) -> Result<ExitStatus, Error> {
    output::print(format, &report.findings)?;
    Ok(if report.is_ok() {
        ExitStatus::Done
    } else {
        ExitStatus::Failed
    })
}

fn status(is_equal: bool) -> ExitStatus {
    if is_equal {
        ExitStatus::Done
    } else {
        ExitStatus::Differences
    }
}

impl Formatted {
    fn finding(&self) -> Finding {
        match self {
            Self::Now(cluster_id) => Finding::new(
                Verdict::Changed,
                "format",
                format!("formatted, cluster {cluster_id}"),
            ),
            Self::Before(cluster_id) => Finding::new(
                Verdict::Ok,
                "format",
                format!("formatted before, cluster {cluster_id}"),
            ),
        }
    }
}

impl TopicFile {
    fn findings(&self) -> Vec<Finding> {
        self.topics
            .iter()
            .map(|topic| Finding::new(Verdict::Ok, &topic.name, "the file is sound"))
            .collect()
    }
}
