use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::time::Duration;

use crate::kafka::{Kafka, stdout};

#[test]
fn a_broker_that_advertises_what_was_asked_is_waited_for() {
    let kafka = Kafka::shared();
    let port = kafka.port.to_string();
    let output = kafka.setup(&[
        "wait",
        "--timeout",
        "20s",
        "--advertised-host",
        "127.0.0.1",
        "--port",
        &port,
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let verdicts = stdout(&output);
    assert_eq!(verdicts.lines().count(), 4, "{verdicts}");
    assert!(verdicts.lines().all(|line| line.starts_with("ok ")), "{verdicts}");
    assert!(
        verdicts.contains(&format!("reach 127.0.0.1:{port}")),
        "{verdicts}"
    );
}

#[test]
fn a_wrong_advertised_address_is_found_before_the_time_is_over() {
    let kafka = Kafka::shared();
    let output = kafka.setup(&[
        "wait",
        "--timeout",
        "10m",
        "--advertised-host",
        "ip-10-0-1-23.ec2.internal",
    ]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let verdicts = stdout(&output);
    let last = verdicts.lines().last().unwrap();
    assert!(last.starts_with("failed"), "{verdicts}");
    assert!(last.contains(&kafka.bootstrap()), "{verdicts}");
    assert!(
        last.contains("ip-10-0-1-23.ec2.internal:* was asked for; change `advertised.listeners`"),
        "{verdicts}"
    );
}

#[test]
fn a_client_looks_once() {
    let kafka = Kafka::shared();
    let output = kafka.setup(&["doctor", "--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        findings
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| finding["verdict"] == "ok"),
        "{findings}"
    );
    let closed = crate::kafka::setup(&["doctor", "--bootstrap-server", "127.0.0.1:1"]);
    assert_eq!(closed.status.code(), Some(1), "{closed:?}");
    assert!(stdout(&closed).contains("connection refused"), "{closed:?}");
}

#[test]
fn an_advertised_address_that_nobody_reaches_is_named() {
    // it answers, and sends clients to a port where nothing listens
    let kafka = Kafka::advertising(1);
    let look = || kafka.setup(&["doctor"]);
    let starts = |output: &Output| !stdout(output).contains("127.0.0.1:1 ");
    let mut output = look();
    for _ in 0..200 {
        if !starts(&output) {
            break;
        }
        std::thread::sleep(Duration::from_millis(300));
        output = look();
    }
    assert_names_dead_address(&output);

    // and when no more is heard of it once it has said that
    let mute = falling_mute(kafka.port, RESPONSES_UNTIL_LEARNED);
    let output = crate::kafka::setup(&["doctor", "--bootstrap-server", &format!("127.0.0.1:{mute}")]);
    let verdicts = assert_names_dead_address(&output);
    assert!(verdicts.contains("failed  metadata "), "{verdicts}");
}

fn assert_names_dead_address(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let verdicts = stdout(output);
    let last = verdicts.lines().last().unwrap();
    assert!(last.starts_with("failed  reach 127.0.0.1:1 "), "{verdicts}");
    assert!(
        last.contains("(this is the address that clients use)"),
        "{verdicts}"
    );
    verdicts
}

/// The versions of the broker's requests, and its metadata.
const RESPONSES_UNTIL_LEARNED: usize = 2;

/// A way to the broker on which each connection gets so many responses and then no more; gives its port.
fn falling_mute(broker: u16, responses: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let broker = TcpStream::connect(("127.0.0.1", broker)).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), broker.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            std::thread::spawn(move || pass_on(broker, client, responses));
        }
    });
    port
}

/// Each response is its length and so many bytes. Afterwards the connection is held open until the broker ends it.
fn pass_on(mut broker: TcpStream, mut client: TcpStream, responses: usize) -> std::io::Result<()> {
    for _ in 0..responses {
        let mut length = [0; 4];
        broker.read_exact(&mut length)?;
        let mut response = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        broker.read_exact(&mut response)?;
        client.write_all(&length)?;
        client.write_all(&response)?;
    }
    std::io::copy(&mut broker, &mut std::io::sink())?;
    Ok(())
}
