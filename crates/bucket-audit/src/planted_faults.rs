//! Objects made here, with a fault in them, and what the audit says of them.

use std::collections::HashMap;

use bucket_reader::{
    Codec, Fetched, Finding, Findings, Format, Kind, Layout, ObjectName, SlotFacts, Times, TopicListing,
};
use jiff::Timestamp;

use super::report::TopicSummary;
use super::topic::TopicAudit;

/// An object as a writer makes it, to be spoilt.
#[derive(Clone)]
struct Object {
    path: String,
    metadata: HashMap<String, String>,
    /// Uncompressed.
    body: String,
}

fn tick(symbol: &str, seq: u64) -> String {
    format!(
        r#"{{"v":1,"symbol":"{symbol}","price":1.50,"ts_recv":"2026-11-23T14:00:{:02}Z","channel":"rest_price","producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":{seq}}}"#,
        seq % 60
    )
}

fn envelope(partition: u32, offset: u64) -> String {
    format!(
        r#"{{"not_a_tick":"no JSON","partition":{partition},"offset":{offset},"timestamp":1795442400000,"value":"/w=="}}"#
    )
}

fn object(partition: u32, start: u64, lines: &[String]) -> Object {
    let body = lines.join("\n") + "\n";
    let not_ticks = lines.iter().filter(|line| line.contains("not_a_tick")).count();
    let metadata = [
        ("slot-start", start.to_string()),
        ("slot-end", (start + lines.len() as u64 - 1).to_string()),
        ("first-offset", start.to_string()),
        ("record-count", lines.len().to_string()),
        ("not-tick-count", not_ticks.to_string()),
        ("run-id", "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a11".to_owned()),
        ("topic-id", "id".to_owned()),
        (
            "first-record-crc32c",
            format!("{:08x}", crc32c::crc32c(lines[0].as_bytes())),
        ),
        ("body-crc32c", format!("{:08x}", crc32c::crc32c(body.as_bytes()))),
        ("schema", "tick/1".to_owned()),
        ("codec", "zstd".to_owned()),
        ("closed-by", "age".to_owned()),
    ];
    Object {
        path: format!("t/dt=2026-11-23/hour=14/t-{partition:05}-{start:020}.jsonl.zst"),
        metadata: metadata.map(|(name, value)| (name.to_owned(), value)).into(),
        body,
    }
}

/// Two partitions, four slots, one session with seq 0 to 7, one record that is no tick.
fn whole_bucket() -> Vec<Object> {
    vec![
        object(0, 0, &[tick("A", 0), envelope(0, 1), tick("B", 2)]),
        object(0, 3, &[tick("A", 4), tick("A", 5)]),
        object(1, 0, &[tick("C", 1), tick("C", 3)]),
        object(1, 2, &[tick("C", 6), tick("C", 7)]),
    ]
}

fn slot_of(object: &Object, recent_from: Option<Timestamp>) -> SlotFacts {
    let ObjectName::Slot { name, .. } = ObjectName::parse(&object.path) else {
        panic!("{} is no slot's name", object.path);
    };
    let fetched = Fetched {
        name,
        key: object.path.clone(),
        body: zstd::encode_all(object.body.as_bytes(), 1).unwrap().into(),
        metadata: object.metadata.clone(),
    };
    let times = Times {
        recent_from,
        ..Times::default()
    };
    fetched.check(times).unwrap()
}

fn audit_since(objects: &[Object], recent_from: Option<Timestamp>) -> (TopicSummary, Vec<Finding>) {
    let layout = Layout {
        key: "t/_layout.json".to_owned(),
        id: uuid::Uuid::from_u128(1),
        format: Format::Lines(Codec::Zstd),
        topic_id: Some("id".to_owned()),
    };
    let mut findings = Findings::default();
    let mut audit = TopicAudit::new("t/", "t", Some(layout), &TopicListing::default(), 1 << 30);
    for object in objects {
        audit.slot(slot_of(object, recent_from), &mut findings);
    }
    let summary = audit.finish(&mut findings).summary;
    (summary, findings.into_kept())
}

fn audit(objects: &[Object]) -> (TopicSummary, Vec<Finding>) {
    audit_since(objects, None)
}

