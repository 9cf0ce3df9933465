//! The program itself: its one line on stdout, its way to stop, its exit status.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

use std::io::Write;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

fn stand_in(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twelve-data-stand-in"));
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn file_of(ticks: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(ticks.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn it_tells_its_address_replays_a_file_and_ends_with_0_on_sigterm() {
    let file = file_of("20200101 170000065,1.121200,1.121720\n20200101 170010447,1.12120,1.121920\n");
    let mut program = stand_in(&[
        "--replay",
        file.path().to_str().unwrap(),
        "--replay-symbol",
        "EUR/USD",
    ])
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let address = lines.next_line().await.unwrap().unwrap();
    let get = async |path: &str| -> Value {
        reqwest::get(format!("{address}{path}"))
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(get("/quote?symbol=EUR/USD&apikey=k").await["ask"], "1.121720");
    assert_eq!(
        get("/_stand_in/replay").await,
        json!({ "symbol": "EUR/USD", "served": 1, "total": 2 })
    );
    let pid = i32::try_from(program.id().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    assert_eq!(program.wait().await.unwrap().code(), Some(0));
    assert_eq!(
        lines.next_line().await.unwrap(),
        None,
        "stdout holds the address alone"
    );
}

#[tokio::test]
async fn a_file_with_a_bad_line_ends_it_with_78_and_the_lines_number() {
    let file = file_of("time,bid,ask\n20200101 170000065,1.1,1.2\n20200101 170010447,1.1,\n");
    let path = file.path().to_str().unwrap();
    let output = stand_in(&["--replay", path, "--replay-symbol", "EUR/USD"])
        .output()
        .await
        .unwrap();
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{says}");
    assert!(says.contains(&format!("{path} line 3: the ask ``")), "{says}");
    assert!(output.stdout.is_empty());
}
