use crate::reference::Part;

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) task: Task,
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task {
    /// A part of the way alone.
    Reference(Part),
    /// The consumer.
    Drain(Drain),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    pub(crate) args: &'static [&'static str],
    /// The row that encodes the same bytes to the same form, and nothing else.
    pub(crate) encoding: Option<&'static str>,
}

pub(crate) const READ: &str = "read-batch";
pub(crate) const CHECK: &str = "check";

/// In the order in which they run and are shown.
pub(crate) const ALL: &[Contender] = &[
    reference(READ, Part::ReadBatch),
    reference("read-poll", Part::ReadPoll),
    reference(CHECK, Part::Check),
    reference("check-reordered", Part::CheckReordered),
    reference("check-syntax", Part::CheckSyntax),
    reference("zstd", Part::Zstd),
    reference("gzip", Part::Gzip),
    drain("jsonl-zstd", &["--compression", "zstd"], Some("zstd")),
    drain("jsonl-gzip", &["--compression", "gzip"], Some("gzip")),
    drain("parquet", &["--format", "parquet"], None),
];

pub(crate) const NAMES: [&str; ALL.len()] = {
    let mut names = [""; ALL.len()];
    let mut index = 0;
    while index < ALL.len() {
        names[index] = ALL[index].name;
        index += 1;
    }
    names
};

const fn reference(name: &'static str, part: Part) -> Contender {
    Contender {
        name,
        task: Task::Reference(part),
    }
}

const fn drain(
    name: &'static str,
    args: &'static [&'static str],
    encoding: Option<&'static str>,
) -> Contender {
    Contender {
        name,
        task: Task::Drain(Drain { args, encoding }),
    }
}

impl Drain {
    /// Whether the consumer that is there can do it, by its own help.
    pub(crate) fn is_offered_by(&self, help: &str) -> bool {
        self.args
            .iter()
            .filter(|arg| arg.starts_with("--"))
            .all(|flag| help.contains(flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_consumer_cannot_do_is_left_out() {
        let help = "--compression <HOW>";
        let offered = ALL.iter().filter_map(|contender| match contender.task {
            Task::Drain(drain) if drain.is_offered_by(help) => Some(contender.name),
            _ => None,
        });
        assert_eq!(offered.collect::<Vec<_>>(), ["jsonl-zstd", "jsonl-gzip"]);
    }

    #[test]
    fn each_encoding_is_a_row() {
        for contender in ALL {
            if let Task::Drain(Drain {
                encoding: Some(name), ..
            }) = contender.task
            {
                assert!(NAMES.contains(&name), "{name}");
            }
        }
    }
}
