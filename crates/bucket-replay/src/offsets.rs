use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// An offset of each partition: `120` of all, `0:120,3:7` of some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offsets {
    of_all: Option<u64>,
    by_partition: BTreeMap<u32, u64>,
}

impl Offsets {
    /// The offset of a partition, or of those that are not named.
    pub(super) fn of(&self, partition: Option<u32>) -> Option<u64> {
        let named = partition.and_then(|partition| self.by_partition.get(&partition).copied());
        named.or(self.of_all)
    }

    /// The same, but for these partitions.
    pub(super) fn with(&self, by_partition: &BTreeMap<u32, u64>) -> Self {
        let mut changed = self.clone();
        changed.by_partition.extend(by_partition);
        changed
    }

    /// The partitions that are named.
    pub(super) fn partitions(&self) -> impl Iterator<Item = u32> {
        self.by_partition.keys().copied()
    }
}

impl FromStr for Offsets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut offsets = Self::default();
        for part in text.split(',').filter(|_| !text.is_empty()) {
            let wrong = || format!("`{part}` is neither OFFSET nor PARTITION:OFFSET");
            let is_new = match part.split_once(':') {
                None => {
                    let offset = part.parse().map_err(|_| wrong())?;
                    offsets.of_all.replace(offset).is_none()
                }
                Some((partition, offset)) => {
                    let partition = partition.parse().map_err(|_| wrong())?;
                    let offset = offset.parse().map_err(|_| wrong())?;
                    offsets.by_partition.insert(partition, offset).is_none()
                }
            };
            if !is_new {
                return Err(format!("`{part}` is the second offset of the same"));
            }
        }
        Ok(offsets)
    }
}

impl fmt::Display for Offsets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_all = self.of_all.iter().map(u64::to_string);
        let by_partition = self.by_partition.iter();
        let by_partition = by_partition.map(|(partition, offset)| format!("{partition}:{offset}"));
        f.write_str(&of_all.chain(by_partition).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_of_all_partitions_or_of_those_that_are_named() {
        let offsets: Offsets = "120".parse().unwrap();
        assert_eq!((offsets.of(Some(3)), offsets.of(None)), (Some(120), Some(120)));
        let offsets: Offsets = "0:120,3:7".parse().unwrap();
        assert_eq!((offsets.of(Some(3)), offsets.of(Some(1))), (Some(7), None));
        let offsets: Offsets = "5,3:7".parse().unwrap();
        assert_eq!((offsets.of(Some(3)), offsets.of(Some(1))), (Some(7), Some(5)));
        for text in ["", "120", "0:120,3:7", "5,3:7"] {
            assert_eq!(text.parse::<Offsets>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn where_to_go_on_keeps_what_was_asked_of_other_partitions() {
        let asked: Offsets = "5,0:1,3:7".parse().unwrap();
        let go_on = asked.with(&BTreeMap::from([(0, 9), (2, 4)]));
        assert_eq!(go_on.to_string(), "5,0:9,2:4,3:7");
    }

    #[test]
    fn what_is_no_offset_is_refused() {
        for text in ["x", "-1", "1:", ":1", "1:2:3", "1,2", "0:1,0:2", ","] {
            assert!(text.parse::<Offsets>().is_err(), "{text:?} was taken");
        }
    }
}
