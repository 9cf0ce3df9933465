//! `producer doctor`: looks at all that a run needs, and says what to do about what is wrong.

mod findings;
mod vendor;

use pipeline_runtime::exit::{ExitStatus, with_causes};

pub use findings::Output;
use findings::{Finding, Report};

use crate::args::Config;
use crate::{Error, bucket, publish};

/// Looks at the key, the plan, the clock, each symbol, the topic, each advertised address and the bucket, and prints
/// what was found. Costs a credit a symbol, and two at most.
///
/// # Errors
///
/// Those of the settings, as for a run; what is looked at is a finding.
pub async fn doctor(config: Config, output: Output) -> Result<ExitStatus, Error> {
    let mut report = Report::default();
    vendor::look(config.feed, &mut report).await?;

    match publish::look(&config.kafka, config.instance.as_str()).await {
        Ok(leaders) => {
            let partitions: usize = leaders.iter().map(|leader| leader.partitions).sum();
            let topic = format!("topic {}", config.kafka.topic);
            report.note(Finding::well(topic, format!("{partitions} partitions")));
            for leader in leaders {
                let subject = format!("broker {}", leader.address);
                report.note(match leader.outcome {
                    Ok(()) => Finding::well(
                        subject,
                        format!("reached, leads {} partitions", leader.partitions),
                    ),
                    Err(error) => Finding::wrong(subject, with_causes(&error)),
                });
            }
        }
        Err(error) => report.note(Finding::wrong("Kafka", with_causes(&error))),
    }

    if let Some(name) = &config.bucket {
        let subject = format!("bucket {name}");
        report.note(match bucket::look(name, &config.s3).await {
            Ok(detail) => Finding::well(subject, detail),
            Err(error) => Finding::wrong(subject, with_causes(&error)),
        });
    }

    report.print(output);
    Ok(if report.is_well() {
        ExitStatus::Done
    } else {
        ExitStatus::Failed
    })
}
