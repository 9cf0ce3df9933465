//! What an audit could not know, so that "clean" says no more than was seen.

use super::topic::AuditedTopic;

/// Offsets without a record, of all slots that were not compared with the log.
fn offsets_without_record(audited: &AuditedTopic) -> u64 {
    let missing = audited
        .sparse
        .iter()
        .map(|slot| slot.offsets.1 - slot.offsets.0 + 1 - slot.records);
    missing.sum()
}

/// In sentences that go on after "not known".
pub(crate) fn not_known(audited: &AuditedTopic, is_log_compared: bool) -> Vec<String> {
    let mut unknown = Vec::new();
    let offsets = offsets_without_record(audited);
    if is_log_compared {
        if offsets > 0 {
            unknown.push(format!(
                "whether {offsets} offsets had a record that no object holds: the log does not reach back to them"
            ));
        }
    } else {
        unknown.push(
            "whether objects are gone behind the last one of a chain, and whether the log holds more: ask with `--brokers`"
                .to_owned(),
        );
        if offsets > 0 {
            unknown.push(format!(
                "whether {offsets} offsets had a record that no object holds, one that is no tick: ask with `--brokers`"
            ));
        }
    }
    unknown.push("whether a producer accepted ticks behind the last one of its session here".to_owned());
    unknown
}

#[cfg(test)]
mod tests {
    use super::super::topic::SparseSlot;
    use super::*;

    #[test]
    fn what_is_not_known_depends_on_what_was_asked() {
        let mut audited = AuditedTopic::default();
        assert_eq!(not_known(&audited, true).len(), 1);
        assert!(not_known(&audited, false)[0].contains("--brokers"));
        audited.sparse = vec![SparseSlot {
            key: "k".to_owned(),
            partition: 0,
            offsets: (10, 19),
            records: 7,
        }];
        assert!(not_known(&audited, true)[0].contains("whether 3 offsets had a record"));
        assert!(not_known(&audited, false)[1].contains("whether 3 offsets had a record"));
    }
}
