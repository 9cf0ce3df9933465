//! A cluster over several racks, or availability zones: the consumer reads from the replica of its own.

use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataTopic;
use test_bed::{Bed, Kafka, Process, S3};

use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

const RACKS: &[&str] = &["az-1", "az-2", "az-3"];

/// The node of the consumer's rack. Its id is one more.
const NEAR: usize = 0;

/// Partitions that the near node only follows.
fn followed(world: &World) -> Vec<i32> {
    let client: BaseConsumer = world.kafka.client_config().create().unwrap();
    let metadata = client.fetch_metadata(Some(&world.topic), PATIENCE).unwrap();
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    let near_id = i32::try_from(NEAR + 1).unwrap();
    partitions
        .filter(|partition| partition.leader() != near_id)
        .map(|partition| {
            assert!(partition.isr().contains(&near_id));
            partition.id()
        })
        .collect()
}

/// Waits until the near node is asked for what comes after all that lies in these partitions now.
async fn until_read_near(world: &World, consumer: &Process, partitions: &[i32]) {
    let address = world.kafka.node_address(NEAR);
    let id = NEAR + 1;
    for (partition, end) in world.kafka.ends(&world.topic).await.unwrap() {
        if partitions.contains(&partition) {
            let fetch = format!(
                "{address}/{id}: Fetch topic {} [{partition}] at offset {end} ",
                world.topic
            );
            consumer.line(&fetch, PATIENCE).await.unwrap();
        }
    }
}

#[test]
fn a_consumer_reads_from_the_replica_of_its_rack_and_loses_nothing_with_it() {
    run(async {
        let bed = Bed::new().unwrap();
        let (kafka, s3) = tokio::join!(Kafka::start_in_racks(&bed, "kafka", RACKS), S3::start(&bed, "s3"));
        let mut world = World::on(bed, kafka.unwrap(), s3.unwrap(), "racks", 3).await;
        world.kafka.until_in_sync(&world.topic).await.unwrap();
        let followed = followed(&world);
        assert!(!followed.is_empty());
        let consumer = world
            .consumer("a")
            .args(["-X", &format!("client.rack={}", RACKS[NEAR]), "-X", "debug=fetch"])
            .variable("LOG", "info,librdkafka=debug");
        let consumer = world.start(&consumer);
        let mut session = Session::new();
        for sent in [300, 600] {
            session.send(&world.kafka, &world.topic, 300).await;
            world.until_stored(sent, &[&consumer]).await;
            until_read_near(&world, &consumer, &followed).await;
        }
        // some of these are on their way to the consumer
        session.send(&world.kafka, &world.topic, 3000).await;
        let kafka = Arc::get_mut(&mut world.kafka).unwrap();
        kafka.kill_node(NEAR).await.unwrap();
        session.send(&world.kafka, &world.topic, 300).await;
        world.until_stored(3900, &[&consumer]).await;
        let kafka = Arc::get_mut(&mut world.kafka).unwrap();
        kafka.start_node(NEAR).await.unwrap();
        world.kafka.until_in_sync(&world.topic).await.unwrap();
        session.send(&world.kafka, &world.topic, 300).await;
        world.until_stored(4200, &[&consumer]).await;
        until_read_near(&world, &consumer, &followed).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}
