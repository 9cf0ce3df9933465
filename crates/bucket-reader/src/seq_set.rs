use std::collections::HashSet;

use roaring::RoaringTreemap;

/// Numbers that are kept together; a set of near ones takes two bytes each at most, and a bit where all are there.
const CHUNK_BITS: u32 = 16;

/// What a chunk takes beside its numbers, about.
const CHUNK_BYTES: usize = 300;

/// What a chunk's numbers take at most.
const CHUNK_NUMBERS_MAX_BYTES: usize = 8192;

/// Positions in a session, and how much memory they take: numbers that are made up lie far apart and take more.
#[derive(Clone, Debug, Default)]
pub struct SeqSet {
    seqs: RoaringTreemap,
    chunks: HashSet<u64>,
    numbers_bytes: usize,
}

impl SeqSet {
    /// Adds a number; tells whether it is new.
    pub fn insert(&mut self, seq: u64) -> bool {
        let is_new = self.seqs.insert(seq);
        if is_new {
            self.chunks.insert(seq >> CHUNK_BITS);
            self.numbers_bytes += size_of::<u16>();
        }
        is_new
    }

    /// Adds all numbers of the other.
    pub fn append(&mut self, other: Self) {
        self.seqs |= other.seqs;
        self.chunks.extend(other.chunks);
        self.numbers_bytes += other.numbers_bytes;
    }

    /// Packs the numbers, and looks how much they take then.
    pub fn pack(&mut self) {
        self.seqs.optimize();
        self.numbers_bytes = self.seqs.serialized_size();
    }

    /// Memory taken, about.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let chunks = self.chunks.len();
        chunks * CHUNK_BYTES + self.numbers_bytes.min(chunks * CHUNK_NUMBERS_MAX_BYTES)
    }

    /// The numbers.
    #[must_use]
    pub fn seqs(&self) -> &RoaringTreemap {
        &self.seqs
    }
}

impl FromIterator<u64> for SeqSet {
    fn from_iter<I: IntoIterator<Item = u64>>(seqs: I) -> Self {
        let mut set = Self::default();
        for seq in seqs {
            set.insert(seq);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_far_apart_are_charged_more_than_those_that_follow_each_other() {
        let mut dense: SeqSet = (0..1_000_000).collect();
        dense.pack();
        assert!(dense.held_bytes() < 10_000, "{}", dense.held_bytes());
        let sparse: SeqSet = (0..1_000).map(|n| n << 40).collect();
        assert!(sparse.held_bytes() > 300_000, "{}", sparse.held_bytes());
        assert_eq!(sparse.seqs().len(), 1_000);
    }
}
