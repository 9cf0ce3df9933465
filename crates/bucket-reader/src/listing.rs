use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::Object;
use indicatif::ProgressBar;
use jiff::Timestamp;
use pipeline_runtime::kafka::TopicName;
use pipeline_runtime::s3::Prefix;

use super::bucket::Bucket;
use super::error::Error;
use super::finding::{Finding, Findings, Kind, Place};
use super::name::{ObjectName, SlotName};
use super::progress;

/// What is under the prefix, as it was at one moment.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Listing {
    pub topics: BTreeMap<String, TopicListing>,
    /// When the newest object was written, by the store's clock.
    pub newest: Option<Timestamp>,
    foreign: Findings,
}

/// What is in a topic's folder.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TopicListing {
    /// Partition by partition, each in the order of its starts.
    pub slots: Vec<ListedSlot>,
    pub has_layout: bool,
    /// Objects that are not data, beside the layout.
    pub not_data: u64,
    /// Slots that [`TopicListing::begin_at`] left out, by partition.
    pub left_out: BTreeMap<u32, u64>,
}

/// A slot as LIST tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ListedSlot {
    pub name: SlotName,
    /// Bytes as stored.
    pub size: u64,
}

/// The greatest start of each topic's partitions.
type Tips = BTreeMap<String, BTreeMap<u32, u64>>;

impl TopicListing {
    /// Leaves out, of each chain, what stands before the first slot of this hour or a later one. What is left
    /// holds all records from the hour on, and each chain is still without a gap of its own.
    pub fn begin_at(&mut self, hour_start: Timestamp) {
        let mut begun = BTreeSet::new();
        let left_out = &mut self.left_out;
        self.slots.retain(|slot| {
            let name = slot.name;
            let is_in = begun.contains(&name.partition) || name.hour_start() >= hour_start;
            if is_in {
                begun.insert(name.partition);
            } else {
                *left_out.entry(name.partition).or_default() += 1;
            }
            is_in
        });
    }
}

impl Listing {
    /// Lists what is under the prefix, of one topic or of all.
    ///
    /// While the pipeline writes, one LIST may pass a place before its slot is written and show a later slot
    /// of the chain, which would look like a hole. So it is listed twice, and what counts are the slots of
    /// the second LIST that are no later than those of the first: all of them were there before it began.
    ///
    /// # Errors
    ///
    /// If the store refuses it.
    pub async fn of(bucket: &Bucket, prefix: &Prefix, topic: Option<&TopicName>) -> Result<Self, Error> {
        let prefix = prefix.as_str();
        let within = topic.map_or_else(|| prefix.to_owned(), |topic| format!("{prefix}{topic}/"));
        let progress = progress::listing();
        let tips = Self::once(bucket, &within, prefix, &progress).await?.tips();
        let mut listing = Self::once(bucket, &within, prefix, &progress).await?;
        progress.finish_and_clear();
        listing.end_at(&tips);
        Ok(listing)
    }

    async fn once(
        bucket: &Bucket,
        within: &str,
        prefix: &str,
        progress: &ProgressBar,
    ) -> Result<Self, Error> {
        let mut listing = Self::default();
        progress.reset();
        bucket
            .list(within, |key, object| {
                progress.inc(1);
                listing.add(key, key.strip_prefix(prefix).unwrap_or(key), object);
            })
            .await?;
        listing
            .topics
            .retain(|_, topic| topic.has_layout || !topic.slots.is_empty());
        Ok(listing)
    }

    fn add(&mut self, key: &str, path: &str, object: &Object) {
        let size = object.size().unwrap_or_default().try_into().unwrap_or_default();
        let written = object.last_modified().map(DateTime::as_nanos);
        let written = written.and_then(|moment| Timestamp::from_nanosecond(moment).ok());
        self.newest = self.newest.max(written);
        match ObjectName::parse(path) {
            ObjectName::Slot { topic, name } => self.topic(topic).slots.push(ListedSlot { name, size }),
            ObjectName::Layout { topic } => self.topic(topic).has_layout = true,
            ObjectName::NotData { topic } => self.topic(topic).not_data += 1,
            // what S3 consoles make to show an empty folder
            ObjectName::Foreign(_) if key.ends_with('/') && size == 0 => {}
            ObjectName::Foreign(reason) => {
                let place = Place {
                    key: Some(key.to_owned()),
                    ..Place::default()
                };
                self.foreign
                    .push(Finding::error(Kind::ForeignObject, place, reason));
            }
        }
    }

