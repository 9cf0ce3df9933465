//! `--bucket`, against a server that answers like S3.

use std::process::Command;

use crate::stage::{Answer, Ended, Scripted, Seen, broker, error, producer, run, vendor};

const MADE_OR_FOUND: i32 = 77;

/// Runs the producer up to the first poll, where the vendor refuses its key.
fn run_with_bucket(
    s3: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    adapt: impl Fn(&mut Command),
) -> (Ended, Vec<Seen>) {
    let s3 = Scripted::new(s3);
    let cluster = broker();
    let api = vendor(|_| error(401, "no"));
    let arguments = [
        "--symbols",
        "AAPL",
        "--bucket",
        "quotes-1",
        "--give-up-after",
        "1s",
    ];
    let mut command = producer(&api.url, &cluster.bootstrap_servers(), &arguments);
    command
        .env("AWS_ENDPOINT_URL_S3", &s3.url)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    adapt(&mut command);
    (run(&mut command), s3.seen())
}

fn s3_error(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>words</Message></Error>");
    Answer::With(status, ("content-type", "application/xml"), body)
}

fn missing_then(status: u16, code: &'static str) -> impl Fn(&Seen) -> Answer {
    move |seen| {
        if seen.method == "HEAD" {
            return Answer::Reply(404, String::new());
        }
        if status == 200 {
            Answer::Reply(200, String::new())
        } else {
            s3_error(status, code)
        }
    }
}

#[test]
fn a_bucket_that_is_there_is_left_alone() {
    let (ended, seen) = run_with_bucket(|_| Answer::Reply(200, String::new()), |_| {});
    assert_eq!(ended.status, MADE_OR_FOUND, "{}", ended.stderr);
    let requests: Vec<_> = seen
        .iter()
        .map(|seen| (seen.method.as_str(), seen.target.as_str()))
        .collect();
    assert_eq!(requests, [("HEAD", "/quotes-1/")], "by path, and nothing made");
}

#[test]
fn a_bucket_that_is_missing_is_made_in_the_region() {
    let (ended, seen) = run_with_bucket(missing_then(200, ""), |_| {});
    assert_eq!(ended.status, MADE_OR_FOUND, "{}", ended.stderr);
    assert_eq!(seen[1].method, "PUT");
    assert!(
        seen[1]
            .body
            .contains("<LocationConstraint>eu-central-1</LocationConstraint>")
    );

    let (ended, seen) = run_with_bucket(missing_then(200, ""), |command| {
        command.env("AWS_REGION", "us-east-1");
    });
    assert_eq!(ended.status, MADE_OR_FOUND, "{}", ended.stderr);
    assert!(!seen[1].body.contains("LocationConstraint"));
}

#[test]
fn a_bucket_that_another_producer_makes_meanwhile_is_fine() {
    let (ended, _) = run_with_bucket(missing_then(409, "BucketAlreadyOwnedByYou"), |_| {});
    assert_eq!(ended.status, MADE_OR_FOUND, "{}", ended.stderr);
}

#[test]
fn a_name_that_is_taken_is_an_error_that_says_so() {
    for code in ["BucketAlreadyExists", "IllegalLocationConstraintException"] {
        let (ended, _) = run_with_bucket(missing_then(409, code), |_| {});
        assert_eq!(ended.status, 78, "{}", ended.stderr);
        assert!(
            ended
                .stderr
                .contains("the bucket name quotes-1 is taken by another AWS account"),
            "{}",
            ended.stderr
        );
    }
    let (ended, _) = run_with_bucket(|_| Answer::Reply(403, String::new()), |_| {});
    assert_eq!(ended.status, 77, "{}", ended.stderr);
    assert!(ended.stderr.contains("somebody else's"), "{}", ended.stderr);
}

#[test]
fn a_bucket_in_another_region_is_fine_and_told() {
    let moved = |_: &Seen| Answer::With(301, ("x-amz-bucket-region", "eu-west-1"), String::new());
    let (ended, _) = run_with_bucket(moved, |_| {});
    assert_eq!(ended.status, MADE_OR_FOUND, "{}", ended.stderr);
    assert!(ended.stderr.contains("eu-west-1"), "{}", ended.stderr);
}

#[test]
fn a_missing_region_or_credentials_are_told() {
    let (ended, _) = run_with_bucket(missing_then(200, ""), |command| {
        command.env_remove("AWS_REGION").env_remove("AWS_ENDPOINT_URL_S3");
    });
    assert_eq!(ended.status, 78, "{}", ended.stderr);
    assert!(ended.stderr.contains("AWS_REGION"));
    let (ended, _) = run_with_bucket(missing_then(200, ""), |command| {
        command.env_remove("AWS_ACCESS_KEY_ID");
    });
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("check the AWS credentials"),
        "{}",
        ended.stderr
    );
}
