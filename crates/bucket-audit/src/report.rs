use std::collections::BTreeMap;
use std::io::Write;

use bucket_reader::{Finding, Findings, Kind, start_of_hour};
use jiff::Timestamp;
use pipeline_runtime::exit::ExitStatus;
use serde::Serialize;
use uuid::Uuid;

use crate::args::AuditArgs;
use crate::error::Error;

/// Sessions of a topic that the text names; JSON names all.
const SESSIONS_SHOWN: usize = 20;

/// Findings of one kind that the text shows; JSON has more.
const FINDINGS_SHOWN: u64 = 20;

/// What the audit found. Its JSON form is what `--json` writes.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) bucket: String,
    /// What the keys begin with.
    pub(crate) prefix: String,
    /// Where only a part was audited: the hour from which on objects were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partial_since: Option<Timestamp>,
    /// Nothing is wrong in what was read; notes may be there.
    pub(crate) is_clean: bool,
    pub(crate) errors: u64,
    pub(crate) notes: u64,
    pub(crate) topics: Vec<TopicSummary>,
    /// The first 100 findings of each kind, in the order of the objects.
    pub(crate) findings: Vec<Finding>,
    /// How many more of each kind there are.
    pub(crate) findings_left_out: BTreeMap<Kind, u64>,
}

/// What a topic's folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TopicSummary {
    pub(crate) topic: String,
    pub(crate) objects: u64,
    /// Slots of earlier hours that were not read.
    pub(crate) objects_left_out: u64,
    /// Objects that are not data, beside the layout.
    pub(crate) not_data: u64,
    /// Bytes of the slots as stored.
    pub(crate) stored_bytes: u64,
    /// Bytes of the slots, uncompressed.
    pub(crate) bytes: u64,
    pub(crate) records: u64,
    pub(crate) ticks: u64,
    /// Lines that are envelopes of other records.
    pub(crate) not_ticks: u64,
    pub(crate) partitions: Vec<PartitionSummary>,
    pub(crate) sessions: Vec<SessionSummary>,
    pub(crate) not_known: Vec<String>,
}

/// The chain of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PartitionSummary {
    pub(crate) partition: u32,
    pub(crate) objects: u64,
    /// Offset at which the chain begins.
    pub(crate) first_offset: u64,
    /// Offset after its last, where the last slot tells it.
    pub(crate) next_offset: Option<u64>,
    /// Where the log begins and ends, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_offsets: Option<(u64, u64)>,
}

/// One run of one producer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SessionSummary {
    pub(crate) producer: String,
    pub(crate) session: Uuid,
    /// Ticks of it, a doubled one counted once.
    pub(crate) ticks: u64,
    /// The greatest `seq`.
    pub(crate) last_seq: u64,
}

impl Report {
    pub(crate) fn new(args: &AuditArgs, topics: Vec<TopicSummary>, findings: Findings) -> Self {
        Self {
            bucket: args.source.bucket.to_string(),
            prefix: args.source.prefix.to_string(),
            partial_since: args.since.map(start_of_hour),
            is_clean: findings.errors() == 0,
            errors: findings.errors(),
            notes: findings.notes(),
            topics,
            findings_left_out: findings.left_out(),
            findings: findings.into_kept(),
        }
    }

    /// How the program ends for it.
    pub(crate) fn exit_status(&self) -> ExitStatus {
        if self.is_clean {
            ExitStatus::Done
        } else {
            ExitStatus::Failed
        }
    }

    /// Writes one JSON document.
    ///
    /// # Errors
    ///
    /// [`Error::Stdout`] if `out` takes no more.
    pub(crate) fn write_json(&self, out: &mut (dyn Write + Send)) -> Result<(), Error> {
        serde_json::to_writer_pretty(&mut *out, self)
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(out))
            .and_then(|()| out.flush())
            .map_err(|source| Error::Stdout { source })
    }

    /// Writes text for people, of which the last line is the verdict.
    ///
    /// # Errors
    ///
    /// [`Error::Stdout`] if `out` takes no more.
    pub(crate) fn write_text(&self, out: &mut (dyn Write + Send)) -> Result<(), Error> {
        self.lines(out)
            .and_then(|()| out.flush())
            .map_err(|source| Error::Stdout { source })
    }

    fn lines(&self, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        for topic in &self.topics {
            writeln!(out, "s3://{}/{}{}/", self.bucket, self.prefix, topic.topic)?;
            topic.lines(out)?;
        }
        let mut left_out = self.findings_left_out.clone();
        let mut shown = BTreeMap::<Kind, u64>::new();
        for finding in &self.findings {
            let shown = shown.entry(finding.kind).or_default();
            if *shown < FINDINGS_SHOWN {
                *shown += 1;
                writeln!(out, "{finding}")?;
            } else {
                *left_out.entry(finding.kind).or_default() += 1;
            }
        }
        for (kind, more) in &left_out {
            writeln!(out, "{kind}: {more} more")?;
        }
        let part = self
            .partial_since
            .map(|since| format!(", in the part from {since} on; older objects were not read"))
            .unwrap_or_default();
        match self.errors {
            0 => writeln!(out, "audit: clean{part}"),
            1 => writeln!(out, "audit: 1 finding{part}"),
            errors => writeln!(out, "audit: {errors} findings{part}"),
        }
    }
}

