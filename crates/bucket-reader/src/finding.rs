use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use uuid::Uuid;

/// Findings of one kind that are kept with all they say; more are only counted.
const KEPT_OF_A_KIND: u64 = 100;

/// Seqs of numbers that are kept of a set; more are only counted.
const KEPT_RANGES: usize = 10;

/// Longest text of a finding.
const TEXT_MAX_CHARS: usize = 1000;

/// What was found, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Neither a slot nor a layout is there.
    Nothing,
    /// A key that the pipeline does not write.
    ForeignObject,
    /// `_layout.json` is missing, cannot be read or contradicts the objects.
    Layout,
    /// The object went away between LIST and GET, or cannot be read to its end.
    Unreadable,
    /// Metadata that is missing or malformed.
    Metadata,
    /// Metadata that differs from the key, the body, or the other objects.
    Mismatch,
    /// A body that does not decompress, or is not made of whole lines.
    Body,
    /// A record that is neither a tick nor a right envelope.
    Line,
    /// The key's hour is not the first record's.
    Hour,
    /// Fewer records than offsets.
    OffsetGap,
    /// A chain that does not begin at offset 0.
    ChainBegin,
    /// Two objects for one start.
    TwoObjects,
    /// Offsets that are in no object.
    Hole,
    /// Offsets that are in two objects.
    Overlap,
    /// Offsets that were committed and are in no object behind the last one.
    ChainEnd,
    /// Offsets that are in no object and no longer in the log.
    LostRecords,
    /// Records of the log that an object should hold.
    MissingRecord,
    /// Offsets that are in an object, and that the log never had.
    BeyondLog,
    /// Offsets of the log that are in no object yet.
    NotStoredYet,
    /// A tick that is stored twice.
    DoubledTick,
    /// A tick behind a later one of its symbol.
    Disorder,
    /// Ticks that name too many sessions, symbols and positions to be compared.
    Unproven,
    /// Ticks of a session that are in no object.
    MissingTick,
    /// Ticks that are in no object, and may have been in one that was removed.
    RemovedTick,
    /// Ticks that are in no object, and may still be on their way.
    TickInFlight,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::ForeignObject => "foreign object",
            Self::Layout => "layout",
            Self::Unreadable => "unreadable",
            Self::Metadata => "metadata",
            Self::Mismatch => "mismatch",
            Self::Body => "body",
            Self::Line => "line",
            Self::Hour => "hour",
            Self::OffsetGap => "offset gap",
            Self::ChainBegin => "chain begin",
            Self::TwoObjects => "two objects",
            Self::Hole => "hole",
            Self::Overlap => "overlap",
            Self::ChainEnd => "chain end",
            Self::LostRecords => "lost records",
            Self::MissingRecord => "missing record",
            Self::BeyondLog => "beyond log",
            Self::NotStoredYet => "not stored yet",
            Self::DoubledTick => "doubled tick",
            Self::Disorder => "disorder",
            Self::Unproven => "unproven",
            Self::MissingTick => "missing tick",
            Self::RemovedTick => "removed tick",
            Self::TickInFlight => "tick in flight",
        })
    }
}

/// Whether a finding makes the bucket unclean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, but whoever reads the bucket should know.
    Note,
}

/// Where it was found; what does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Line of the uncompressed body or row of the Parquet file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// First and last offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offsets: Option<(u64, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Uuid>,
    /// Positions in the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seqs: Option<Seqs>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.key.clone());
        parts.extend(self.line.map(|line| format!("line {line}")));
        parts.extend(self.topic.as_ref().map(|topic| format!("topic {topic}")));
        parts.extend(self.partition.map(|partition| format!("partition {partition}")));
        parts.extend(
            self.offsets
                .map(|(first, last)| format!("offset {}", range(first, last))),
        );
        parts.extend(
            self.producer
                .as_ref()
                .map(|producer| format!("producer {producer}")),
        );
        parts.extend(self.session.map(|session| format!("session {session}")));
        parts.extend(self.seqs.as_ref().map(|seqs| format!("seq {seqs}")));
        f.write_str(&parts.join(", "))
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Finding {
    pub kind: Kind,
    pub severity: Severity,
    #[serde(flatten)]
    pub place: Place,
    pub what: String,
}

impl Finding {
    /// One that makes the bucket unclean.
    pub fn error(kind: Kind, place: Place, what: impl Into<String>) -> Self {
        Self {
            kind,
            severity: Severity::Error,
            place,
            what: excerpt(&what.into()),
        }
    }

    /// Whether the object is not as it was written, so that what it holds cannot be trusted.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let is_of_the_bytes = matches!(
            self.kind,
            Kind::Metadata | Kind::Mismatch | Kind::Body | Kind::Line
        );
        is_of_the_bytes && self.severity == Severity::Error
    }

    /// One that does not.
    pub fn note(kind: Kind, place: Place, what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Note,
            ..Self::error(kind, place, what)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind, place, what, ..
        } = self;
        if self.severity == Severity::Note {
            f.write_str("note, ")?;
        }
        match place.to_string().as_str() {
            "" => write!(f, "{kind}: {what}"),
            place => write!(f, "{kind}: {place}: {what}"),
        }
    }
}

