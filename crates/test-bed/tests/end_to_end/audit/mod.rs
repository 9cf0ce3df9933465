//! `consumer audit` on what the consumer wrote, as it is and with a fault in it.

mod against_log;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use rdkafka::producer::FutureRecord;
use serde_json::Value;
use test_bed::{StoredObject, program};

use crate::made;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

const LINES: &str = "jsonl";
const PARQUET: &str = "parquet";

/// A bucket with three objects in each chain, ticks and a record that is none.
async fn written(world: &World, format: &str) -> Vec<StoredObject> {
    let mut session = Session::new();
    let consumer = world.start(&world.consumer("writer").args(["--format", format]));
    for round in 1..=3 {
        session.send(&world.kafka, &world.topic, 50).await;
        world.until_stored(round * 50, &[&consumer]).await;
    }
    let odd = FutureRecord::<str, str>::to(&world.topic).payload("no JSON");
    world.kafka.producer().unwrap().send(odd, PATIENCE).await.unwrap();
    world.until_stored(151, &[&consumer]).await;
    stop(&consumer).await;
    let layout = format!("{}/_layout.json", world.topic);
    let mut objects = world.s3.objects(&world.bucket, "").await.unwrap();
    objects.push(world.s3.get(&world.bucket, &layout).await.unwrap());
    objects
}

/// The report and whether the exit status says that the bucket is clean.
async fn audit(world: &World, bucket: &str, flags: &[&str]) -> (Value, bool) {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let launch = program::launch("consumer", format!("audit-{bucket}-{run}"))
        .unwrap()
        .args(["audit", "--json", "--bucket", bucket])
        .args(flags)
        .variables(world.s3.variables());
    let process = world.start(&launch);
    let status = process.end(PATIENCE).await.unwrap();
    let report = serde_json::from_str(&process.stdout());
    let report = report.unwrap_or_else(|error| panic!("{error}, {status}:\n{}", process.log()));
    (report, status.success())
}

/// The kinds of what makes the bucket unclean.
fn errors(report: &Value) -> BTreeSet<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["severity"] == "error")
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect()
}

/// An object with one before it and one behind it.
fn middle_of_a_chain(objects: &[StoredObject]) -> usize {
    let chain = |object: &StoredObject| {
        let name = object.key.rsplit('/').next().unwrap();
        name.rsplit_once('-').map(|(chain, _)| chain.to_owned())
    };
    let number = |object: &StoredObject, name| object.metadata.get(name)?.parse::<u64>().ok();
    let follows = |next: &StoredObject, object: &StoredObject| {
        let end = number(object, "slot-end").map(|end| end + 1);
        chain(next) == chain(object) && end.is_some() && number(next, "slot-start") == end
    };
    let is_middle = |object: &StoredObject| {
        let mut others = objects.iter();
        others.clone().any(|other| follows(object, other)) && others.any(|other| follows(other, object))
    };
    objects.iter().position(is_middle).unwrap()
}

fn set_metadata(object: &mut StoredObject, name: &str, value: &str) {
    assert!(
        object
            .metadata
            .insert(name.to_owned(), value.to_owned())
            .is_some()
    );
}

/// As if it were of another format.
fn set_extension(object: &mut StoredObject, extension: &str) {
    let (name, _) = object.key.split_once('.').unwrap();
    object.key = format!("{name}.{extension}");
}

fn add_byte(object: &mut StoredObject) {
    object.body = Bytes::from([object.body.as_ref(), b"\n"].concat());
}

fn cut_byte(object: &mut StoredObject) {
    object.body.truncate(object.body.len() - 1);
}

/// Gives another value to what the schema does not know of a tick, and all the checksums that belong to it.
fn set_later_field(object: &mut StoredObject, value: &[u8]) {
    let mut lines = object.lines().unwrap();
    let of_tick = b"\"later_field\":null";
    let field = [b"\"later_field\":", value].concat();
    for line in &mut lines {
        if let Some(at) = line.windows(of_tick.len()).position(|part| part == of_tick) {
            line.splice(at..at + of_tick.len(), field.clone());
        }
    }
    let body = [lines.join(&b"\n"[..]), b"\n".to_vec()].concat();
    for (name, bytes) in [("first-record-crc32c", &lines[0]), ("body-crc32c", &body)] {
        set_metadata(object, name, &format!("{:08x}", crc32c::crc32c(bytes)));
    }
    object.body = zstd::encode_all(&body[..], 1).unwrap().into();
}

/// What is done to the objects, of which the given one is in the middle of a chain and the last the layout.
type Spoil = fn(&mut Vec<StoredObject>, usize);

