use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::kafka::{Kafka, format_in, kafka_home, setup, stderr, stdout};

/// A folder with the configuration of a node that was never formatted.
fn rendered(data: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("server.properties");
    let output = setup(&[
        "render",
        "--advertised-host",
        "kafka.internal",
        "--data-dir",
        data.to_str().unwrap(),
        "--out",
        config.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    folder
}

fn meta_properties(folder: &Path) -> String {
    fs::read_to_string(folder.join("data/meta.properties")).unwrap()
}

#[test]
fn the_second_format_changes_nothing() {
    let kafka = Kafka::shared();
    let folder = &kafka.folder;
    let cluster_id = fs::read_to_string(folder.join("cluster-id")).unwrap();
    assert!(
        stdout(&kafka.first_format).contains(cluster_id.trim()),
        "{:?}",
        kafka.first_format
    );
    let before = meta_properties(folder);
    assert!(
        before.contains(&format!("cluster.id={}", cluster_id.trim())),
        "{before}"
    );
    let again = format_in(folder);
    assert!(again.status.success(), "{again:?}");
    assert!(stdout(&again).starts_with("ok"), "{again:?}");
    assert_eq!(meta_properties(folder), before);
}

#[test]
fn another_clusters_folder_is_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let folder = rendered(data.path());
    let meta = "version=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\nnode.id=1\n";
    fs::write(data.path().join("meta.properties"), meta).unwrap();
    fs::write(folder.path().join("cluster-id"), "AAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    let output = format_in(folder.path());
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    let said = stderr(&output);
    for part in [
        "MkU3OEVBNTcwNTJENDM2Qg",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "to keep the data",
        "to begin anew",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(
        fs::read_to_string(data.path().join("meta.properties")).unwrap(),
        meta
    );
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
}

#[test]
fn another_nodes_folder_is_left_as_it_is_and_a_lost_cluster_id_is_found_again() {
    let data = tempfile::tempdir().unwrap();
    let folder = rendered(data.path());
    let meta = |node: u32| format!("version=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\nnode.id={node}\n");
    fs::write(data.path().join("meta.properties"), meta(2)).unwrap();
    let output = format_in(folder.path());
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert!(
        stderr(&output).contains("to keep the data set node.id=2"),
        "{output:?}"
    );
    assert!(!folder.path().join("cluster-id").exists());
    fs::write(data.path().join("meta.properties"), meta(1)).unwrap();
    assert!(format_in(folder.path()).status.success());
    assert_eq!(
        fs::read_to_string(folder.path().join("cluster-id")).unwrap(),
        "MkU3OEVBNTcwNTJENDM2Qg\n"
    );
}

#[test]
fn what_stands_in_the_way_of_a_format_is_named() {
    let data = tempfile::tempdir().unwrap();
    let folder = rendered(data.path());
    let format = |home: &str, java_home: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_broker-setup"))
            .args(["format", "--kafka-home", home, "--config"])
            .arg(folder.path().join("server.properties"))
            .arg("--cluster-id-file")
            .arg(folder.path().join("cluster-id"))
            .env("JAVA_HOME", java_home)
            .output()
            .unwrap()
    };
    let kafka_home = kafka_home();
    let kafka_home = kafka_home.to_str().unwrap();
    let fake = tempfile::tempdir().unwrap();
    let java = fake.path().join("bin/java");
    fs::create_dir(fake.path().join("bin")).unwrap();
    fs::write(&java, "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n").unwrap();
    fs::set_permissions(&java, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (home, java_home, fault) in [
        ("/nowhere", "", "set KAFKA_HOME"),
        (kafka_home, "/nowhere", "there is no /nowhere/bin/java"),
        (
            kafka_home,
            fake.path().to_str().unwrap(),
            "needs Java 17 or newer",
        ),
    ] {
        let output = format(home, java_home);
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        assert!(stderr(&output).contains(fault), "{output:?}");
    }
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    assert!(!folder.path().join("cluster-id").exists());

    // the tool itself would say `unrecognized arguments: '--standalone'`
    let old = tempfile::tempdir().unwrap();
    fs::create_dir(old.path().join("libs")).unwrap();
    fs::write(old.path().join("libs/kafka-clients-3.8.1.jar"), "").unwrap();
    let output = format(old.path().to_str().unwrap(), "");
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    let said = stderr(&output);
    assert!(
        said.contains(
            "is Kafka 3.8, whose StorageTool does not know `--standalone`; set KAFKA_HOME to Kafka 3.9"
        ),
        "{said}"
    );
    assert!(
        !folder.path().join("cluster-id").exists(),
        "the next try begins anew"
    );
}

#[test]
fn a_misspelt_name_in_a_file_written_by_hand_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let folder = rendered(data.path());
    let config = folder.path().join("server.properties");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("advertised.listeners", "advertized.listeners"),
    )
    .unwrap();
    let output = format_in(folder.path());
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert!(
        stderr(&output).contains("did you mean `advertised.listeners`?"),
        "{output:?}"
    );
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}
