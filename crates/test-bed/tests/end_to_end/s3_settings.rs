//! How objects are written: encryption, storage class, tags, checksum.

use std::sync::{Arc, Mutex};

use hyper::Method;
use test_bed::{Fault, FaultProxy, Injected, Request};

use crate::metrics::until_owning;
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

/// Notes each request that a proxy sees while the rule is there, and lets it pass.
fn noted(proxy: &FaultProxy) -> (Arc<Mutex<Vec<Request>>>, Injected) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&requests);
    let rule = proxy.inject(1, Fault::Cut, move |request| {
        noted.lock().unwrap().push(request.clone());
        false
    });
    (requests, rule)
}

fn has_header(request: &Request, part: &str) -> bool {
    request.headers.keys().any(|name| name.as_str().contains(part))
}

#[test]
fn objects_are_written_as_the_flags_say_and_never_with_an_acl() {
    run(async {
        let world = World::new("write-settings", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let (requests, _rule) = noted(&proxy);
        let consumer = world
            .consumer("a")
            .args([
                "--sse",
                "s3",
                "--storage-class",
                "STANDARD_IA",
                "--checksum",
                "sha256",
            ])
            .args(["--tags", "team=market data,env=test"])
            .variables(world.s3.variables_by_way_of(&proxy.endpoint()));
        let consumer = world.start(&consumer);
        Session::new().send(&world.kafka, &world.topic, 50).await;
        world.until_stored(50, &[&consumer]).await;
        stop(&consumer).await;

        let requests = requests.lock().unwrap().clone();
        let puts: Vec<_> = requests
            .iter()
            .filter(|request| request.method == Method::PUT)
            .collect();
        let of = |part: &str| puts.iter().filter(|put| put.path.contains(part)).count();
        assert!(
            of("_probe") > 0 && of("_layout") > 0 && of("hour") > 0,
            "{puts:?}"
        );
        for put in puts {
            assert_eq!(put.header("x-amz-server-side-encryption"), "AES256", "{put:?}");
            assert_eq!(put.header("x-amz-storage-class"), "STANDARD_IA", "{put:?}");
            assert_eq!(
                put.header("x-amz-tagging"),
                "env=test&team=market%20data",
                "{put:?}"
            );
            assert!(has_header(put, "x-amz-checksum-sha256"), "{put:?}");
            assert!(!has_header(put, "acl") && !has_header(put, "grant"), "{put:?}");
        }
        assert_kept(&world).await;
        assert_each_once(&world).await;

        // they are the writer's: others go on with the same chain
        let second = world.start(&world.consumer("b"));
        until_owning(&second).await;
        stop(&second).await;
        world.assert_clean().await;
    });
}

/// Asserts that the server took the settings for what they are.
async fn assert_kept(world: &World) {
    let client = world.s3.client();
    for key in world.s3.keys(&world.bucket, "").await.unwrap() {
        let head = client
            .head_object()
            .bucket(&world.bucket)
            .key(&key)
            .send()
            .await
            .unwrap();
        assert_eq!(head.server_side_encryption().unwrap().as_str(), "AES256", "{key}");
        assert_eq!(head.storage_class().unwrap().as_str(), "STANDARD_IA", "{key}");
        let tags = client
            .get_object_tagging()
            .bucket(&world.bucket)
            .key(&key)
            .send()
            .await
            .unwrap();
        let tags = tags.tag_set().iter().map(|tag| (tag.key(), tag.value()));
        let mut tags: Vec<_> = tags.collect();
        tags.sort_unstable();
        assert_eq!(tags, [("env", "test"), ("team", "market data")], "{key}");
    }
}

#[test]
fn a_key_of_kms_is_asked_for_by_its_name() {
    run(async {
        let world = World::new("kms", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let (requests, _rule) = noted(&proxy);
        let launch = world
            .consumer("a")
            .args(["--sse", "kms", "--kms-key-id", "alias/ticks"])
            .variables(world.s3.variables_by_way_of(&proxy.endpoint()));
        // this server has no KMS, and answers 500, which may pass
        let consumer = world.start(&launch);
        let line = consumer.line("trying again", PATIENCE).await.unwrap();
        assert!(line.contains("--kms-key-id alias/ticks"), "{line}");
        stop(&consumer).await;
        let requests = requests.lock().unwrap().clone();
        let put = requests
            .iter()
            .find(|request| request.method == Method::PUT)
            .unwrap();
        assert_eq!(put.header("x-amz-server-side-encryption"), "aws:kms");
        assert_eq!(
            put.header("x-amz-server-side-encryption-aws-kms-key-id"),
            "alias/ticks"
        );
    });
}

#[test]
fn a_server_that_knows_no_checksums_is_sent_none_and_asked_for_none() {
    run(async {
        let world = World::new("no-checksum", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let (requests, _rule) = noted(&proxy);
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.start(
            &world
                .consumer("a")
                .args(["--checksum", "none"])
                .variables(by_proxy),
        );
        Session::new().send(&world.kafka, &world.topic, 50).await;
        world.until_stored(50, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        for request in requests.lock().unwrap().iter() {
            assert!(
                !has_header(request, "x-amz-checksum") && !has_header(request, "trailer"),
                "{request:?}"
            );
        }
    });
}
