use super::chain::Chain;
use super::finding::{Finding, Findings, Kind, Place};
use super::layout::Layout;
use super::name::SlotName;
use super::report::{PartitionSummary, TopicSummary};
use super::sessions::Sessions;
use super::slot::SlotFacts;

/// An object that could not be read to its end, and why.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) name: SlotName,
    pub(crate) key: String,
    pub(crate) why: String,
}

/// Sets the objects of one topic beside each other, partition by partition, each in the order of its starts.
#[derive(Debug)]
pub(crate) struct TopicAudit {
    layout: Option<Layout>,
    /// The topic's id, and which key said so first.
    topic_id: Option<(String, String)>,
    is_complete_wanted: bool,
    chain: Option<Chain>,
    sessions: Sessions,
    /// Partitions of which the beginning was removed.
    cut: Vec<u32>,
    summary: TopicSummary,
}

impl TopicAudit {
    pub(crate) fn new(topic: &str, layout: Option<Layout>, not_data: u64, is_complete_wanted: bool) -> Self {
        Self {
            topic_id: layout
                .as_ref()
                .and_then(|layout| Some((layout.topic_id.clone()?, layout.key.clone()))),
            layout,
            is_complete_wanted,
            chain: None,
            sessions: Sessions::default(),
            cut: Vec::new(),
            summary: TopicSummary {
                topic: topic.to_owned(),
                not_data,
                ..TopicSummary::default()
            },
        }
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
        self.add_to_chain(name, metadata.end, &key, findings);
        self.sessions.slot(name.partition, &key, body.sessions, findings);
        self.summary.objects += 1;
        self.summary.stored_bytes += size;
        self.summary.bytes += body.bytes;
        self.summary.records += body.lines;
        self.summary.ticks += body.ticks;
        self.summary.not_ticks += body.not_ticks;
    }

    /// Adds the next slot, of which only the name is known.
    pub(crate) fn unreadable(&mut self, object: Unreadable, findings: &mut Findings) {
        let Unreadable { name, key, why } = object;
        findings.push(Finding::error(Kind::Unreadable, at(&key), why));
        self.add_to_chain(name, None, &key, findings);
        self.summary.objects += 1;
    }

    fn compare_with_layout(&self, name: SlotName, key: &str, findings: &mut Findings) {
        if let Some(layout) = self.layout.as_ref().filter(|layout| layout.codec != name.codec) {
            let what = format!(
                "its codec is {}, {} says {}",
                name.codec, layout.key, layout.codec
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

    fn add_to_chain(&mut self, name: SlotName, end: Option<u64>, key: &str, findings: &mut Findings) {
        let SlotName { partition, start, .. } = name;
        // a slot that ends before it starts was reported
        let end = end.filter(|end| *end >= start);
        match &mut self.chain {
            Some(chain) if chain.partition() == partition => chain.slot(start, end, key, findings),
            _ => {
                self.end_chain(findings);
                self.chain = Some(Chain::begin(&self.summary.topic, partition, start, end, key));
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

    fn end_chain(&mut self, findings: &mut Findings) {
        let Some(chain) = self.chain.take() else { return };
        chain.report_begin(self.is_complete_wanted, findings);
        if chain.first() > 0 {
            self.cut.push(chain.partition());
        }
        if let Some(partition) = self.summary.partitions.last_mut() {
            partition.next_offset = chain.next();
        }
    }

    /// Reports what only shows once all slots are read.
    pub(crate) fn finish(mut self, findings: &mut Findings) -> TopicSummary {
        self.end_chain(findings);
        self.summary.sessions = self.sessions.finish(&self.cut, findings);
        self.summary
    }
}

fn at(key: &str) -> Place {
    Place {
        key: Some(key.to_owned()),
        ..Place::default()
    }
}
