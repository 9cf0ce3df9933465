//! Kafka with TLS and SASL, as both programs meet it.

use std::sync::Arc;

use test_bed::{Bed, Kafka, Launch, S3};
use tokio::sync::OnceCell;
use twelve_data_stand_in::StandIn;

use crate::stored::assert_each_once;
use crate::world::{PATIENCE, World, run, stop};

pub(crate) const USER: &str = "pipeline";
const PASSWORD: &str = "correct-horse";

/// One secured broker for all of these tests.
pub(crate) async fn world(name: &str) -> World {
    static SHARED: OnceCell<(Bed, Arc<Kafka>, Arc<S3>)> = OnceCell::const_new();
    let start = || async {
        let bed = Bed::new().unwrap();
        let (kafka, s3) = tokio::join!(
            Kafka::start_secured(&bed, "secured", USER),
            S3::start(&bed, "s3-of-secured")
        );
        let kafka = kafka.unwrap();
        kafka.create_user(USER, PASSWORD).await.unwrap();
        (bed, Arc::new(kafka), Arc::new(s3.unwrap()))
    };
    let (bed, kafka, s3) = SHARED.get_or_init(start).await.clone();
    World::on(bed, kafka, s3, name, 2).await
}

/// By TLS and SCRAM, with the password in a file.
fn secured(world: &World, launch: Launch, user: &str, password: &str) -> Launch {
    let (address, certificate) = world.kafka.secured().unwrap();
    let file = world
        .bed
        .write(&format!("{}-{password}.password", world.topic), password)
        .unwrap();
    launch
        .variable("KAFKA_BOOTSTRAP_SERVERS", address)
        .args([
            "-X",
            "security.protocol=SASL_SSL",
            "-X",
            "sasl.mechanism=SCRAM-SHA-512",
        ])
        .args(["-X", &format!("sasl.username={user}")])
        .args(["-X", &format!("sasl.password=@{}", file.display())])
        .args(["-X", &format!("ssl.ca.location={}", certificate.display())])
}

pub(crate) async fn stand_in() -> StandIn {
    let config = twelve_data_stand_in::Config::default();
    StandIn::start(config).await.unwrap()
}

/// It ends by itself with this status and these words.
pub(crate) async fn assert_ends(world: &World, launch: &Launch, status: i32, words: &[&str]) {
    let program = world.start(launch);
    let ended = program.end(PATIENCE).await.unwrap();
    let log = program.log();
    assert_eq!(ended.code(), Some(status), "{log}");
    for word in words {
        assert!(log.contains(word), "`{word}` is not in:\n{log}");
    }
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn ticks_go_through_a_broker_with_tls_and_scram() {
    run(async {
        let world = world("scram").await;
        let vendor = stand_in().await;
        let producer = world.producer(&vendor, "AAPL,MSFT").args(["--samples", "5"]);
        let producer = world.start(&secured(&world, producer, USER, PASSWORD));
        assert!(
            producer.end(PATIENCE).await.unwrap().success(),
            "{}",
            producer.log()
        );
        let consumer = world.start(&secured(&world, world.consumer("a"), USER, PASSWORD));
        world.until_stored(10, &[&consumer]).await;
        stop(&consumer).await;
        assert_eq!(assert_each_once(&world).await.len(), 10);
    });
}

#[test]
fn a_wrong_password_ends_both_programs_with_status_77() {
    run(async {
        let world = world("wrong-password").await;
        let vendor = stand_in().await;
        let words = ["refuses the login", "sasl.password", "SCRAM-SHA-512"];
        let consumer = secured(&world, world.consumer("a"), USER, "wrong");
        let producer = secured(&world, world.producer(&vendor, "AAPL"), USER, "wrong");
        tokio::join!(
            assert_ends(&world, &consumer, 77, &words),
            assert_ends(&world, &producer, 77, &words)
        );
    });
}

#[test]
fn a_user_without_permissions_ends_both_programs_with_status_77() {
    run(async {
        let world = world("no-acl").await;
        world
            .kafka
            .create_user("nobody", "nobodys-password")
            .await
            .unwrap();
        let vendor = stand_in().await;
        let words = ["refuses to describe the topic no-acl", "ACL"];
        let consumer = secured(&world, world.consumer("a"), "nobody", "nobodys-password");
        let producer = secured(
            &world,
            world.producer(&vendor, "AAPL"),
            "nobody",
            "nobodys-password",
        );
        tokio::join!(
            assert_ends(&world, &consumer, 77, &words),
            assert_ends(&world, &producer, 77, &words)
        );
    });
}

#[test]
fn a_certificate_of_an_unknown_ca_ends_both_programs_with_status_78() {
    run(async {
        let world = world("unknown-ca").await;
        let vendor = stand_in().await;
        // the system's own CAs did not sign it
        let trust_system = ["-X", "ssl.ca.location=/etc/ssl/certs/ca-certificates.crt"];
        let words = ["TLS certificate", "is not trusted", "ssl.ca.location"];
        let consumer = secured(&world, world.consumer("a"), USER, PASSWORD).args(trust_system);
        let producer = secured(&world, world.producer(&vendor, "AAPL"), USER, PASSWORD).args(trust_system);
        tokio::join!(
            assert_ends(&world, &consumer, 78, &words),
            assert_ends(&world, &producer, 78, &words)
        );
    });
}
