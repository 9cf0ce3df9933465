//! What an operator, a broker, a clock or a record does at the rim of what is expected.

mod clocks;
mod offsets;
pub(crate) mod operator;
mod records;
mod recreated;
mod retention;
mod sharing;
mod transactions;

use serde_json::Value;
use test_bed::{Launch, Process, StoredObject};

use crate::world::{PATIENCE, World};

/// `EX_CONFIG`: a setting is wrong, and a restart cannot mend it.
const BAD_CONFIG: i32 = 78;

/// A consumer in a group of its topic's own: what is done to a group touches no other test.
fn consumer(world: &World, name: &str) -> Launch {
    world.consumer(name).args(["--group", &world.topic])
}

/// What a consumer says at its end.
fn tally(consumer: &Process) -> Value {
    serde_json::from_str(&consumer.stdout()).unwrap()
}

/// Waits for a consumer's end, which must be of this status, and gives its log.
async fn refused(consumer: &Process, status: i32) -> String {
    let ended = consumer.end(PATIENCE).await.unwrap();
    let log = consumer.log();
    assert_eq!(ended.code(), Some(status), "{log}");
    log
}

fn assert_says(log: &str, words: &[&str]) {
    let error = log.lines().rfind(|line| line.contains("ERROR")).unwrap_or(log);
    let missing: Vec<_> = words.iter().filter(|word| !error.contains(*word)).collect();
    assert!(missing.is_empty(), "{missing:?} not in: {error}");
}

/// A partition's objects in the order of its chain.
async fn chain(world: &World) -> Vec<StoredObject> {
    let mut objects = world.s3.objects(&world.bucket, "").await.unwrap();
    objects.sort_by_key(|object| number(object, "slot-start"));
    objects
}

/// A number in an object's metadata.
fn number(object: &StoredObject, name: &str) -> i64 {
    object.metadata[name].parse().unwrap()
}

/// The lines of a partition's chain.
async fn lines(world: &World) -> Vec<String> {
    let objects = chain(world).await;
    let lines = objects.iter().flat_map(|object| object.lines().unwrap());
    lines.map(|line| String::from_utf8(line).unwrap()).collect()
}
