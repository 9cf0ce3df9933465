//! `--bucket`, against a real S3 server, with refusals that only Amazon's gives put in between.

use std::sync::{Arc, Mutex};

use test_bed::{Bed, Fault, FaultProxy, Refusal, Request, S3};
use tokio::sync::OnceCell;

use crate::stage::{Ended, PATIENCE, Scene, run};

/// One server for all tests. It dies with the process.
async fn s3() -> Arc<S3> {
    static S3_SERVER: OnceCell<(Bed, Arc<S3>)> = OnceCell::const_new();
    let start = || async {
        let bed = Bed::new().unwrap();
        let s3 = S3::start(&bed, "s3").await.unwrap();
        (bed, Arc::new(s3))
    };
    Arc::clone(&S3_SERVER.get_or_init(start).await.1)
}

/// A bucket that a test is about, the way to its server, and what went by it.
struct Bucket {
    scene: Scene,
    s3: Arc<S3>,
    proxy: FaultProxy,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Bucket {
    /// The name is the topic's as well.
    async fn new(name: &str) -> Self {
        let s3 = s3().await;
        Self {
            scene: Scene::new(name).await,
            proxy: FaultProxy::start(s3.endpoint()).await.unwrap(),
            s3,
            seen: Arc::default(),
        }
    }

    /// Has the producer look after the bucket and take one price.
    async fn run_with(&self, variables: &[(&str, &str)], without: &[&str]) -> Ended {
        let seen = Arc::clone(&self.seen);
        let record = move |request: &Request| {
            seen.lock().unwrap().push(request.clone());
            false
        };
        let _recording = self.proxy.inject(usize::MAX, Fault::Cut, record);
        let arguments = ["--symbols", "AAPL", "--samples", "1", "--interval", "0"];
        let mut producer = self
            .scene
            .producer(&[&arguments[..], &["--bucket", &self.scene.topic]].concat())
            .variables(self.s3.variables_by_way_of(&self.proxy.endpoint()))
            .variable("AWS_EC2_METADATA_DISABLED", "true");
        for (name, value) in variables {
            producer = producer.variable(*name, value);
        }
        for name in without {
            producer = producer.without(name);
        }
        let process = self.scene.start(&producer);
        let status = process.end(PATIENCE).await.unwrap();
        Ended::of(&process, status.code())
    }

    async fn run(&self) -> Ended {
        self.run_with(&[], &[]).await
    }

    async fn is_there(&self) -> bool {
        let head = self.s3.client().head_bucket().bucket(&self.scene.topic);
        head.send().await.is_ok()
    }

    fn methods(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|request| request.method.to_string()).collect()
    }
}

fn makes(request: &Request) -> bool {
    request.method == "PUT"
}

#[test]
fn a_bucket_that_is_there_is_left_alone() {
    run(async {
        let bucket = Bucket::new("there-1").await;
        bucket.s3.create_bucket("there-1").await.unwrap();
        let ended = bucket.run().await;
        assert_eq!(ended.status, Some(0), "{}", ended.log);
        assert_eq!(bucket.methods(), ["HEAD"], "nothing made");
        let path = bucket.seen.lock().unwrap()[0].path.clone();
        assert!(path.starts_with("/there-1"), "by path: {path}");
    });
}

#[test]
fn a_bucket_that_is_missing_is_made_in_the_region() {
    run(async {
        for (name, region, has_constraint) in [
            ("made-far-1", "eu-central-1", true),
            ("made-near-1", "us-east-1", false),
        ] {
            let bucket = Bucket::new(name).await;
            assert!(!bucket.is_there().await);
            let ended = bucket.run_with(&[("AWS_REGION", region)], &[]).await;
            assert_eq!(ended.status, Some(0), "{}", ended.log);
            assert_eq!(bucket.methods(), ["HEAD", "PUT"]);
            assert!(bucket.is_there().await);
            let put = bucket.seen.lock().unwrap()[1].clone();
            assert!(
                put.header("authorization").contains(&format!("/{region}/s3/")),
                "{put:?}"
            );
            // the body is the constraint, and for this one region there must be none
            let length: usize = put.header("content-length").parse().unwrap_or(0);
            assert_eq!(length > 0, has_constraint, "{put:?}");
        }
    });
}

#[test]
fn a_bucket_that_another_producer_makes_meanwhile_is_fine() {
    run(async {
        let bucket = Bucket::new("meanwhile-1").await;
        let fault = Fault::Answer(409, "BucketAlreadyOwnedByYou");
        let mut raced = bucket.proxy.inject(1, fault, makes);
        let ended = bucket.run().await;
        assert_eq!(ended.status, Some(0), "{}", ended.log);
        raced.taken_place(1).await;
    });
}

#[test]
fn a_name_that_is_taken_is_an_error_that_says_so() {
    run(async {
        for (name, code) in [
            ("taken-1", "BucketAlreadyExists"),
            ("taken-2", "IllegalLocationConstraintException"),
        ] {
            let bucket = Bucket::new(name).await;
            let _taken = bucket.proxy.inject(usize::MAX, Fault::Answer(409, code), makes);
            let ended = bucket.run().await;
            assert_eq!(ended.status, Some(78), "{}", ended.log);
            let words = format!("the bucket name {name} is taken by another AWS account");
            assert!(ended.log.contains(&words), "{}", ended.log);
            assert!(bucket.scene.stand_in.requests().is_empty(), "no credit before");
        }
        let bucket = Bucket::new("forbidden-1").await;
        let _forbidden =
            bucket
                .proxy
                .inject(usize::MAX, Fault::Answer(403, "AccessDenied"), |_: &Request| true);
        let ended = bucket.run().await;
        assert_eq!(ended.status, Some(77), "{}", ended.log);
        assert!(ended.log.contains("somebody else's"), "{}", ended.log);
    });
}

#[test]
fn a_bucket_in_another_region_is_fine_and_told() {
    run(async {
        let bucket = Bucket::new("moved-1").await;
        let moved = Fault::Refuse(Refusal {
            status: 301,
            code: "PermanentRedirect",
            message: "",
            bucket_region: Some("eu-west-1"),
        });
        let _moved = bucket.proxy.inject(usize::MAX, moved, |_: &Request| true);
        let ended = bucket.run().await;
        assert_eq!(ended.status, Some(0), "{}", ended.log);
        assert!(ended.log.contains("eu-west-1"), "{}", ended.log);
    });
}

#[test]
fn a_missing_region_or_credentials_are_told() {
    run(async {
        let bucket = Bucket::new("unknown-region-1").await;
        let ended = bucket.run_with(&[], &["AWS_REGION", "AWS_ENDPOINT_URL"]).await;
        assert_eq!(ended.status, Some(78), "{}", ended.log);
        assert!(ended.log.contains("AWS_REGION"), "{}", ended.log);
        let ended = bucket.run_with(&[], &["AWS_ACCESS_KEY_ID"]).await;
        assert_eq!(ended.status, Some(1), "{}", ended.log);
        assert!(ended.log.contains("check the AWS credentials"), "{}", ended.log);
    });
}