/// Positions in a session as ranges, of which a long list keeps only the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Seqs {
    pub count: u64,
    /// First and last number of each range, ascending.
    pub ranges: Vec<(u64, u64)>,
    /// How many ranges are left out of `ranges`.
    pub ranges_left_out: u64,
    #[serde(skip)]
    last: Option<u64>,
}

impl Seqs {
    /// Adds a range that lies behind all others.
    pub fn push(&mut self, first: u64, last: u64) {
        self.count += last - first + 1;
        let is_joined = self
            .last
            .replace(last)
            .is_some_and(|before| before.checked_add(1) == Some(first));
        let kept = self.ranges.len();
        match self.ranges.last_mut() {
            Some((_, end)) if is_joined && self.ranges_left_out == 0 => *end = last,
            _ if is_joined => {}
            _ if kept < KEPT_RANGES => self.ranges.push((first, last)),
            _ => self.ranges_left_out += 1,
        }
    }
}

impl fmt::Display for Seqs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<String> = self
            .ranges
            .iter()
            .map(|(first, last)| range(*first, *last))
            .collect();
        f.write_str(&ranges.join(", "))?;
        match self.ranges_left_out {
            0 => Ok(()),
            more => write!(f, " and {more} more ranges"),
        }
    }
}

/// The beginning of a text that somebody else wrote, so that what is found does not grow with it.
#[must_use]
pub fn excerpt(text: &str) -> String {
    text.chars().take(TEXT_MAX_CHARS).collect()
}

fn range(first: u64, last: u64) -> String {
    if first == last {
        first.to_string()
    } else {
        format!("{first} to {last}")
    }
}

/// All findings: counted by kind, and the first of each kind kept, so that memory is bounded.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<Kind, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    kept: u64,
    errors: u64,
    notes: u64,
}

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.kind).or_default();
        match finding.severity {
            Severity::Error => count.errors += 1,
            Severity::Note => count.notes += 1,
        }
        if count.kept < KEPT_OF_A_KIND {
            count.kept += 1;
            self.kept.push(finding);
        }
    }

    /// Adds what was found in one object behind what was found before.
    pub fn append(&mut self, other: Self) {
        for finding in other.kept {
            let count = self.counts.entry(finding.kind).or_default();
            if count.kept < KEPT_OF_A_KIND {
                count.kept += 1;
                self.kept.push(finding);
            }
        }
        for (kind, Count { errors, notes, .. }) in other.counts {
            let count = self.counts.entry(kind).or_default();
            count.errors += errors;
            count.notes += notes;
        }
    }

    /// Whether one more of this kind would only be counted.
    #[must_use]
    pub fn is_full_of(&self, kind: Kind) -> bool {
        self.counts
            .get(&kind)
            .is_some_and(|count| count.kept >= KEPT_OF_A_KIND)
    }

    /// How many make the bucket unclean.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.counts.values().map(|count| count.errors).sum()
    }

    /// How many do not.
    #[must_use]
    pub fn notes(&self) -> u64 {
        self.counts.values().map(|count| count.notes).sum()
    }

    /// How many of each kind were counted but not kept.
    #[must_use]
    pub fn left_out(&self) -> BTreeMap<Kind, u64> {
        self.counts
            .iter()
            .map(|(kind, count)| (*kind, count.errors + count.notes - count.kept))
            .filter(|(_, left_out)| *left_out > 0)
            .collect()
    }

    /// Those that are kept.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// The same, to have.
    #[must_use]
    pub fn into_kept(self) -> Vec<Finding> {
        self.kept
    }

    #[cfg(test)]
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.kept.iter().map(|finding| finding.kind).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_and_a_long_list_is_cut_with_its_count() {
        let mut ranges = Seqs::default();
        ranges.push(1, 1);
        ranges.push(2, 4);
        ranges.push(6, 6);
        assert_eq!(ranges.to_string(), "1 to 4, 6");
        for n in 10..30 {
            ranges.push(n * 10, n * 10);
            ranges.push(n * 10 + 1, n * 10 + 1);
        }
        assert_eq!(
            (ranges.count, ranges.ranges.len(), ranges.ranges_left_out),
            (45, 10, 12)
        );
        assert!(ranges.to_string().ends_with("170 to 171 and 12 more ranges"));
    }

    #[test]
    fn findings_are_counted_beyond_those_kept() {
        let foreign = || Finding::error(Kind::ForeignObject, Place::default(), "x");
        let mut all = Findings::default();
        for _ in 0..3 {
            let mut of_one = Findings::default();
            (0..150).for_each(|_| of_one.push(foreign()));
            of_one.push(Finding::note(Kind::Hour, Place::default(), "y"));
            all.append(of_one);
        }
        assert_eq!((all.errors(), all.notes()), (450, 3));
        assert_eq!(all.left_out(), BTreeMap::from([(Kind::ForeignObject, 350)]));
        assert_eq!(all.into_kept().len(), 103);
    }
}
