//! What a replay refuses, and where it says to go on.

use rdkafka::producer::FutureRecord;

use super::{contents, end, records, replay, stored, succeed};
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

#[test]
fn what_would_double_or_damage_records_is_refused_before_anything_is_sent() {
    run(async {
        let source = stored("replay-refused", 2, &[30], &[]).await;
        let target = World::new("replay-refused-again", 1).await;
        let missing = World {
            topic: "replay-refused-missing".to_owned(),
            bucket: source.bucket.clone(),
            bed: source.bed.clone(),
            kafka: source.kafka.clone(),
            s3: source.s3.clone(),
        };
        let cases: [(&World, &[&str], i32, &str); 6] = [
            (&source, &[], 78, "--same-topic"),
            (&target, &[], 78, "--partitioning key"),
            (&missing, &[], 1, "broker-setup topics apply"),
            (&target, &["--partition", "7"], 78, "correct the selection"),
            (&target, &["--prefix", "mistyped"], 78, "--from-topic"),
            (
                &target,
                &["--from-offset", "9", "--to-offset", "9"],
                78,
                "--to-offset 9",
            ),
        ];
        for (to, flags, expected, says) in cases {
            let (status, _, log) = end(to, &replay(&source, to, flags)).await;
            assert_eq!(status, Some(expected), "{flags:?}: {log}");
            assert!(log.contains(says), "{flags:?}: {log}");
        }
        assert_eq!(target.kafka.record_count(&target.topic).await.unwrap(), 0);
        assert_eq!(source.kafka.record_count(&source.topic).await.unwrap(), 30);

        succeed(&target, &replay(&source, &target, &["--partitioning", "key"])).await;
        assert_eq!(target.kafka.record_count(&target.topic).await.unwrap(), 30);
        succeed(&source, &replay(&source, &source, &["--same-topic"])).await;
        assert_eq!(source.kafka.record_count(&source.topic).await.unwrap(), 60);
    });
}

#[test]
fn nothing_of_a_damaged_object_is_sent_and_what_stood_before_it_is() {
    run(async {
        let source = stored("replay-damaged", 1, &[20, 20, 20], &[]).await;
        let target = World::new("replay-damaged-again", 1).await;
        let objects = source.s3.objects(&source.bucket, "").await.unwrap();
        let mut damaged = objects.last().unwrap().clone();
        damaged
            .metadata
            .insert("body-crc32c".to_owned(), "00000000".to_owned());
        source.s3.put(&source.bucket, &damaged).await.unwrap();
        let (status, _, log) = end(&target, &replay(&source, &target, &[])).await;
        assert_eq!(status, Some(1), "{log}");
        assert!(
            log.contains(&damaged.key) && log.contains("body-crc32c says 00000000"),
            "{log}"
        );
        let before: usize = damaged.metadata["slot-start"].parse().unwrap();
        assert_eq!(target.kafka.record_count(&target.topic).await.unwrap(), before);
        assert!(log.contains(&format!("--from-offset 0:{before}")), "{log}");
    });
}

#[test]
fn a_record_that_kafka_refuses_ends_it_with_where_to_go_on() {
    run(async {
        let source = World::new("replay-too-large", 1).await;
        let mut session = Session::new();
        session.send(&source.kafka, &source.topic, 5).await;
        let value = "x".repeat(5000);
        let odd = FutureRecord::<str, str>::to(&source.topic).payload(&value);
        source
            .kafka
            .producer()
            .unwrap()
            .send(odd, PATIENCE)
            .await
            .unwrap();
        session.send(&source.kafka, &source.topic, 5).await;
        let consumer = source.start(&source.consumer("writer"));
        source.until_stored(11, &[&consumer]).await;
        stop(&consumer).await;

        let target = World::new("replay-too-large-again", 1).await;
        let small = ["-X", "message.max.bytes=2000"];
        let (status, _, log) = end(&target, &replay(&source, &target, &small)).await;
        assert_eq!(status, Some(1), "{log}");
        assert!(log.contains("1 of 6 records did not reach"), "{log}");
        assert!(log.contains("--from-offset 0:5"), "{log}");
        assert_eq!(target.kafka.record_count(&target.topic).await.unwrap(), 5);
        succeed(&target, &replay(&source, &target, &["--from-offset", "0:5"])).await;
        assert_eq!(
            contents(&records(&target).await),
            contents(&records(&source).await)
        );
    });
}

#[test]
fn an_offset_is_refused_where_the_lines_do_not_tell_it() {
    run(async {
        let source = stored(
            "replay-gaps",
            1,
            &[20],
            &["--flush-interval", "1h", "--flush-records", "20"],
        )
        .await;
        let target = World::new("replay-gaps-again", 1).await;
        let mut object = source.s3.objects(&source.bucket, "").await.unwrap().remove(0);
        // as if some of the log had been compacted away
        object.metadata.insert("slot-end".to_owned(), "29".to_owned());
        source.s3.put(&source.bucket, &object).await.unwrap();
        let (status, _, log) = end(&target, &replay(&source, &target, &["--from-offset", "5"])).await;
        assert_eq!(status, Some(78), "{log}");
        assert!(log.contains("use 0 or 30"), "{log}");
        let result = succeed(
            &target,
            &replay(&source, &target, &["--from-offset", "0", "--to-offset", "30"]),
        )
        .await;
        assert_eq!(result["records"], 20, "{result}");
    });
}
