//! One broker refuses a record while it is not known whether another has written one. librdkafka, left alone, then
//! writes that one twice (librdkafka#4953).

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use futures::future::join;
use pipeline_runtime::kafka::{ConnectionArgs, KafkaArgs, ONCE_AND_IN_ORDER};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use test_bed::{Bed, Kafka};
use tokio::time::timeout;

use crate::edges::operator::set_topic;
use crate::world::{PATIENCE, run};

/// What librdkafka has to do at once takes far less.
const AT_ONCE: Duration = Duration::from_secs(2);
const REFUSING: &str = "refusing";
const DOUBTFUL: &str = "doubtful";

#[test]
fn a_record_in_doubt_is_not_written_twice_when_another_is_refused() {
    run(async {
        let bed = Bed::new().unwrap();
        let mut kafka = Kafka::start_linked(&bed, "kafka", 3, 1).await.unwrap();
        for (topic, partitions) in [(REFUSING, 1), (DOUBTFUL, 3)] {
            kafka.create_topic(topic, partitions).await.unwrap();
            kafka.until_in_sync(topic).await.unwrap();
        }
        let refusing_node = kafka.leaders(REFUSING).await.unwrap()[0];
        let leaders = kafka.leaders(DOUBTFUL).await.unwrap();
        let partition = leaders.iter().position(|node| *node != refusing_node).unwrap();
        let places = Places {
            refusing_node,
            doubtful_node: leaders[partition],
            partition,
        };
        let other = (0..3).find(|node| ![refusing_node, leaders[partition]].contains(node));
        kafka.stop_node(other.unwrap()).await.unwrap();
        // else this test shows nothing, or librdkafka needs no help any more
        assert_eq!(places.times_written(&kafka, Some("5")).await, 2);
        assert_eq!(places.times_written(&kafka, None).await, 1);
    });
}

/// Two topics' partitions, led by two nodes. Each record must be on both.
struct Places {
    refusing_node: usize,
    doubtful_node: usize,
    /// Of the doubtful topic.
    partition: usize,
}

impl Places {
    /// How often a record is in Kafka whose acknowledgement was lost while another topic's records were refused.
    async fn times_written(&self, kafka: &Kafka, max_in_flight: Option<&str>) -> i64 {
        let link = kafka.link(0);
        let args = KafkaArgs {
            connection: ConnectionArgs {
                brokers: link.bootstrap_servers(),
                properties: Vec::new(),
                property_list: Vec::new(),
            },
            topic: REFUSING.parse().unwrap(),
        };
        let mut config = args
            .client_config("doubt", &[("linger.ms", "0")], ONCE_AND_IN_ORDER)
            .unwrap();
        if let Some(count) = max_in_flight {
            config.set("max.in.flight", count);
        }
        let producer: FutureProducer = config.create().unwrap();
        let send = |topic: &str, partition: usize| -> DeliveryFuture {
            let record = FutureRecord::<str, _>::to(topic)
                .partition(i32::try_from(partition).unwrap())
                .payload("a record");
            producer.send_result(record).map_err(|(error, _)| error).unwrap()
        };
        accepting(kafka, true).await;
        send(REFUSING, 0).await.unwrap().unwrap();
        send(DOUBTFUL, self.partition).await.unwrap().unwrap();
        accepting(kafka, false).await;

        let before = self.end(kafka).await;
        let doubtful_link = link.to_node(self.doubtful_node);
        let doubtful_reply = doubtful_link.hold_replies();
        let in_doubt = send(DOUBTFUL, self.partition);
        until(async || self.end(kafka).await == before + 1).await;

        let refusals = || kafka.log().matches("NotEnoughReplicasException").count();
        let skips = || kafka.log().matches("OutOfOrderSequenceException").count();
        let (refusals_before, skips_before) = (refusals(), skips());
        let refusing_reply = link.to_node(self.refusing_node).hold_replies();
        let refused = send(REFUSING, 0);
        until(async || refusals() > refusals_before).await;
        accepting(kafka, true).await;
        let next = send(REFUSING, 0);
        // by our settings it is not sent yet
        timeout(AT_ONCE, until(async || skips() > skips_before))
            .await
            .ok();
        refusing_reply.lift();
        // left alone, librdkafka waits with them for the record in doubt
        let mut both = join(refused, next);
        let delivered = timeout(AT_ONCE, &mut both).await;

        doubtful_link.cut();
        doubtful_reply.lift();
        in_doubt.await.unwrap().unwrap();
        let (refused, next) = match delivered {
            Ok(delivered) => delivered,
            Err(_) => both.await,
        };
        refused.unwrap().unwrap();
        next.unwrap().unwrap();
        self.end(kafka).await - before
    }

    async fn end(&self, kafka: &Kafka) -> i64 {
        kafka.ends(DOUBTFUL).await.unwrap()[self.partition].1
    }
}

/// Has the two nodes that run be enough for a write, or not, and waits until that holds.
async fn accepting(kafka: &Kafka, is_accepting: bool) {
    let nodes = if is_accepting { "2" } else { "3" };
    set_topic(kafka, REFUSING, "min.insync.replicas", nodes).await;
    let mut config = kafka.client_config();
    config.set("message.send.max.retries", "0");
    let producer: FutureProducer = config.create().unwrap();
    until(async || {
        let probe = FutureRecord::<str, _>::to(REFUSING).payload("probe");
        producer.send(probe, PATIENCE).await.is_ok() == is_accepting
    })
    .await;
}

async fn until(is_so: impl AsyncFn() -> bool) {
    let polling = ConstantBuilder::default()
        .with_delay(Duration::from_millis(50))
        .with_max_times(usize::MAX);
    let check = || async { if is_so().await { Ok(()) } else { Err(()) } };
    let polled = timeout(PATIENCE, check.retry(polling)).await;
    polled.unwrap().unwrap();
}
