use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::kafka::{setup, stderr, stdout};

#[test]
fn the_second_render_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.properties");
    let render = |more: &[&str]| {
        let arguments = [
            "render",
            "--advertised-host",
            "kafka.internal",
            "--out",
            file.to_str().unwrap(),
        ];
        setup(&[&arguments, more].concat())
    };
    let diff = render(&["--diff"]);
    assert_eq!(diff.status.code(), Some(3));
    assert!(stdout(&diff).contains("+ node.id=1\n"), "{diff:?}");
    assert!(!file.exists());
    assert!(stdout(&render(&[])).starts_with("changed"));
    let text = fs::read_to_string(&file).unwrap();
    let again = render(&[]);
    assert!(stdout(&again).starts_with("ok"), "{again:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(render(&["--diff"]).status.code(), Some(0));
    let diff = render(&["--diff", "--set", "num.partitions=3"]);
    assert_eq!(stdout(&diff), "- num.partitions=1\n+ num.partitions=3\n");
    let printed = setup(&["render", "--advertised-host", "kafka.internal"]);
    assert_eq!(stdout(&printed), text);
}

#[test]
fn a_misspelt_name_is_refused_with_the_right_one() {
    let output = setup(&[
        "render",
        "--advertised-host",
        "a",
        "--set",
        "advertized.listeners=PLAINTEXT://a:1",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("`advertized.listeners`, did you mean `advertised.listeners`?"),
        "{output:?}"
    );
    assert!(output.stdout.is_empty());
}

/// Renders on a host that `hostname` calls so, beside a metadata service at this address.
fn rendered_on(name: &str, metadata_service: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let hostname = folder.path().join("hostname");
    fs::write(&hostname, format!("#!/bin/sh\necho {name}\n")).unwrap();
    fs::set_permissions(&hostname, Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    Command::new(env!("CARGO_BIN_EXE_broker-setup"))
        .arg("render")
        .env_remove("KAFKA_ADVERTISED_HOST")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata_service)
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .output()
        .unwrap()
}

const NO_SERVICE: &str = "http://127.0.0.1:1";

#[test]
fn this_hosts_name_is_advertised_by_default() {
    let output = rendered_on("kafka-1.internal", NO_SERVICE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        stdout(&output).contains("advertised.listeners=PLAINTEXT://kafka-1.internal:9092,"),
        "{output:?}"
    );
}

#[test]
fn a_host_that_is_called_localhost_is_refused() {
    for name in ["localhost", "localhost.localdomain", "127.0.1.1"] {
        let output = rendered_on(name, NO_SERVICE);
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        assert!(stderr(&output).contains("cannot be advertised"), "{output:?}");
    }
}

#[test]
fn on_ec2_the_private_name_is_advertised_whatever_the_host_is_called() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", service.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let answers = ["PUT /latest/api/token ", "GET /latest/meta-data/local-hostname "];
        answers.map(|request| answer(&service, request, "ip-10-0-1-23.ec2.internal"))
    });
    let output = rendered_on("localhost", &endpoint);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        stdout(&output).contains("PLAINTEXT://ip-10-0-1-23.ec2.internal:9092,"),
        "{output:?}"
    );
    let [_, name] = asked.join().unwrap();
    assert!(name.contains("x-aws-ec2-metadata-token: ip-10-0-1-23"), "{name}");
}

/// Takes the next request, which must begin so, answers it and gives it.
fn answer(service: &TcpListener, begin: &str, body: &str) -> String {
    let (mut connection, _) = service.accept().unwrap();
    let mut request = String::new();
    let mut bytes = [0; 1024];
    while !request.contains("\r\n\r\n") {
        let count = connection.read(&mut bytes).unwrap();
        request.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    assert!(request.starts_with(begin), "{request}");
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    request
}
