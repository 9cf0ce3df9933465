//! Clocks that are wrong by a day: the producers', as the records' timestamps show it, and this host's, as S3 says it.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan};
use rdkafka::producer::FutureRecord;
use test_bed::{Fault, FaultProxy, Request};
use twelve_data_stand_in::{Config, StandIn};

use super::operator::set_topic;
use super::{assert_says, consumer, refused};
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

#[test]
fn timestamps_wrong_by_a_day_are_kept_and_do_not_shatter_the_chain() {
    run(async {
        let world = World::new("wrong-timestamps", 1).await;
        // Kafka itself takes an hour ahead
        set_topic(
            &world.kafka,
            &world.topic,
            "message.timestamp.after.max.ms",
            "9223372036854775807",
        )
        .await;
        let producer = world.kafka.producer().unwrap();
        let mut session = Session::new();
        let now = Timestamp::now();
        let (yesterday, tomorrow) = (now - 24.hours(), now + 24.hours());
        let epoch = Timestamp::UNIX_EPOCH;
        let moments = [now, yesterday, now, tomorrow, now, epoch, tomorrow, yesterday];
        for moment in std::iter::repeat_n(moments, 10).flatten() {
            let tick = session.tick_of("AAPL", moment, "");
            let record = FutureRecord::to(&world.topic).key("AAPL").payload(&tick);
            let sent = producer.send(record.timestamp(moment.as_millisecond()), PATIENCE);
            sent.await.unwrap();
        }
        let consumer = world.start(&consumer(&world, "a"));
        world.until_stored(80, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
        let keys = world.s3.data_keys(&world.bucket, "").await.unwrap();
        let hours: BTreeSet<_> = keys.iter().map(|key| key.rsplit_once('/').unwrap().0).collect();
        // now's records close at the first of tomorrow, which takes all that follow
        assert_eq!((keys.len(), hours.len()), (2, 2), "{keys:?}");
    });
}

#[test]
fn a_producer_whose_clock_kafka_refuses_is_told_so() {
    run(async {
        let world = World::new("refused-timestamps", 1).await;
        // as if the producer's clock were wrong by more than the broker stands
        set_topic(&world.kafka, &world.topic, "message.timestamp.before.max.ms", "0").await;
        let stand_in = StandIn::start(Config::default()).await.unwrap();
        let producer = world.start(&world.producer(&stand_in, "AAPL"));
        assert_says(&refused(&producer, 1).await, &["set this host's clock"]);
    });
}

const SKEWED: Fault = Fault::Answer(403, "RequestTimeTooSkewed");

#[test]
fn a_host_whose_clock_s3_refuses_is_told_so_at_the_start() {
    run(async {
        let world = World::new("skewed-start", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let _skewed = proxy.inject(usize::MAX, SKEWED, |_: &Request| true);
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.start(&consumer(&world, "a").variables(by_proxy));
        assert_says(
            &refused(&consumer, 1).await,
            &["RequestTimeTooSkewed", "this host's clock"],
        );
    });
}

#[test]
fn a_clock_that_goes_wrong_delays_but_loses_nothing() {
    run(async {
        let world = World::new("skewed-later", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut skewed = proxy.inject(2, SKEWED, Request::writes_data);
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.start(&consumer(&world, "a").variables(by_proxy));
        Session::new().send(&world.kafka, &world.topic, 50).await;
        skewed.taken_place(2).await;
        let line = consumer.line("RequestTimeTooSkewed", PATIENCE).await.unwrap();
        assert!(line.contains("this host's clock"), "{line}");
        world.until_stored(50, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}
