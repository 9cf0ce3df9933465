//! Logins to Kafka by OAUTHBEARER. The broker takes unsecured tokens, so one of AWS IAM comes as far as its refusal.

use test_bed::Launch;

use crate::kafka_security::{USER, assert_ends, stand_in, world};
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, built, run, stop};

/// By TLS and a token, of IAM if no more is said.
fn by_token(world: &World, launch: Launch) -> Launch {
    let (address, certificate) = world.kafka.secured().unwrap();
    launch
        .variable("KAFKA_BOOTSTRAP_SERVERS", address)
        .args(["-X", "security.protocol=SASL_SSL"])
        .args(["-X", "sasl.mechanism=OAUTHBEARER"])
        .args(["-X", &format!("ssl.ca.location={}", certificate.display())])
}

/// Neither files nor an instance's metadata give it anything.
fn without_aws(launch: Launch) -> Launch {
    launch
        .variable("AWS_CONFIG_FILE", "/dev/null")
        .variable("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .variable("AWS_EC2_METADATA_DISABLED", "true")
}

#[test]
fn a_token_of_iam_that_the_broker_refuses_ends_each_client_with_status_77() {
    run(async {
        let world = world("iam-refused").await;
        let consumer = world.start(&world.consumer("stores"));
        Session::new().send(&world.kafka, &world.topic, 10).await;
        world.until_stored(10, &[&consumer]).await;
        stop(&consumer).await;
        let vendor = stand_in().await;
        let words = ["refuses the login", "invalid_token", "kafka-cluster:Connect"];
        let producer = world.producer(&vendor, "AAPL").variables(world.s3.variables());
        let producer = by_token(&world, producer);
        let consumer = by_token(&world, world.consumer("a"));
        let replay = built("consumer", "iam-refused-replay")
            .args(["replay", "--bucket", &world.bucket, "--topic", &world.topic])
            .args(["--from-topic", &world.topic])
            .variables(world.s3.variables());
        let replay = by_token(&world, replay);
        tokio::join!(
            assert_ends(&world, &producer, 77, &words),
            assert_ends(&world, &consumer, 77, &words),
            assert_ends(&world, &replay, 77, &words)
        );
    });
}

#[test]
fn without_credentials_or_region_for_a_token_the_start_says_so() {
    run(async {
        let world = world("iam-without").await;
        let vendor = stand_in().await;
        let producer = || without_aws(by_token(&world, world.producer(&vendor, "AAPL")));
        let no_region = producer();
        let no_keys = producer().variable("AWS_REGION", "eu-west-1");
        let words_of_keys = ["no AWS credentials for the login to Kafka", "AWS_PROFILE"];
        let words_of_region = ["no AWS region is set", "AWS_REGION"];
        tokio::join!(
            assert_ends(&world, &no_keys, 1, &words_of_keys),
            assert_ends(&world, &no_region, 78, &words_of_region)
        );
        let unclear = producer().args(["-X", "sasl.oauthbearer.config=principal=p"]);
        let words = ["sasl.oauthbearer.config alone gives no token"];
        assert_ends(&world, &unclear, 78, &words).await;
    });
}

#[test]
fn ticks_go_through_a_broker_with_tokens_of_another_source() {
    run(async {
        let world = world("unsecured-tokens").await;
        let unsecured = |launch| {
            without_aws(by_token(&world, launch))
                .args(["-X", "enable.sasl.oauthbearer.unsecure.jwt=true"])
                .args(["-X", &format!("sasl.oauthbearer.config=principal={USER}")])
        };
        let vendor = stand_in().await;
        let producer = world.producer(&vendor, "AAPL,MSFT").args(["--samples", "5"]);
        let producer = world.start(&unsecured(producer));
        assert!(
            producer.end(PATIENCE).await.unwrap().success(),
            "{}",
            producer.log()
        );
        let consumer = world.start(&unsecured(world.consumer("a")));
        world.until_stored(10, &[&consumer]).await;
        stop(&consumer).await;
        assert_eq!(assert_each_once(&world).await.len(), 10);
    });
}
