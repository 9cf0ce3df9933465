//! Results, to stdout: a table for people, JSON for programs.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::Error;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// A JSON array of objects with `verdict`, `subject` and `detail`.
    Json,
}

/// One line of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What came out.
    pub verdict: Verdict,
    /// Of what.
    pub subject: String,
    /// How, and what to do; may be empty.
    pub detail: String,
}

/// The first column of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Will be made.
    Create,
    /// Will be changed.
    Change,
    /// Differs, and is to be changed by hand.
    Manual,
    /// Differs, and cannot be changed.
    Refuse,
    /// Was made.
    Created,
    /// Was changed.
    Changed,
    /// Did not go well.
    Failed,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Create => "create",
            Self::Change => "change",
            Self::Manual => "manual",
            Self::Refuse => "refuse",
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Failed => "failed",
        }
    }

    fn style(self) -> Style {
        let colour = match self {
            Self::Ok => AnsiColor::Green,
            Self::Create | Self::Change | Self::Created | Self::Changed => AnsiColor::Cyan,
            Self::Manual => AnsiColor::Yellow,
            Self::Refuse | Self::Failed => AnsiColor::Red,
        };
        colour.on_default()
    }
}

impl Finding {
    pub(crate) fn new(verdict: Verdict, subject: impl Display, detail: impl Into<String>) -> Self {
        Self {
            verdict,
            subject: subject.to_string(),
            detail: detail.into(),
        }
    }
}

/// Writes findings to stdout.
pub(crate) fn print(format: Format, findings: &[Finding]) -> Result<(), Error> {
    let mut stdout = anstream::stdout().lock();
    match format {
        Format::Table => write_table(&mut stdout, findings),
        Format::Json => write_json(&mut stdout, findings),
    }
    .map_err(|source| Error::Stdout { source })
}

/// Writes text to stdout as it is.
pub(crate) fn print_text(text: &str) -> Result<(), Error> {
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|source| Error::Stdout { source })
}

fn write_table(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    let width = findings
        .iter()
        .map(|finding| finding.subject.len())
        .max()
        .unwrap_or(0);
    for Finding {
        verdict,
        subject,
        detail,
    } in findings
    {
        let style = verdict.style();
        let word = verdict.word();
        let line = format!("{style}{word:<8}{style:#}{subject:<width$}  {detail}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn write_json(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, findings)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let findings = [
            Finding::new(Verdict::Ok, "a", ""),
            Finding::new(Verdict::Change, "bcd", "x: 1 -> 2"),
        ];
        let mut out = anstream::StripStream::new(Vec::new());
        write_table(&mut out, &findings).unwrap();
        assert_eq!(
            String::from_utf8(out.into_inner()).unwrap(),
            "ok      a\nchange  bcd  x: 1 -> 2\n"
        );
    }

    #[test]
    fn json_has_the_same_words() {
        let mut out = Vec::new();
        write_json(&mut out, &[Finding::new(Verdict::Manual, "a", "b")]).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            value,
            serde_json::json!([{"verdict": "manual", "subject": "a", "detail": "b"}])
        );
    }
}
