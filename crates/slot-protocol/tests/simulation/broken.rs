/// A rule that is broken, to see that the simulation would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Nothing,
    /// The store lets a PUT replace an object.
    Overwrite,
    /// 412 is taken for success without a look at who wrote the slot.
    AssumeSame,
    /// The slot found is taken to end where it begins.
    NextIsStartPlusOne,
    /// 409 is taken for "it exists".
    ConflictIsExists,
    /// 404 to the HEAD after a 412 is taken for "it was ours".
    GoneIsOurs,
    /// The next run's PUT is sent before the one under way is answered.
    Pipelined,
    /// An operator's reset is followed to wherever it points.
    UnguardedReset,
    /// Under the key of one run go the bytes of the one that waits behind it.
    BytesOfAnotherRun,
    /// A slot is resolved, and committed, before the store has answered.
    CommitBeforeAnswer,
    /// The chain's end is held against an end of the log that was asked for before the LIST.
    LogEndAskedBeforeList,
    /// What is gone is passed over that was still there, and may have been stored, when the bucket was listed.
    LogStartAskedAfterList,
    /// Where retention has passed the reader, it goes on behind, without a look at the bucket.
    SkipWithoutList,
    /// What lies behind a gap is taken at once where it comes first after a seek.
    FirstGapIsHole,
    /// What lies behind a gap is taken at once where it comes later.
    LaterGapIsHole,
}

impl Broken {
    /// All rules.
    pub(super) const RULES: [Self; 14] = [
        Self::Overwrite,
        Self::AssumeSame,
        Self::NextIsStartPlusOne,
        Self::ConflictIsExists,
        Self::GoneIsOurs,
        Self::Pipelined,
        Self::BytesOfAnotherRun,
        Self::UnguardedReset,
        Self::CommitBeforeAnswer,
        Self::LogEndAskedBeforeList,
        Self::LogStartAskedAfterList,
        Self::SkipWithoutList,
        Self::FirstGapIsHole,
        Self::LaterGapIsHole,
    ];
}