type Planted = (&'static str, Spoil, &'static [&'static str]);

/// The checksum of the whole file tells already.
const FAULTS_OF_PARQUET: &[Planted] = &[
    ("behind", |objects, n| add_byte(&mut objects[n]), &["mismatch"]),
    ("cut", |objects, n| cut_byte(&mut objects[n]), &["mismatch"]),
];

/// A Parquet file has a tick's fields, and not the line of which `first` could be.
const FAULTS_OF_LINES: &[Planted] = &[
    (
        "first",
        |objects, n| set_metadata(&mut objects[n], "first-record-crc32c", "00000000"),
        &["mismatch"],
    ),
    ("behind", |objects, n| add_byte(&mut objects[n]), &["body"]),
    ("cut", |objects, n| cut_byte(&mut objects[n]), &["body"]),
    (
        "huge-number",
        |objects, n| set_later_field(&mut objects[n], b"1e400"),
        &["line"],
    ),
    (
        "brackets",
        |objects, n| {
            let brackets = ["[".repeat(100_000), "]".repeat(100_000)].concat();
            set_later_field(&mut objects[n], brackets.as_bytes());
        },
        &["line"],
    ),
    (
        "no-text",
        |objects, n| set_later_field(&mut objects[n], b"\"\xff\""),
        &["line"],
    ),
];

const FAULTS: &[Planted] = &[
    (
        "lost",
        |objects, n| drop(objects.remove(n)),
        &["hole", "missing_tick"],
    ),
    (
        "twin",
        |objects, n| {
            let mut twin = objects[n].clone();
            twin.key = twin.key.replacen("/dt=2", "/dt=3", 1);
            objects.push(twin);
        },
        &["doubled_tick", "two_objects"],
    ),
    (
        "moved",
        |objects, n| {
            let (path, start) = objects[n].key.rsplit_once('-').unwrap();
            let (number, extension) = start.split_once('.').unwrap();
            let before = number.parse::<u64>().unwrap() - 1;
            objects[n].key = format!("{path}-{before:020}.{extension}");
        },
        &["mismatch", "overlap"],
    ),
    (
        "counts",
        |objects, n| set_metadata(&mut objects[n], "record-count", "99999"),
        &["mismatch"],
    ),
    (
        "body",
        |objects, n| set_metadata(&mut objects[n], "body-crc32c", "00000000"),
        &["mismatch"],
    ),
    ("bare", |objects, n| objects[n].metadata.clear(), &["metadata"]),
    (
        "foreign",
        |objects, n| {
            let mut other = objects[n].clone();
            set_extension(&mut other, "csv");
            objects.push(other);
        },
        &["foreign_object"],
    ),
    (
        "mixed",
        |objects, n| {
            let mut other = objects[n].clone();
            let is_parquet = other.key.ends_with(".parquet");
            set_extension(&mut other, if is_parquet { "jsonl.zst" } else { "parquet" });
            objects.push(other);
        },
        &["layout", "mismatch", "two_objects"],
    ),
    ("layout", |objects, _| drop(objects.pop()), &["layout"]),
];

#[test]
fn lines_that_the_consumer_wrote_pass_and_each_fault_in_them_is_found() {
    let faults = FAULTS.iter().chain(FAULTS_OF_LINES);
    run(assert_faults_are_found("audited", LINES, faults));
}

#[test]
fn parquet_that_the_consumer_wrote_passes_and_each_fault_in_it_is_found() {
    let faults = FAULTS.iter().chain(FAULTS_OF_PARQUET);
    run(assert_faults_are_found("audited-parquet", PARQUET, faults));
}

async fn assert_faults_are_found(name: &str, format: &str, faults: impl IntoIterator<Item = &Planted>) {
    let world = World::new(name, 2).await;
    let objects = written(&world, format).await;
    let (report, is_clean) = audit(&world, &world.bucket, &["--complete"]).await;
    assert!(is_clean && errors(&report).is_empty(), "{report:#}");
    let topic = &report["topics"][0];
    assert_eq!(
        (&topic["ticks"], &topic["not_ticks"]),
        (&150.into(), &1.into()),
        "{report:#}"
    );

    let middle = middle_of_a_chain(&objects);
    for (fault, spoil, expected) in faults {
        let mut spoilt = objects.clone();
        spoil(&mut spoilt, middle);
        put_below(&world, fault, spoilt).await;
        let (report, is_clean) = audit(&world, &world.bucket, &["--prefix", fault]).await;
        assert!(!is_clean, "{fault}: {report:#}");
        let missed: Vec<_> = expected
            .iter()
            .filter(|kind| !errors(&report).contains(*kind))
            .collect();
        assert!(missed.is_empty(), "{fault}: {missed:?} not in {report:#}");
    }
}

/// Moves what the first round of `written` wrote to a day long ago, and tells how many objects that are.
fn move_first_round(objects: &mut [StoredObject]) -> usize {
    let is_of_first_round = |line: &Vec<u8>| {
        let tick: Value = serde_json::from_slice(line).unwrap();
        tick["seq"].as_u64().is_some_and(|seq| seq < 50)
    };
    let mut moved = 0;
    for object in objects
        .iter_mut()
        .filter(|object| !object.key.ends_with("_layout.json"))
    {
        if object.lines().unwrap().iter().all(is_of_first_round) {
            object.key = object.key.replacen("/dt=2", "/dt=1", 1);
            moved += 1;
        }
    }
    moved
}

/// Spoils an object, or tells that it is lost.
type Keep<'a> = Box<dyn Fn(&mut StoredObject) -> bool + 'a>;

#[test]
fn a_part_since_a_time_is_proven_without_what_is_before_it() {
    run(async {
        let world = World::new("audited-since", 2).await;
        let mut objects = written(&world, LINES).await;
        let moved = move_first_round(&mut objects);
        let (older, newer): (Vec<_>, Vec<_>) =
            objects.iter().cloned().partition(|it| it.key.contains("/dt=1"));
        assert!(older.len() == moved && moved >= 2);
        let lost = &newer[middle_of_a_chain(&newer)].key;
        let cases: [(&str, Keep<'_>, bool); 3] = [
            ("whole", Box::new(|_| true), true),
            (
                "older-damaged",
                Box::new(|object| {
                    if object.key == older[0].key {
                        cut_byte(object);
                    }
                    true
                }),
                true,
            ),
            ("newer-lost", Box::new(|object| object.key != *lost), false),
        ];
        for (name, keep, is_right) in cases {
            let kept = objects
                .iter()
                .cloned()
                .filter_map(|mut it| keep(&mut it).then_some(it));
            put_below(&world, name, kept).await;
            let flags = ["--prefix", name, "--since", "2000-01-01T10:30:00Z"];
            let (report, is_clean) = audit(&world, &world.bucket, &flags).await;
            assert_eq!(is_clean, is_right, "{name}: {report:#}");
            assert_eq!(report["partial_since"], "2000-01-01T10:00:00Z", "{report:#}");
            assert_eq!(report["topics"][0]["objects_left_out"], moved, "{report:#}");
            if !is_right {
                assert_eq!(
                    errors(&report),
                    BTreeSet::from(["hole", "missing_tick"]),
                    "{report:#}"
                );
            }
        }
    });
}

/// Puts objects into the world's bucket, below a prefix.
async fn put_below(world: &World, prefix: &str, objects: impl IntoIterator<Item = StoredObject>) {
    for mut object in objects {
        object.key = format!("{prefix}/{}", object.key);
        world.s3.put(&world.bucket, &object).await.unwrap();
    }
}

#[test]
fn a_list_of_several_pages_is_read_to_its_end() {
    run(async {
        const SLOTS: u64 = 1_203;
        let world = World::new("audited-pages", 1).await;
        let slots = (0..SLOTS).map(|n| made::slot(&world, 0, n, &[made::tick("A", n)]));
        made::put(&world, slots).await;
        let (report, is_clean) = audit(&world, &world.bucket, &["--complete"]).await;
        assert!(is_clean, "{report:#}");
        assert_eq!(report["topics"][0]["objects"], SLOTS, "{report:#}");

        // on the second page
        let lost = made::slot(&world, 0, 1_100, &[made::tick("A", 1_100)]);
        world.s3.delete(&world.bucket, &lost.key).await.unwrap();
        let (report, _) = audit(&world, &world.bucket, &["--in-flight", "0s"]).await;
        let hole = &report["findings"][0];
        assert_eq!(
            (&hole["kind"], &hole["offsets"][0]),
            (&"hole".into(), &1_100.into()),
            "{report:#}"
        );
    });
}

#[test]
fn an_empty_place_is_no_proof() {
    run(async {
        let world = World::new("audited-nothing", 1).await;
        let (report, is_clean) = audit(&world, &world.bucket, &["--prefix", "mistyped"]).await;
        assert!(!is_clean && errors(&report).contains("nothing"), "{report:#}");
        let what = report["findings"][0]["what"].as_str().unwrap();
        assert!(what.contains("s3://audited-nothing/mistyped/"), "{what}");
    });
}
