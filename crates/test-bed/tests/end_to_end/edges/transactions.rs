//! Records of transactions: what is committed is stored, what is aborted or still open is not.

use jiff::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use super::{BAD_CONFIG, assert_says, consumer, lines, refused};
use crate::metrics::until_owning;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

/// A producer with a transaction of its own under way.
async fn begun(world: &World, id: &str) -> FutureProducer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", world.kafka.bootstrap_servers())
        .set("transactional.id", format!("{}-{id}", world.topic));
    let begin = move || {
        let producer: FutureProducer = config.create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        producer
    };
    tokio::task::spawn_blocking(begin).await.unwrap()
}

/// Sends ticks within the producer's transaction and gives their text.
async fn send(producer: &FutureProducer, world: &World, session: &mut Session, count: usize) -> Vec<String> {
    let now = Timestamp::now();
    let ticks: Vec<_> = (0..count).map(|_| session.tick_of("AAPL", now, "")).collect();
    for tick in &ticks {
        let record = FutureRecord::to(&world.topic).key("AAPL").payload(tick);
        producer.send(record, PATIENCE).await.unwrap();
    }
    ticks
}

async fn end(producer: &FutureProducer, is_committed: bool) {
    let producer = producer.clone();
    let end = move || {
        let ended = if is_committed {
            producer.commit_transaction(PATIENCE)
        } else {
            producer.abort_transaction(PATIENCE)
        };
        ended.unwrap();
    };
    tokio::task::spawn_blocking(end).await.unwrap();
}

#[test]
fn only_committed_records_are_stored() {
    run(async {
        let world = World::new("transactions", 1).await;
        let (mut kept, mut aborted) = (Session::new(), Session::new());
        let producer = begun(&world, "alternating").await;
        let consumer = world.start(&consumer(&world, "a"));
        let mut expected = Vec::new();
        // the chain's end is followed by holes: markers, and records that were aborted
        for round in 0..6 {
            if round > 0 {
                producer.begin_transaction().unwrap();
            }
            if round % 2 == 0 {
                expected.extend(send(&producer, &world, &mut kept, 5).await);
                end(&producer, true).await;
                world.until_stored(expected.len(), &[&consumer]).await;
            } else {
                send(&producer, &world, &mut aborted, 5).await;
                end(&producer, false).await;
            }
        }

        // nothing behind the first record of an open transaction is read, be it its own or not
        let open = begun(&world, "open").await;
        let mut in_open = send(&open, &world, &mut kept, 5).await;
        let mut of_others = Session::new();
        of_others.send(&world.kafka, &world.topic, 5).await;
        stop(&consumer).await;
        assert_eq!(lines(&world).await, expected);

        let next = world.start(&super::consumer(&world, "next"));
        until_owning(&next).await;
        end(&open, true).await;
        world.until_stored(expected.len() + 10, &[&next]).await;
        stop(&next).await;
        expected.append(&mut in_open);
        let stored = lines(&world).await;
        assert_eq!(stored[..expected.len()], expected);
        assert_eq!(stored.len(), expected.len() + 5);
        world.assert_clean().await;
    });
}

#[test]
fn reading_what_is_not_committed_cannot_be_asked_for() {
    run(async {
        let world = World::new("uncommitted", 1).await;
        let launch = consumer(&world, "a").args(["-X", "isolation.level=read_uncommitted"]);
        let log = refused(&world.start(&launch), BAD_CONFIG).await;
        assert_says(&log, &["isolation.level", "read_committed", "leave it out"]);
    });
}
