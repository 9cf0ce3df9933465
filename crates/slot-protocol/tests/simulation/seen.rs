/// How often a schedule came to what the protocol is for: a simulation that never does proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) adopted: u64,
    pub(super) rereads: u64,
    pub(super) own_found: u64,
    pub(super) gone_after_exists: u64,
    pub(super) resets: u64,
    pub(super) lists: u64,
    pub(super) lost: u64,
    pub(super) located_again: u64,
    pub(super) doubted: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: Self) {
        self.adopted += other.adopted;
        self.rereads += other.rereads;
        self.own_found += other.own_found;
        self.gone_after_exists += other.gone_after_exists;
        self.resets += other.resets;
        self.lists += other.lists;
        self.lost += other.lost;
        self.located_again += other.located_again;
        self.doubted += other.doubted;
    }

    /// The rarest.
    pub(super) fn least(&self) -> u64 {
        let all = [
            self.adopted,
            self.rereads,
            self.own_found,
            self.gone_after_exists,
            self.resets,
            self.lists,
            self.lost,
            self.located_again,
            self.doubted,
        ];
        all.into_iter().min().unwrap_or_default()
    }
}
