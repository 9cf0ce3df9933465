//! Parquet objects with a fault in them, and what is found.

use super::codec::BodyFault;
use super::finding::{Finding, Kind};
use super::line::Line;
use super::moment::Times;
use super::parquet_file::{TestRow, file, object, object_of, odd_row, tick_row};
use super::slot::SlotFacts;
use super::table::Table;

fn facts_of(rows: &[TestRow]) -> SlotFacts {
    object(rows).check(Times::default()).unwrap()
}

fn findings_of(facts: SlotFacts) -> Vec<Finding> {
    facts.findings.into_kept()
}

/// Ticks with seq 0, 1 and 2 and one record that is none.
fn whole() -> Vec<TestRow> {
    vec![tick_row(10, 0), odd_row(11), tick_row(12, 1), tick_row(13, 2)]
}

/// The findings after the rows were spoilt.
fn after(spoil: impl FnOnce(&mut Vec<TestRow>)) -> Vec<Finding> {
    let mut rows = whole();
    spoil(&mut rows);
    findings_of(facts_of(&rows))
}

#[test]
fn a_whole_file_has_no_findings_and_is_counted() {
    let facts = facts_of(&whole());
    let body = &facts.body;
    assert_eq!((body.records, body.ticks, body.not_ticks), (4, 3, 1));
    assert!(body.bytes > 0 && body.is_whole);
    let sessions: Vec<_> = body.sessions.values().collect();
    let seqs: Vec<u64> = sessions[0]["p"].seqs.seqs().iter().collect();
    assert_eq!(seqs, [0, 1, 2]);
    assert_eq!(findings_of(facts), []);
}

#[test]
fn a_row_that_is_not_where_it_must_be_is_found() {
    for (n, partition, offset, says) in [
        (0, 1, 10, "its kafka_partition is 1"),
        (2, 0, 99, "its kafka_offset is 99, expected 10 to 13"),
        (2, 0, 9, "its kafka_offset is 9, expected 10 to 13"),
        (2, 0, 11, "its kafka_offset is 11, behind 11"),
        (3, 0, 12, "its kafka_offset is 12, behind 12"),
    ] {
        let findings = {
            let mut object = object(&whole());
            let mut rows = whole();
            (rows[n].partition, rows[n].offset) = (partition, offset);
            object.body = file(&rows, &[]);
            let crc = format!("{:08x}", crc32c::crc32c(&object.body));
            object.metadata.insert("body-crc32c".to_owned(), crc);
            findings_of(object.check(Times::default()).unwrap())
        };
        assert!(
            findings.iter().any(|it| it.kind == Kind::Line && it.what == says),
            "{says}: {findings:?}"
        );
    }
}

#[test]
fn the_first_row_is_the_first_offset_that_the_metadata_say() {
    let mut object = object(&whole());
    object.metadata.insert("first-offset".to_owned(), "11".to_owned());
    let findings = findings_of(object.check(Times::default()).unwrap());
    assert_eq!(findings[0].what, "its kafka_offset is 10, expected 11 to 11");
}

#[test]
fn counts_that_differ_from_the_rows_are_found() {
    for field in ["record-count", "not-tick-count"] {
        let mut object = object(&whole());
        object.metadata.insert(field.to_owned(), "3".to_owned());
        let findings = findings_of(object.check(Times::default()).unwrap());
        assert!(
            findings
                .iter()
                .any(|it| it.kind == Kind::Mismatch && it.what.starts_with(field)),
            "{findings:?}"
        );
    }
}

#[test]
fn a_changed_byte_is_found_and_the_file_not_decoded() {
    let mut object = object(&whole());
    let mut body = object.body.to_vec();
    body[20] ^= 1;
    object.body = body.into();
    let facts = object.check(Times::default()).unwrap();
    assert_eq!((facts.body.records, facts.body.is_whole), (0, false));
    let findings = findings_of(facts);
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0].is_damage() && findings[0].what.starts_with("body-crc32c says"),
        "{findings:?}"
    );
}

#[test]
fn a_file_of_something_else_under_a_right_checksum_is_found() {
    let rows = whole();
    let cut = file(&rows, &[]);
    for body in [
        cut.slice(..cut.len() - 1),
        b"no Parquet".as_slice().into(),
        file(&rows, &["seq"]),
    ] {
        let findings = findings_of(object_of(body, &rows).check(Times::default()).unwrap());
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].kind, Kind::Body);
    }
}