/// Spoils the whole bucket and gives what is found, without where.
fn kinds_after(spoil: impl FnOnce(&mut Vec<Object>)) -> Vec<Kind> {
    let mut objects = whole_bucket();
    spoil(&mut objects);
    audit(&objects).1.iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_whole_bucket_is_clean_and_counted() {
    let (summary, findings) = audit(&whole_bucket());
    assert_eq!(findings, []);
    assert_eq!(
        (summary.objects, summary.records, summary.ticks, summary.not_ticks),
        (4, 9, 8, 1)
    );
    assert_eq!(
        summary
            .partitions
            .iter()
            .map(|it| it.next_offset)
            .collect::<Vec<_>>(),
        [Some(5), Some(4)]
    );
    assert_eq!((summary.sessions.len(), summary.sessions[0].ticks), (1, 8));
}

#[test]
fn a_lost_object_is_a_hole_and_its_ticks_are_missing() {
    let mut objects = whole_bucket();
    objects.push(object(1, 4, &[tick("C", 8)]));
    objects.remove(3);
    let findings = audit(&objects).1;
    assert_eq!(
        findings.iter().map(|it| it.kind).collect::<Vec<_>>(),
        [Kind::Hole, Kind::MissingTick]
    );
    assert_eq!(findings[0].place.offsets, Some((2, 3)));
    assert_eq!(findings[1].place.seqs.as_ref().unwrap().ranges, [(6, 7)]);
}

#[test]
fn an_object_that_is_there_twice_is_found_with_its_ticks() {
    let kinds = kinds_after(|objects| {
        let mut twin = objects[1].clone();
        twin.path = twin.path.replace("hour=14", "hour=15");
        objects.insert(2, twin);
    });
    assert_eq!(kinds, [Kind::Hour, Kind::TwoObjects, Kind::DoubledTick]);
}

#[test]
fn a_slot_that_covers_another_is_an_overlap_and_its_ticks_are_doubled() {
    let kinds = kinds_after(|objects| objects[1] = object(0, 2, &[tick("B", 2), tick("A", 4), tick("A", 5)]));
    assert_eq!(kinds, [Kind::Overlap, Kind::DoubledTick]);
}

#[test]
fn a_tick_that_is_there_twice_in_one_object_is_found_with_its_line() {
    let mut objects = whole_bucket();
    objects[3] = object(1, 2, &[tick("C", 6), tick("C", 7), tick("C", 6)]);
    let findings = audit(&objects).1;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        (findings[0].kind, findings[0].place.line),
        (Kind::DoubledTick, Some(3))
    );
}

#[test]
fn a_tick_behind_a_later_one_of_its_symbol_is_disorder() {
    let kinds = kinds_after(|objects| objects[3] = object(1, 2, &[tick("C", 7), tick("C", 6)]));
    assert_eq!(kinds, [Kind::Disorder]);
    let kinds = kinds_after(|objects| objects[3] = object(1, 2, &[tick("D", 7), tick("C", 6)]));
    assert_eq!(kinds, []);
}

#[test]
fn metadata_that_differs_from_key_or_body_is_found() {
    for (field, value) in [
        ("slot-start", "1"),
        ("record-count", "2"),
        ("not-tick-count", "0"),
        ("first-record-crc32c", "00000000"),
        ("body-crc32c", "00000000"),
        ("codec", "gzip"),
        ("topic-id", "another"),
    ] {
        let kinds = kinds_after(|objects| {
            objects[0].metadata.insert(field.to_owned(), value.to_owned());
        });
        assert!(kinds.contains(&Kind::Mismatch), "{field}: {kinds:?}");
    }
}

#[test]
fn a_changed_byte_in_the_body_breaks_its_checksum() {
    let kinds = kinds_after(|objects| objects[1].body = objects[1].body.replacen("1.50", "1.51", 1));
    assert_eq!(kinds, [Kind::Mismatch, Kind::Mismatch]);
    let kinds = kinds_after(|objects| {
        let at = objects[1].body.rfind("1.50").unwrap();
        objects[1].body.replace_range(at..at + 4, "1.51");
    });
    assert_eq!(kinds, [Kind::Mismatch]);
}

