//! What is said when S3 refuses: what to do, and which action IAM must allow.

use hyper::Method;
use test_bed::{Fault, FaultProxy, Launch, Refusal, Request};

use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

/// Runs a consumer that S3 refuses at its start; it ends with status 1 and these words.
async fn assert_ends_with(world: &World, launch: Launch, words: &[&str]) {
    let consumer = world.start(&launch);
    let status = consumer.end(PATIENCE).await.unwrap();
    let log = consumer.log();
    assert_eq!(status.code(), Some(1), "{log}");
    for word in words {
        assert!(log.contains(word), "`{word}` is not in:\n{log}");
    }
}

#[test]
fn a_real_refusal_says_what_to_do() {
    run(async {
        let world = World::new("real-refusals", 1).await;
        let wrong_secret = world
            .consumer("secret")
            .variable("AWS_SECRET_ACCESS_KEY", "wrong");
        let unknown_key = world.consumer("key").variable("AWS_ACCESS_KEY_ID", "unknown");
        let no_keys = world
            .consumer("no-keys")
            .without("AWS_ACCESS_KEY_ID")
            .variable("AWS_EC2_METADATA_DISABLED", "true");
        tokio::join!(
            assert_ends_with(&world, wrong_secret, &["SignatureDoesNotMatch", "check the keys"]),
            assert_ends_with(&world, unknown_key, &["InvalidAccessKeyId", "check the keys"]),
            assert_ends_with(&world, no_keys, &["no AWS credentials", "give this host a role"]),
        );
    });
}

#[test]
fn a_bucket_that_is_not_there_is_named_with_the_way_to_make_it() {
    run(async {
        let mut world = World::new("no-bucket", 1).await;
        world.bucket = "is-not-there".to_owned();
        let words = [
            "the bucket is-not-there does not exist",
            "producer --bucket is-not-there",
        ];
        assert_ends_with(&world, world.consumer("a"), &words).await;
    });
}

/// A reply of AWS to the requests that `matches`, and what is to be said then.
struct Case {
    matches: fn(&Request) -> bool,
    status: u16,
    code: &'static str,
    message: &'static str,
    words: &'static [&'static str],
}

fn is_list(request: &Request) -> bool {
    request.method == Method::GET && request.path.contains("list-type")
}

fn is_write(request: &Request) -> bool {
    request.method == Method::PUT
}

fn is_layout_read(request: &Request) -> bool {
    request.method == Method::GET && request.path.contains("_layout")
}

const CASES: &[Case] = &[
    Case {
        matches: is_list,
        status: 403,
        code: "AccessDenied",
        message: "Access Denied",
        words: &["allow `s3:ListBucket`"],
    },
    Case {
        matches: is_write,
        status: 403,
        code: "AccessDenied",
        message: "Access Denied",
        words: &["allow `s3:PutObject and s3:PutObjectTagging`"],
    },
    Case {
        matches: is_write,
        status: 403,
        code: "AccessDenied",
        message: "User: arn:aws:iam::1:user/u is not authorized to perform: kms:GenerateDataKey on resource: \
                  arn:aws:kms:us-east-1:1:key/k with an explicit deny in a resource-based policy",
        words: &[
            "allow `kms:GenerateDataKey`",
            "explicit deny in a resource-based policy",
        ],
    },
    Case {
        matches: is_layout_read,
        status: 403,
        code: "AccessDenied",
        message: "Access Denied",
        words: &["allow `s3:GetObject`", "_layout.json"],
    },
    Case {
        matches: is_write,
        status: 400,
        code: "KMS.DisabledException",
        message: "arn:aws:kms:us-east-1:1:key/k is disabled.",
        words: &["KMS key", "KMS.DisabledException", "enable it"],
    },
    Case {
        matches: is_write,
        status: 400,
        code: "InvalidStorageClass",
        message: "The storage class you specified is not valid",
        words: &["change --storage-class"],
    },
    Case {
        matches: is_list,
        status: 400,
        code: "AuthorizationHeaderMalformed",
        message: "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
        words: &["is in eu-west-1, set `AWS_REGION`"],
    },
    Case {
        matches: is_list,
        status: 301,
        code: "PermanentRedirect",
        message: "",
        words: &["is in eu-west-1, set `AWS_REGION`"],
    },
    Case {
        matches: is_list,
        status: 403,
        code: "RequestTimeTooSkewed",
        message: "The difference between the request time and the current time is too large.",
        words: &["this host's clock is off"],
    },
];

#[test]
fn a_refusal_of_aws_names_the_action_and_the_way_out() {
    run(async {
        let world = World::new("refusals-of-aws", 1).await;
        for (n, case) in CASES.iter().enumerate() {
            let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
            let refusal = Refusal {
                status: case.status,
                code: case.code,
                message: case.message,
                bucket_region: Some("eu-west-1"),
            };
            let _refused = proxy.inject(usize::MAX, Fault::Refuse(refusal), case.matches);
            let launch = world
                .consumer(&n.to_string())
                .args(["--tags", "team=quotes"])
                .variables(world.s3.variables_by_way_of(&proxy.endpoint()));
            assert_ends_with(&world, launch, case.words).await;
        }
    });
}

#[test]
fn a_permission_that_is_taken_away_is_named_until_it_is_back() {
    run(async {
        let world = World::new("taken-away", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let denied = proxy.inject(
            usize::MAX,
            Fault::Answer(403, "AccessDenied"),
            Request::writes_data,
        );
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.start(&world.consumer("a").variables(by_proxy));
        Session::new().send(&world.kafka, &world.topic, 20).await;
        let line = consumer.line("asking again", PATIENCE).await.unwrap();
        assert!(line.contains("allow `s3:PutObject`"), "{line}");
        denied.lift();
        world.until_stored(20, &[&consumer]).await;
        stop(&consumer).await;
        world.assert_clean().await;
    });
}