    fn topic(&mut self, topic: &str) -> &mut TopicListing {
        self.topics.entry(topic.to_owned()).or_default()
    }

    fn tips(&self) -> Tips {
        let mut tips = Tips::new();
        for (topic, listed) in &self.topics {
            let tips = tips.entry(topic.clone()).or_default();
            for ListedSlot { name, .. } in &listed.slots {
                let tip = tips.entry(name.partition).or_default();
                *tip = name.start.max(*tip);
            }
        }
        tips
    }

    fn end_at(&mut self, tips: &Tips) {
        self.topics.retain(|topic, listed| {
            let Some(tips) = tips.get(topic) else { return false };
            listed.slots.retain(|slot| {
                tips.get(&slot.name.partition)
                    .is_some_and(|tip| slot.name.start <= *tip)
            });
            listed.slots.sort_unstable();
            true
        });
    }

    /// Reports the objects that are none of ours.
    pub fn report_foreign(&mut self, findings: &mut Findings) {
        findings.append(std::mem::take(&mut self.foreign));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(paths: &[&str]) -> Listing {
        let mut listing = Listing::default();
        let object = Object::builder().size(7).build();
        for path in paths {
            listing.add(&format!("x/{path}"), path, &object);
        }
        listing
    }

    fn slot(partition: u32, start: u64, hour: u8) -> String {
        format!("t/dt=2026-11-23/hour={hour:02}/t-{partition:05}-{start:020}.jsonl")
    }

    #[test]
    fn slots_are_put_in_the_order_of_their_chains() {
        let keys = [slot(1, 0, 3), slot(0, 50, 3), slot(0, 0, 4), slot(0, 10, 2)];
        let mut listing = listing(&keys.each_ref().map(String::as_str));
        listing.end_at(&listing.tips());
        let slots = listing.topics["t"].slots.iter();
        let order: Vec<_> = slots.map(|slot| (slot.name.partition, slot.name.start)).collect();
        assert_eq!(order, [(0, 0), (0, 10), (0, 50), (1, 0)]);
    }

    #[test]
    fn a_slot_written_while_it_is_listed_makes_no_hole() {
        // the first LIST passed hour 4 before 10 was written there, then saw 20
        let first = listing(&[&slot(0, 0, 4), &slot(0, 20, 5)]);
        let mut second = listing(&[
            &slot(0, 0, 4),
            &slot(0, 10, 4),
            &slot(0, 20, 5),
            &slot(0, 40, 6),
            &slot(1, 0, 6),
        ]);
        second.end_at(&first.tips());
        let slots = second.topics["t"].slots.iter();
        assert_eq!(slots.map(|slot| slot.name.start).collect::<Vec<_>>(), [0, 10, 20]);
    }

    #[test]
    fn a_chain_begins_at_its_first_slot_of_the_hour_and_loses_none_behind_it() {
        // offset 20 came late, its hour is behind that of the slot before it
        let keys = [
            slot(0, 0, 3),
            slot(0, 10, 5),
            slot(0, 20, 3),
            slot(0, 30, 5),
            slot(1, 0, 4),
        ];
        let mut listing = listing(&keys.each_ref().map(String::as_str));
        listing.end_at(&listing.tips());
        let mut topic = listing.topics.remove("t").unwrap();
        topic.begin_at("2026-11-23T05:00:00Z".parse().unwrap());
        let slots = topic.slots.iter();
        let order: Vec<_> = slots.map(|slot| (slot.name.partition, slot.name.start)).collect();
        assert_eq!(order, [(0, 10), (0, 20), (0, 30)]);
        assert_eq!(topic.left_out, BTreeMap::from([(0, 1), (1, 1)]));
    }

    #[test]
    fn foreign_objects_are_reported_but_not_a_consoles_folders() {
        let mut listing = listing(&[
            "t/_layout.json",
            "t/_probe-1",
            "t/dt=2026-11-23/stray.txt",
            "t/x/",
        ]);
        listing.add("x/t/", "t/", &Object::builder().size(0).build());
        let mut findings = Findings::default();
        listing.report_foreign(&mut findings);
        let keys: Vec<_> = findings
            .into_kept()
            .into_iter()
            .filter_map(|found| found.place.key)
            .collect();
        assert_eq!(keys, ["x/t/dt=2026-11-23/stray.txt", "x/t/x/"]);
        assert!(listing.topics["t"].has_layout);
    }
}
