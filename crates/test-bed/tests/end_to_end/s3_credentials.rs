//! How the programs come by AWS credentials and through proxies, each by the SDK's own chain.

use hyper::Method;
use test_bed::{Fault, FaultProxy, Launch};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use crate::aws::{Imds, Keys, Sts};
use crate::metrics::until_owning;
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

/// A consumer that has no keys in its environment, and the keys that the S3 server takes.
fn without_keys(world: &World, name: &str) -> (Launch, Keys) {
    let launch = world.consumer(name);
    let value = |variable| launch.value_of(variable).unwrap().to_str().unwrap().to_owned();
    let keys = Keys {
        id: value("AWS_ACCESS_KEY_ID"),
        secret: value("AWS_SECRET_ACCESS_KEY"),
    };
    let launch = launch
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    (launch, keys)
}

/// Runs it until what is sent is stored.
async fn assert_stores(world: &World, launch: &Launch) {
    let consumer = world.start(launch);
    Session::new().send(&world.kafka, &world.topic, 20).await;
    world.until_stored(20, &[&consumer]).await;
    stop(&consumer).await;
    assert_each_once(world).await;
}

#[test]
fn keys_of_an_instances_role_are_followed_when_they_rotate() {
    run(async {
        let world = World::new("instance-role", 1).await;
        let (launch, keys) = without_keys(&world, "a");
        let imds = Imds::start(keys.clone()).await;
        let consumer = world.start(&launch.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds.url));
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 20).await;
        world.until_stored(20, &[&consumer]).await;
        imds.rotate(Keys {
            id: "unknown".to_owned(),
            secret: "unknown".to_owned(),
        });
        // until the SDK asks again, the old ones are in use
        let refused = consumer.line("S3 refuses the credentials", PATIENCE);
        let sent = async {
            loop {
                session.send(&world.kafka, &world.topic, 1).await;
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            refused = refused => drop(refused.unwrap()),
            () = sent => {}
        }
        imds.rotate(keys);
        let count = world.kafka.record_count(&world.topic).await.unwrap();
        world.until_stored(count, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
    });
}

#[test]
fn a_profile_gives_keys_region_and_endpoint() {
    run(async {
        let world = World::new("profile", 1).await;
        let (launch, Keys { id, secret }) = without_keys(&world, "a");
        let config = format!(
            "[profile quotes]\nregion = us-east-1\nendpoint_url = {}\naws_access_key_id = {id}\n\
             aws_secret_access_key = {secret}\n",
            world.s3.endpoint()
        );
        let config = world.bed.write("profile.config", &config).unwrap();
        let launch = launch
            .without("AWS_REGION")
            .without("AWS_ENDPOINT_URL")
            .variable("AWS_PROFILE", "quotes")
            .variable("AWS_CONFIG_FILE", config);
        assert_stores(&world, &launch).await;
    });
}

#[test]
fn a_role_is_assumed_from_a_profile() {
    run(async {
        let world = World::new("assumed-role", 1).await;
        let (launch, keys) = without_keys(&world, "a");
        let sts = Sts::start(keys).await;
        let config = "[profile base]\naws_access_key_id = base\naws_secret_access_key = base\n\
                      [profile quotes]\nrole_arn = arn:aws:iam::1:role/writer\nsource_profile = base\n";
        let config = world.bed.write("assumed-role.config", config).unwrap();
        let launch = launch
            .variable("AWS_PROFILE", "quotes")
            .variable("AWS_CONFIG_FILE", config)
            .variable("AWS_ENDPOINT_URL_STS", &sts.url);
        assert_stores(&world, &launch).await;
        let asked = sts.asked();
        assert_eq!(asked[0]["Action"], "AssumeRole");
        assert_eq!(asked[0]["RoleArn"], "arn:aws:iam::1:role/writer");
    });
}

#[test]
fn a_web_identity_is_exchanged_for_a_role() {
    run(async {
        let world = World::new("web-identity", 1).await;
        let (launch, keys) = without_keys(&world, "a");
        let sts = Sts::start(keys).await;
        let token = world.bed.write("web-identity.token", "a.signed.token").unwrap();
        let launch = launch
            .variable("AWS_WEB_IDENTITY_TOKEN_FILE", token)
            .variable("AWS_ROLE_ARN", "arn:aws:iam::1:role/writer")
            .variable("AWS_ENDPOINT_URL_STS", &sts.url);
        assert_stores(&world, &launch).await;
        let asked = sts.asked();
        assert_eq!(asked[0]["Action"], "AssumeRoleWithWebIdentity");
        assert_eq!(asked[0]["WebIdentityToken"], "a.signed.token");
    });
}

#[test]
fn requests_go_through_the_proxy_of_the_environment() {
    run(async {
        let world = World::new("http-proxy", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let writes = proxy.inject(usize::MAX, Fault::Delay(std::time::Duration::ZERO), |request| {
            request.method == Method::PUT
        });
        // only the proxy knows where this is
        let launch = world
            .consumer("a")
            .variables(world.s3.variables_by_way_of("http://s3.invalid"))
            .variable("HTTP_PROXY", proxy.endpoint());
        assert_stores(&world, &launch).await;
        assert!(writes.count() > 0);
        let past_it = world
            .consumer("b")
            .variable("HTTP_PROXY", "http://127.0.0.1:1")
            .variable("NO_PROXY", "127.0.0.1");
        let consumer = world.start(&past_it);
        until_owning(&consumer).await;
        stop(&consumer).await;
    });
}

#[test]
fn aws_itself_is_reached_by_a_tunnel_through_the_proxy() {
    run(async {
        let world = World::new("https-proxy", 1).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let launch = world
            .consumer("a")
            .without("AWS_ENDPOINT_URL")
            .variable("AWS_REGION", "eu-west-1")
            .variable("HTTPS_PROXY", proxy);
        let consumer = world.start(&launch);
        let (connection, _) = tokio::time::timeout(PATIENCE, listener.accept())
            .await
            .unwrap()
            .unwrap();
        let asked = BufReader::new(connection).lines().next_line().await.unwrap();
        assert_eq!(
            asked.as_deref(),
            Some("CONNECT https-proxy.s3.eu-west-1.amazonaws.com:443 HTTP/1.1")
        );
        let status = consumer.end(PATIENCE).await.unwrap();
        assert_eq!(status.code(), Some(1), "{}", consumer.log());
        assert!(
            consumer.log().contains("the proxy's variables"),
            "{}",
            consumer.log()
        );
    });
}
