use std::io::{self, Write};

use serde::Serialize;
use tracing::warn;

/// How to print the findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// A line each
    #[default]
    Text,
    /// One JSON object
    Json,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    is_well: bool,
    subject: String,
    /// What was found; and what to do, if that is needed.
    detail: String,
}

impl Finding {
    pub(super) fn well(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            is_well: true,
            subject: subject.into(),
            detail: detail.into(),
        }
    }

    pub(super) fn wrong(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            is_well: false,
            ..Self::well(subject, detail)
        }
    }
}

/// All that was looked at, in order.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    findings: Vec<Finding>,
    /// Credits that looking cost.
    pub(super) credits_spent: u32,
}

impl Report {
    pub(super) fn note(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.is_well)
    }

    pub(super) fn print(&self, output: Output) {
        let mut stdout = io::stdout().lock();
        let printed = match output {
            Output::Text => self.write(&mut stdout),
            Output::Json => serde_json::to_writer_pretty(&mut stdout, self)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(stdout)),
        };
        if let Err(error) = printed {
            warn!("the findings cannot be printed: {error}");
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let width = self
            .findings
            .iter()
            .map(|finding| finding.subject.chars().count())
            .max()
            .unwrap_or(0);
        for Finding {
            is_well,
            subject,
            detail,
        } in &self.findings
        {
            let mark = if *is_well { '✔' } else { '✖' };
            writeln!(out, "{mark} {subject:<width$}  {detail}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_wrong_is_seen_and_its_line_marked() {
        let mut report = Report::default();
        report.note(Finding::well("API key", "accepted"));
        assert!(report.is_well());
        report.note(Finding::wrong("AAPL", "unknown symbol"));
        assert!(!report.is_well());
        let mut text = Vec::new();
        report.write(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "✔ API key  accepted\n✖ AAPL     unknown symbol\n"
        );
    }
}
