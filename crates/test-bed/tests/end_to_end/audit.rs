//! `consumer audit` on a bucket that real consumers wrote, and that somebody then spoiled.

use test_bed::StoredObject;

use crate::ticks::Session;
use crate::world::{World, run, stop};

/// A bucket with four objects of one partition, or more.
async fn written(name: &str) -> World {
    let world = World::new(name, 1).await;
    let mut session = Session::new();
    let consumer = world.start(&world.consumer("consumer"));
    for object in 1..=4 {
        session.send(&world.kafka, &world.topic, 25).await;
        world.until_stored(25 * object, &[&consumer]).await;
    }
    stop(&consumer).await;
    world.assert_clean().await;
    world
}

async fn assert_found(world: &World, what: &str) {
    let (status, report) = world.audit().await;
    assert_eq!(status, Some(1), "{report}");
    assert!(report.to_lowercase().contains(what), "{report}");
}

#[test]
fn a_deleted_object_is_found() {
    run(async {
        let world = written("deleted-object").await;
        let keys = world.s3.data_keys(&world.bucket, "").await.unwrap();
        world.s3.delete(&world.bucket, &keys[2]).await.unwrap();
        assert_found(&world, "hole").await;
    });
}

#[test]
fn a_doubled_object_is_found() {
    run(async {
        let world = written("doubled-object").await;
        let keys = world.s3.data_keys(&world.bucket, "").await.unwrap();
        let object = world.s3.get(&world.bucket, &keys[2]).await.unwrap();
        let (folder, name) = object.key.rsplit_once('/').unwrap();
        let (day, _) = folder.rsplit_once('/').unwrap();
        let double = StoredObject {
            key: format!("{day}/hour=99/{name}"),
            ..object.clone()
        };
        world.s3.put(&world.bucket, &double).await.unwrap();
        assert_found(&world, "hour=99").await;
    });
}

#[test]
fn a_changed_digit_is_found() {
    run(async {
        let world = written("changed-digit").await;
        let keys = world.s3.data_keys(&world.bucket, "").await.unwrap();
        let object = world.s3.get(&world.bucket, &keys[1]).await.unwrap();
        let mut text = object.lines().unwrap().join(&b'\n');
        text.push(b'\n');
        let digit = text
            .windows(8)
            .position(|window| window == b"\"price\":")
            .unwrap()
            + 8;
        text[digit] = if text[digit] == b'9' { b'8' } else { b'9' };
        let changed = StoredObject {
            body: zstd::encode_all(&*text, 1).unwrap().into(),
            ..object
        };
        world.s3.put(&world.bucket, &changed).await.unwrap();
        assert_found(&world, "crc").await;
    });
}
