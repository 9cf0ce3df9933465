//! One budget of memory, and who gets how much of it.

/// What librdkafka takes for a record that waits beside the record's own bytes.
const BYTES_A_QUEUED_RECORD: u64 = 512;
/// How much a fetch may grow by being decompressed and taken apart. Ticks compress 25-fold.
const FETCH_GROWTH: u64 = 64;

/// `--memory`: a quarter is for records that librdkafka holds, the rest for objects in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryBudget {
    bytes: u64,
}

impl MemoryBudget {
    /// Below this, one partition alone would write an object a record.
    pub(crate) const MIN_BYTES: u64 = 16 * 1024 * 1024;

    /// A budget of at least [`Self::MIN_BYTES`].
    #[must_use]
    pub(crate) fn new(bytes: u64) -> Option<Self> {
        (bytes >= Self::MIN_BYTES).then_some(Self { bytes })
    }

    /// Above this, reading waits for the bucket.
    #[must_use]
    pub(crate) fn runs_max_bytes(self) -> u64 {
        self.bytes - self.queue_bytes()
    }

    /// Below this, it goes on. The gap keeps it from stopping and starting with each object, as a stop drops what is
    /// fetched already.
    #[must_use]
    pub(crate) fn runs_low_bytes(self) -> u64 {
        self.runs_max_bytes() / 4 * 3
    }

    fn queue_bytes(self) -> u64 {
        self.bytes / 4
    }

    /// The properties that keep librdkafka to its share: half of it for records that wait, by their bytes and by
    /// their number, the other half for the fetch that comes on top.
    #[must_use]
    pub(crate) fn kafka_properties(self) -> [(&'static str, String); 5] {
        let waiting = self.queue_bytes() / 2;
        let fetch = (self.queue_bytes() / 2 / FETCH_GROWTH).clamp(64 * 1024, 50 * 1024 * 1024);
        [
            (
                "queued.max.messages.kbytes",
                (waiting / 2 / 1000).min(2_000_000).to_string(),
            ),
            (
                "queued.min.messages",
                (waiting / 2 / BYTES_A_QUEUED_RECORD).min(10_000_000).to_string(),
            ),
            // a queue this small is empty again within milliseconds, and librdkafka would look after a second
            ("fetch.queue.backoff.ms", "5".to_owned()),
            ("fetch.max.bytes", fetch.to_string()),
            // a producer's limit, but librdkafka wants it no larger than the one above
            ("message.max.bytes", fetch.to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn the_shares_are_no_more_than_the_whole() {
        for bytes in [16 * MIB, 256 * MIB, 64 * 1024 * MIB] {
            let budget = MemoryBudget::new(bytes).unwrap();
            let property = |wanted| -> u64 {
                let properties = budget.kafka_properties();
                let (_, value) = properties.iter().find(|(key, _)| *key == wanted).unwrap();
                value.parse().unwrap()
            };
            let queued = property("queued.max.messages.kbytes") * 1000
                + property("queued.min.messages") * BYTES_A_QUEUED_RECORD;
            assert!(queued + budget.runs_max_bytes() <= bytes);
            assert!(budget.runs_low_bytes() < budget.runs_max_bytes());
        }
        assert_eq!(MemoryBudget::new(16 * MIB - 1), None);
    }

    #[test]
    fn librdkafka_takes_the_properties() {
        for bytes in [16 * MIB, 256 * MIB, 1024 * 1024 * MIB] {
            let mut config = rdkafka::ClientConfig::new();
            config.set("group.id", "g");
            for (key, value) in MemoryBudget::new(bytes).unwrap().kafka_properties() {
                config.set(key, value);
            }
            let consumer: Result<rdkafka::consumer::BaseConsumer, _> = config.create();
            assert!(consumer.is_ok(), "{bytes}: {:?}", consumer.err());
        }
    }
}
