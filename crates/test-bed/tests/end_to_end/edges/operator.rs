//! What an operator does to a topic and to a group, by Kafka's own requests.

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use test_bed::Kafka;

use crate::world::{PATIENCE, World};

fn admin(kafka: &Kafka) -> (AdminClient<DefaultClientContext>, AdminOptions) {
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    (kafka.client_config().create().unwrap(), options)
}

fn offset_of(world: &World, partition: i32, offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&world.topic, partition, Offset::Offset(offset))
        .unwrap();
    list
}

/// Deletes the topic and makes it anew, as empty as at first.
pub(super) async fn make_topic_anew(world: &World, partitions: i32) {
    let (admin, options) = admin(&world.kafka);
    let deleted = admin.delete_topics(&[&world.topic], &options).await.unwrap();
    for topic in deleted {
        topic.unwrap();
    }
    world.kafka.create_topic(&world.topic, partitions).await.unwrap();
}

/// Sets one of the topic's settings, the others to their defaults.
pub(crate) async fn set_topic(kafka: &Kafka, topic: &str, setting: &str, value: &str) {
    let (admin, options) = admin(kafka);
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(setting, value);
    let changed = admin.alter_configs([&change], &options).await.unwrap();
    for topic in changed {
        topic.unwrap();
    }
}

/// Deletes the records before an offset, as retention does.
pub(super) async fn delete_records(world: &World, partition: i32, before: i64) {
    let (admin, options) = admin(&world.kafka);
    let asked = offset_of(world, partition, before);
    let deleted = admin.delete_records(&asked, &options).await.unwrap();
    for partition in deleted.elements() {
        partition.error().unwrap();
    }
}

/// Deletes a group that has no members.
pub(super) async fn delete_group(world: &World, group: &str) {
    let (admin, options) = admin(&world.kafka);
    let deleted = admin.delete_groups(&[group], &options).await.unwrap();
    for group in deleted {
        group.unwrap();
    }
}

/// Commits an offset for a group that has no members, as `kafka-consumer-groups --reset-offsets` does.
pub(super) async fn reset_offset(world: &World, group: &str, partition: i32, offset: i64) {
    let mut config = world.kafka.client_config();
    config.set("group.id", group);
    let offsets = offset_of(world, partition, offset);
    let commit = move || {
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.commit(&offsets, CommitMode::Sync).unwrap();
    };
    tokio::task::spawn_blocking(commit).await.unwrap();
}