#[test]
fn the_golden_file_of_version_1_is_read_for_what_it_is() {
    let golden = include_bytes!("../../quote-model/tests/golden/v1.parquet");
    let mut lines = Vec::new();
    let read = Table::open(golden.as_slice().into()).unwrap().for_each(|row| {
        lines.push(match (&row.content, row.raw_tick) {
            (Ok(Line::Tick(tick)), raw) => format!("{} {} {}", tick.ts_recv, tick.seq, raw.is_some()),
            (Ok(Line::Envelope(envelope)), _) => format!("{:?}", envelope.value),
            (Err(reason), _) => reason.clone(),
        });
        Ok::<_, BodyFault>(())
    });
    read.unwrap();
    let expected = [
        "2026-11-23T14:00:00.123456789Z 0 false",
        "2026-11-23T14:00:10.5Z 41 false",
        "2026-11-23T14:00:10.000000001Z 9223372036854775807 false",
        "2026-11-23T14:00:00.000001001Z 1 true",
        "Some([255, 0])",
        "Some([])",
        "None",
    ];
    assert_eq!(lines, expected);
}

type Spoil = fn(&mut TestRow);

#[test]
fn a_row_that_is_neither_a_tick_nor_a_reason_is_found() {
    let spoils: [(Spoil, &str); 10] = [
        (|row| row.symbol = None, "it is a tick without symbol"),
        (|row| row.symbol = Some(" A"), "is no symbol"),
        (|row| row.price = None, "it is a tick without price"),
        (|row| row.channel = Some("pigeon"), "pigeon"),
        (|row| row.session = Some("x"), "session is `x`"),
        (|row| row.seq = None, "it is a tick without seq"),
        (|row| row.seq = Some(-1), "its seq is -1"),
        (|row| row.nanos = 1000, "its ts_recv_nanos is Some(1000)"),
        (|row| row.timestamp_ms = Some(-1), "its ts_recv is 1969"),
        (|row| row.not_a_tick = Some(""), "gives no reason"),
    ];
    for (spoil, says) in spoils {
        let findings = after(|rows| spoil(&mut rows[2]));
        assert!(
            findings
                .iter()
                .any(|it| it.kind == Kind::Line && it.what.contains(says)),
            "{says}: {findings:?}"
        );
    }
}

#[test]
fn a_tick_that_the_columns_cannot_hold_is_its_value_and_both_must_agree() {
    let value = r#"{"v":1,"symbol":"A","price":1.50,"ts_recv":"2026-11-23T14:00:00Z","channel":"rest_price","producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":1,"x":0}"#;
    let with = |value: String| {
        after(|rows| {
            rows[2].price = None;
            rows[2].value = Some(value.into_bytes());
        })
    };
    assert_eq!(with(value.to_owned()), []);
    for (from, to, says) in [
        ("\"seq\":1", "\"seq\":7", "its column seq says 1, its value 7"),
        ("\"A\"", "\"B\"", "its column symbol says A, its value B"),
        ("{", "", "its value is not a tick"),
        ("\"x\":0", "\"x\":1e400", "its value is not a tick"),
        ("1.50", "1e-30", "its value is not a tick"),
    ] {
        let findings = with(value.replacen(from, to, 1));
        assert!(findings[0].what.starts_with(says), "{findings:?}");
    }
}

#[test]
fn a_doubled_tick_and_disorder_are_found_with_their_rows() {
    let findings = after(|rows| rows[3].seq = Some(1));
    assert_eq!(
        (findings[0].kind, findings[0].place.line),
        (Kind::DoubledTick, Some(4))
    );
    let findings = after(|rows| (rows[2].seq, rows[3].seq) = (Some(2), Some(1)));
    assert_eq!(
        (findings[0].kind, findings[0].place.line),
        (Kind::Disorder, Some(4))
    );
}

#[test]
fn far_too_many_rows_are_not_read_to_their_end() {
    let mut object = object(&whole());
    let rows: Vec<_> = (0..5000).map(|n| tick_row(10 + n, n)).collect();
    object.body = file(&rows, &[]);
    let crc = format!("{:08x}", crc32c::crc32c(&object.body));
    object.metadata.insert("body-crc32c".to_owned(), crc);
    let facts = object.check(Times::default()).unwrap();
    assert!(facts.body.records < 1100);
    assert!(findings_of(facts).iter().any(|it| it.kind == Kind::Body));
}

#[test]
fn the_keys_hour_is_that_of_kafkas_time() {
    let findings = after(|rows| rows[0].timestamp_ms = Some(0));
    assert_eq!(
        findings.iter().map(|it| it.kind).collect::<Vec<_>>(),
        [Kind::Hour]
    );
}
