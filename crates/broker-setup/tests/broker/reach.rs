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
