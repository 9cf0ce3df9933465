use std::fs;

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

#[test]
fn this_hosts_name_is_advertised_by_default_and_never_loopback() {
    // The name of the machine that runs the tests may be anything; what may not come out is `localhost`.
    let output = setup(&["render"]);
    let text = stdout(&output);
    match output.status.code() {
        Some(0) => assert!(
            !text.contains("PLAINTEXT://localhost") && !text.contains("PLAINTEXT://127."),
            "{text}"
        ),
        code => {
            assert_eq!(code, Some(78), "{output:?}");
            assert!(stderr(&output).contains("cannot be advertised"), "{output:?}");
        }
    }
}