impl TopicSummary {
    fn lines(&self, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        writeln!(
            out,
            "  objects     {}, {} bytes, {} uncompressed",
            self.objects, self.stored_bytes, self.bytes
        )?;
        if self.objects_left_out > 0 {
            writeln!(out, "  not read    {} older objects", self.objects_left_out)?;
        }
        writeln!(
            out,
            "  records     {}: {} ticks, {} not ticks",
            self.records, self.ticks, self.not_ticks
        )?;
        writeln!(out, "  partitions  {}", self.partitions.len())?;
        for partition in &self.partitions {
            let next = partition
                .next_offset
                .map_or_else(|| "?".to_owned(), |next| next.to_string());
            writeln!(
                out,
                "    {}: offsets {} to before {next} in {} objects",
                partition.partition, partition.first_offset, partition.objects
            )?;
        }
        writeln!(out, "  sessions    {}", self.sessions.len())?;
        for session in self.sessions.iter().take(SESSIONS_SHOWN) {
            writeln!(
                out,
                "    {} of {}: {} ticks, last seq {}",
                session.session, session.producer, session.ticks, session.last_seq
            )?;
        }
        if self.sessions.len() > SESSIONS_SHOWN {
            writeln!(out, "    and {} more", self.sessions.len() - SESSIONS_SHOWN)?;
        }
        for what in &self.not_known {
            writeln!(out, "  not known   {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bucket_reader::{Place, Seqs};

    use super::*;

    fn report(findings: Findings) -> Report {
        let args = AuditArgs::parsed(&["--prefix", "x"]).unwrap();
        let topic = TopicSummary {
            topic: "t".to_owned(),
            objects: 2,
            not_known: vec!["whether it rains".to_owned()],
            ..TopicSummary::default()
        };
        Report::new(&args, vec![topic], findings)
    }

    fn text(report: &Report) -> String {
        let mut text = Vec::new();
        report.write_text(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_clean_report_says_so_last_and_what_it_could_not_know() {
        let mut findings = Findings::default();
        findings.push(Finding::note(Kind::OffsetGap, Place::default(), "a gap"));
        let report = report(findings);
        let text = text(&report);
        assert!(text.starts_with("s3://my-bucket/x/t/\n"), "{text}");
        assert!(text.contains("  not known   whether it rains\n"), "{text}");
        assert!(
            text.ends_with("note, offset gap: a gap\naudit: clean\n"),
            "{text}"
        );
        assert_eq!(report.exit_status(), ExitStatus::Done);
    }

    #[test]
    fn a_finding_is_shown_with_its_place_and_what_is_too_much_is_counted() {
        let mut findings = Findings::default();
        let mut seqs = Seqs::default();
        seqs.push(3, 4);
        for n in 0..150 {
            let place = Place {
                key: Some(format!("k{n}")),
                seqs: Some(seqs.clone()),
                ..Place::default()
            };
            findings.push(Finding::error(Kind::DoubledTick, place, "twice"));
        }
        let report = report(findings);
        let text = text(&report);
        assert!(text.contains("doubled tick: k0, seq 3 to 4: twice\n"), "{text}");
        assert_eq!(text.matches(": twice\n").count(), 20);
        assert!(
            text.ends_with("doubled tick: 130 more\naudit: 150 findings\n"),
            "{text}"
        );
        assert_eq!(report.exit_status(), ExitStatus::Failed);
        let mut json = Vec::new();
        report.write_json(&mut json).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["findings"].as_array().unwrap().len(), 100);
        assert_eq!(json["findings_left_out"]["doubled_tick"], 50);
    }
}
