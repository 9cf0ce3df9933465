use std::collections::BTreeMap;

use bucket_reader::{Finding, Findings, Kind, Layout, Place, SlotFacts, SlotName, TopicListing, Unreadable};

use super::partition::PartitionAudit;
use super::report::{PartitionSummary, TopicSummary};
use super::sessions::{Sessions, Unseen};

/// Sets the objects of one topic beside each other, partition by partition, each in the order of its starts.
#[derive(Debug)]
pub(crate) struct TopicAudit {
    layout: Option<Layout>,
    /// The topic's id, and which key said so first.
    topic_id: Option<(String, String)>,
    is_complete_wanted: bool,
    /// Partitions of which older slots are not read; absent if all are to be.
    left_out: Option<BTreeMap<u32, u64>>,
    partition: Option<PartitionAudit>,
    sessions: Sessions,
    /// Partitions of which the beginning was removed.
    cut: Vec<u32>,
    sparse: Vec<SparseSlot>,
    summary: TopicSummary,
}

/// A slot that has fewer records than offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SparseSlot {
    pub(crate) key: String,
    pub(crate) partition: u32,
    /// First and last offset.
    pub(crate) offsets: (u64, u64),
    pub(crate) records: u64,
}

/// What became of a topic.
#[derive(Debug, Default)]
pub(crate) struct AuditedTopic {
    pub(crate) layout: Option<Layout>,
    pub(crate) summary: TopicSummary,
    pub(crate) sparse: Vec<SparseSlot>,
    /// Partitions of which older slots were not read.
    pub(crate) left_out: BTreeMap<u32, u64>,
}

impl TopicAudit {
    pub(crate) fn new(
        folder: &str,
        topic: &str,
        layout: Option<Layout>,
        listed: &TopicListing,
        memory: usize,
    ) -> Self {
        Self {
            topic_id: layout
                .as_ref()
                .and_then(|layout| Some((layout.topic_id.clone()?, layout.key.clone()))),
            layout,
            is_complete_wanted: false,
            left_out: None,
            partition: None,
            sessions: Sessions::new(topic, folder, memory),
            cut: Vec::new(),
            sparse: Vec::new(),
            summary: TopicSummary {
                topic: topic.to_owned(),
                not_data: listed.not_data,
                objects_left_out: listed.left_out.values().sum(),
                ..TopicSummary::default()
            },
        }
    }

    /// Takes it as a fault if a chain begins after offset 0.
    pub(crate) fn wanting_all(mut self, is_complete_wanted: bool) -> Self {
        self.is_complete_wanted = is_complete_wanted;
        self
    }

    /// Takes it as no fault that what these partitions begin with is not read.
    pub(crate) fn leaving_out(mut self, left_out: Option<BTreeMap<u32, u64>>) -> Self {
        self.left_out = left_out;
        self
    }

    /// Adds the next slot.
    pub(crate) fn slot(&mut self, facts: SlotFacts, findings: &mut Findings) {
        let SlotFacts {
            name,
            key,
            size,
            metadata,
            body,
            findings: in_object,
        } = facts;
        findings.append(in_object);
        self.compare_with_layout(name, &key, findings);
        if let Some(topic_id) = &metadata.topic_id {
            self.compare_topic_id(topic_id, &key, findings);
        }
        self.add_to_partition(name, metadata.end, &key, findings);
        if let Some((first, last)) = metadata.offsets().filter(|_| body.is_whole)
            && body.records < last - first + 1
        {
            self.sparse.push(SparseSlot {
                key: key.clone(),
                partition: name.partition,
                offsets: (first, last),
                records: body.records,
            });
        }
        self.sessions.slot(name, &key, body.sessions, findings);
        self.summary.objects += 1;
        self.summary.stored_bytes += size;
        self.summary.bytes += body.bytes;
        self.summary.records += body.records;
        self.summary.ticks += body.ticks;
        self.summary.not_ticks += body.not_ticks;
    }

    /// Adds the next slot, of which only the name is known.
    pub(crate) fn unreadable(&mut self, object: Unreadable, findings: &mut Findings) {
        let Unreadable { name, key, why } = object;
        findings.push(Finding::error(Kind::Unreadable, at(&key), why));
        self.add_to_partition(name, None, &key, findings);
        self.summary.objects += 1;
    }

    fn compare_with_layout(&self, name: SlotName, key: &str, findings: &mut Findings) {
        if let Some(layout) = self.layout.as_ref().filter(|layout| layout.format != name.format) {
            let what = format!(
                "its codec is {}, {} says {}",
                name.format, layout.key, layout.format
            );
            findings.push(Finding::error(Kind::Layout, at(key), what));
        }
    }

    fn compare_topic_id(&mut self, topic_id: &str, key: &str, findings: &mut Findings) {
        match &self.topic_id {
            Some((other, _)) if other == topic_id => {}
            Some((other, other_key)) => {
                let what = format!(
                    "topic-id says {topic_id}, {other_key} says {other}: the topic was made anew, or two \
                     pipelines share the prefix"
                );
                findings.push(Finding::error(Kind::Mismatch, at(key), what));
            }
            None => self.topic_id = Some((topic_id.to_owned(), key.to_owned())),
        }
    }

    fn add_to_partition(&mut self, name: SlotName, end: Option<u64>, key: &str, findings: &mut Findings) {
        let SlotName { partition, start, .. } = name;
        // a slot that ends before it starts was reported
        let end = end.filter(|end| *end >= start);
        match &mut self.partition {
            Some(audit) if audit.number() == partition => audit.slot(start, end, key, findings),
            _ => {
                self.end_partition(findings);
                let topic = &self.summary.topic;
                self.partition = Some(PartitionAudit::begin(topic, partition, start, end, key));
                self.summary.partitions.push(PartitionSummary {
                    partition,
                    first_offset: start,
                    ..PartitionSummary::default()
                });
            }
        }
        if let Some(partition) = self.summary.partitions.last_mut() {
            partition.objects += 1;
        }
    }

    fn end_partition(&mut self, findings: &mut Findings) {
        let Some(audit) = self.partition.take() else {
            return;
        };
        let is_begin_left_out = self
            .left_out
            .as_ref()
            .is_some_and(|left_out| left_out.contains_key(&audit.number()));
        if !is_begin_left_out {
            audit.report_begin(self.is_complete_wanted, findings);
            if audit.first() > 0 {
                self.cut.push(audit.number());
            }
        }
        if let Some(partition) = self.summary.partitions.last_mut() {
            partition.next_offset = audit.next();
        }
    }

    /// Reports what only shows once all slots are read.
    pub(crate) fn finish(mut self, findings: &mut Findings) -> AuditedTopic {
        self.end_partition(findings);
        let unseen = Unseen {
            removed: &self.cut,
            is_partial: self.left_out.is_some(),
        };
        self.summary.sessions = self.sessions.finish(unseen, findings);
        AuditedTopic {
            layout: self.layout,
            summary: self.summary,
            sparse: self.sparse,
            left_out: self.left_out.unwrap_or_default(),
        }
    }
}

fn at(key: &str) -> Place {
    Place {
        key: Some(key.to_owned()),
        ..Place::default()
    }
}