#[test]
fn a_body_is_made_of_whole_lines_of_ours() {
    let kinds = kinds_after(|objects| objects[0].body = objects[0].body.trim_end().to_owned());
    assert_eq!(kinds, [Kind::Mismatch, Kind::Body]);
    let kinds = kinds_after(|objects| objects[0].body.push('\n'));
    assert_eq!(kinds, [Kind::Mismatch, Kind::Mismatch, Kind::Line]);
    let kinds = kinds_after(|objects| objects[3] = object(1, 2, &[tick("C", 6), "{}".to_owned()]));
    assert_eq!(kinds, [Kind::Line]);
}

#[test]
fn a_body_with_far_too_many_lines_is_not_read_to_its_end() {
    let mut objects = whole_bucket();
    objects[1].body = "{}\n".repeat(1_000_000);
    let (summary, findings) = audit(&objects);
    assert_eq!(summary.records, 7 + 1005);
    assert!(findings.iter().any(|finding| finding.kind == Kind::Body));
}

#[test]
fn an_envelope_says_where_its_record_was() {
    for (wrong, found) in [
        (envelope(1, 1), vec![Kind::Line]),
        (envelope(0, 0), vec![Kind::Line]),
        (envelope(0, 3), vec![Kind::Line]),
        (envelope(0, 2), vec![]),
    ] {
        let kinds = kinds_after(|objects| objects[0] = object(0, 0, &[tick("A", 0), wrong, tick("B", 2)]));
        assert_eq!(kinds, found);
    }
    for (offset, found) in [(1, vec![Kind::Line]), (0, vec![])] {
        let lines = [envelope(0, offset), tick("A", 0), tick("B", 2)];
        assert_eq!(kinds_after(|objects| objects[0] = object(0, 0, &lines)), found);
    }
    let falling = [tick("A", 0), envelope(0, 3), envelope(0, 3), tick("B", 2)];
    let kinds = kinds_after(|objects| {
        objects[0] = object(0, 0, &falling);
        objects[1] = object(0, 4, &[tick("A", 4), tick("A", 5)]);
    });
    assert_eq!(kinds, [Kind::Line]);
}

#[test]
fn the_keys_hour_is_that_of_the_first_record() {
    let mut objects = whole_bucket();
    objects[0] = object(0, 0, &[envelope(0, 0), tick("A", 0), tick("B", 2)]);
    assert_eq!(audit(&objects).1, []);
    objects[0].path = objects[0].path.replace("hour=14", "hour=15");
    let findings = audit(&objects).1;
    assert!(findings[0].kind == Kind::Hour && findings[0].severity == bucket_reader::Severity::Error);
}

#[test]
fn another_codec_than_the_layouts_is_found() {
    let kinds = kinds_after(|objects| {
        objects[2].path = objects[2].path.replace(".zst", ".gz");
    });
    assert_eq!(
        kinds,
        [Kind::Mismatch, Kind::Body, Kind::Layout, Kind::MissingTick]
    );
}

#[test]
fn fewer_records_than_offsets_are_noted_and_more_are_a_fault() {
    let kinds = kinds_after(|objects| {
        objects[3].metadata.insert("slot-end".to_owned(), "9".to_owned());
    });
    assert_eq!(kinds, [Kind::OffsetGap]);
    let kinds = kinds_after(|objects| {
        objects[3].metadata.insert("slot-end".to_owned(), "2".to_owned());
    });
    assert_eq!(kinds, [Kind::Mismatch]);
}

#[test]
fn a_tick_that_may_be_on_its_way_is_no_fault_where_it_was_recent() {
    let mut objects = whole_bucket();
    objects[3] = object(1, 2, &[tick("C", 7)]);
    let severity_since = |second: i64| {
        let recent = Timestamp::from_second(1_795_442_400 + second).unwrap();
        let findings = audit_since(&objects, Some(recent)).1;
        assert_eq!(findings.len(), 1);
        findings[0].kind
    };
    assert_eq!(severity_since(7), Kind::TickInFlight);
    assert_eq!(severity_since(8), Kind::MissingTick);
}

#[test]
fn removed_objects_at_the_beginning_are_noted() {
    let kinds = kinds_after(|objects| drop(objects.remove(0)));
    assert_eq!(kinds, [Kind::ChainBegin, Kind::RemovedTick]);
}
