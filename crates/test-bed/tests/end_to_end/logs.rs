//! Logs that nobody takes: a full disk, a reader that is gone, one that has stopped. They stop nothing.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, pipe};
use std::process::Stdio;

use test_bed::{Launch, Process};
use twelve_data_stand_in::{Config, StandIn};

use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, built, run};

/// A stderr that takes no line, or none after what a pipe holds. The reader lives as long as it is not dropped.
fn stderrs() -> [(&'static str, Stdio, Option<PipeReader>); 3] {
    let (gone, closed): (PipeReader, PipeWriter) = pipe().unwrap();
    drop(gone);
    let (asleep, stalled) = pipe().unwrap();
    [
        ("full", full().into(), None),
        ("closed", closed.into(), None),
        ("stalled", stalled.into(), Some(asleep)),
    ]
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// More lines than a pipe holds.
fn talkative(launch: Launch) -> Launch {
    launch
        .variable("LOG", "debug")
        .args(["-X", "debug=broker,protocol,metadata"])
}

#[test]
fn a_consumer_goes_on_whatever_becomes_of_its_log() {
    run(async {
        let world = World::new("log-of-consumer", 1).await;
        let mut session = Session::new();
        let mut sent = 0;
        for (name, stderr, _reader) in stderrs() {
            let launch = talkative(world.consumer(name));
            let consumer = Process::start_writing_to(&world.bed, &launch, full(), stderr).unwrap();
            session.send(&world.kafka, &world.topic, 500).await;
            sent += 500;
            world.until_stored(sent, &[&consumer]).await;
            // the summary cannot be printed either
            let status = consumer.stop(PATIENCE).await.unwrap();
            assert_eq!(status.code(), Some(0), "{name}");
        }
        assert_eq!(assert_each_once(&world).await.len(), sent);
    });
}

#[test]
fn a_producer_goes_on_whatever_becomes_of_its_log() {
    run(async {
        let world = World::new("log-of-producer", 1).await;
        let stand_in = StandIn::start(Config::default()).await.unwrap();
        for (runs, (name, stderr, _reader)) in (1..).zip(stderrs()) {
            let launch = talkative(world.producer(&stand_in, "AAPL")).args(["--samples", "50"]);
            let producer = Process::start_writing_to(&world.bed, &launch, full(), stderr).unwrap();
            let status = producer.end(PATIENCE).await.unwrap();
            assert_eq!(status.code(), Some(0), "{name}");
            let records = world.kafka.records(&world.topic).await.unwrap();
            assert_eq!(records.len(), runs * 50, "{name}");
        }
    });
}

#[test]
fn a_command_ends_with_its_own_status_whatever_becomes_of_its_log() {
    run(async {
        let world = World::new("log-of-commands", 1).await;
        let check = |name: &str| {
            let brokers = world.kafka.bootstrap_servers();
            talkative(built("broker-setup", format!("{name}-wait"))).args([
                "wait",
                "--brokers",
                &brokers,
                "--advertised-host",
                "127.0.0.1",
            ])
        };
        let audit = |name: &str| {
            built("consumer", format!("{name}-audit"))
                .args(["audit", "--bucket", "no-such-bucket"])
                .variables(world.s3.variables())
        };
        let ends = async |launch: &Launch, stdout: Stdio, stderr: Stdio| {
            let process = Process::start_writing_to(&world.bed, launch, stdout, stderr).unwrap();
            process.end(PATIENCE).await.unwrap().code()
        };
        let (wait_ends, audit_ends) = (
            ends(&check("heard"), Stdio::null(), Stdio::null()).await,
            ends(&audit("heard"), Stdio::null(), Stdio::null()).await,
        );
        assert_eq!(wait_ends, Some(0));
        for (name, stderr, _reader) in stderrs() {
            assert_eq!(
                ends(&check(name), Stdio::null(), stderr).await,
                wait_ends,
                "{name}"
            );
        }
        for (name, stderr, _reader) in stderrs() {
            assert_eq!(
                ends(&audit(name), Stdio::null(), stderr).await,
                audit_ends,
                "{name}"
            );
        }
        // a result that cannot be had is a failure
        let unread = ends(&check("unread"), full().into(), Stdio::null()).await;
        assert_eq!(unread, Some(1));
    });
}
